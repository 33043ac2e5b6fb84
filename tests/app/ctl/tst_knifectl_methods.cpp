// SPDX-License-Identifier: GPL-3.0-or-later
// One experiment file serves every method: `--set mixer.method=` is all that changes.
#include <QRegularExpression>
#include <QTest>

#include "knifectl.h"

using namespace knife::test;

namespace {

const char* const kTable = R"(
[experiment]
name = "one table"
steps = 120

[env]
name = "matrix"
table = "qtran"

[agent]
hidden = 8

[learning]
batch_episodes = 8
parallel_envs = 4

[evaluation]
interval = 60
episodes = 1
)";

// The program itself says which methods there are.
QStringList methods(const Knifectl& knifectl, const QString& file) {
    const Outcome refused = knifectl.train(file, {"--set", "mixer.method=none"});
    return refused.err.section("known: ", 1).trimmed().split(", ", Qt::SkipEmptyParts);
}

} // namespace

class TestKnifectlMethods : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void everyMethodTrainsFromTheSameFile() {
        const Knifectl knifectl;
        const QString file = knifectl.write("table.toml", kTable);
        const QStringList all = methods(knifectl, file);
        QStringList sorted = all;
        sorted.sort();
        QCOMPARE(sorted, (QStringList{"cw_qmix", "ddn", "diql", "dmix", "iql", "ow_qmix", "qatten", "qmix", "qplex",
                                      "qtran_alt", "qtran_base", "resq", "riskq", "rmix", "vdn"}));
        for (const QString& method : all) {
            const Outcome outcome = knifectl.train(file, {"--set", "mixer.method=" + method});
            VERIFY_EXIT(outcome, 0);
            const QJsonObject summary = outcome.object();
            QCOMPARE(summary["status"].toString(), QString("finished"));
            QCOMPARE(summary["env_steps"].toInt(), 120);
            QVERIFY2(summary["updates"].toInt() > 20, qPrintable(method));
            const QJsonObject final = summary["final"].toObject();
            QVERIFY2(final["test_return"].isDouble(), qPrintable(method));
            const QJsonArray qTot = final["q_tot"].toArray();
            QCOMPARE(qTot.size(), 9);
            for (const QJsonValue& value : qTot) {
                QVERIFY2(value.isDouble(), qPrintable(method));
            }
        }
    }
};

QTEST_APPLESS_MAIN(TestKnifectlMethods)
#include "tst_knifectl_methods.moc"
