// SPDX-License-Identifier: GPL-3.0-or-later
// What a network can still be fitted to: as much as a fresh one where it is fresh, little where its units are dead.
#include <QTest>

#include <ATen/ATen.h>

#include "probe_rig.h"

using namespace knife;
using namespace knife::test;

class TestTrainability : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void isOneOfAFreshNetwork();
    void isWorseWhereUnitsAreDead_data();
    void isWorseWhereUnitsAreDead();
    void countsWhatIsFittedAsFitted();
    void saysNothingOfRowsThatAreAlike();
    void repeatsItself();
};

namespace {

Setup quickLearner(const std::string& mixer) {
    Setup setup;
    setup.mixer = mixer;
    setup.learning.optimiser = "adam";
    setup.learning.lr = 5e-3;
    return setup;
}

Episodes manyEpisodes() {
    return randomEpisodes(smallWorld(), {10, 10, 10, 10, 10, 10, 10, 10});
}

} // namespace

void TestTrainability::isOneOfAFreshNetwork() {
    ProbeRig rig(quickLearner("method = \"qmix\""), manyEpisodes());
    const auto values = rig.measure("trainability");
    QVERIFY2(values.at("trainability/fresh_loss") < 0.7,
             qPrintable(QString::number(values.at("trainability/fresh_loss"))));
    const double ratio = values.at("trainability/ratio");
    QVERIFY2(ratio > 0.5 && ratio < 2.0, qPrintable(QString::number(ratio)));
}

void TestTrainability::isWorseWhereUnitsAreDead_data() {
    QTest::addColumn<QString>("mixer");
    QTest::newRow("vdn") << "method = \"vdn\"";
    QTest::newRow("qmix") << "method = \"qmix\"";
}

void TestTrainability::isWorseWhereUnitsAreDead() {
    QFETCH(QString, mixer);
    ProbeRig rig(quickLearner(mixer.toStdString()), manyEpisodes());
    const double before = rig.measure("trainability").at("trainability/ratio");
    const at::NoGradGuard noGrad;
    for (const Site& site : rig.learner().online().sites().all()) {
        if (site.composite != nullptr) {
            site.composite->bias()->value.fill_(-100.F);
        }
    }
    const auto dead = rig.measure("trainability");
    QVERIFY2(dead.at("trainability/ratio") > 1.3 * before, qPrintable(QString::number(dead.at("trainability/ratio"))));
}

// Quotients of what rounding leaves would be anything.
void TestTrainability::countsWhatIsFittedAsFitted() {
    ProbeRig rig(quickLearner("method = \"qmix\""), randomEpisodes(smallWorld(), {2}));
    const auto values = rig.measure("trainability");
    QVERIFY(values.at("trainability/loss") < 0.01 && values.at("trainability/fresh_loss") < 0.01);
    QCOMPARE(values.at("trainability/ratio"), 1.0);
}

void TestTrainability::saysNothingOfRowsThatAreAlike() {
    const auto episode = randomEpisode(smallWorld(), 1, End::Terminated, 3);
    ProbeRig rig(quickLearner("method = \"qmix\""), Episodes(8, episode));
    QVERIFY(rig.measure("trainability").empty());
}

void TestTrainability::repeatsItself() {
    ProbeRig first(quickLearner("method = \"qmix\""), manyEpisodes());
    ProbeRig second(quickLearner("method = \"qmix\""), manyEpisodes());
    QCOMPARE(first.measure("trainability"), second.measure("trainability"));
}

QTEST_APPLESS_MAIN(TestTrainability)
#include "tst_trainability.moc"
