// SPDX-License-Identifier: GPL-3.0-or-later
// Churn between two readings, over distances in updates, and the figures of behaviour.
#include <algorithm>
#include <cmath>

#include <QTest>

#include <ATen/ATen.h>

#include "core/plasticity/network/net_copy.h"
#include "core/plasticity/network/policy_change.h"
#include "probe_rig.h"

using namespace knife;
using namespace knife::test;

class TestPolicyChange : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void isNoneBetweenEqualNetworks();
    void isAllBetweenOpposites();
    void countsOnlyWhoHasAChoice();
    void ignoresPadding_data();
    void ignoresPadding();
    void measuresOverExactDistances();
    void staysSilentAcrossSurgery();
    void knowsErrorsByHand();
    void knowsTheCreditOfASum();
};

namespace {

bool near(double a, double b, double tolerance) {
    return std::abs(a - b) <= tolerance * std::max({1.0, std::abs(a), std::abs(b)});
}

NetReading copied(const NetReading& reading) {
    return {reading.values.clone(), reading.hidden.clone(), reading.qTot.clone()};
}

std::map<std::string, double> byName(const NetworkReport& report) {
    std::map<std::string, double> values;
    for (const NetworkValue& value : report.values) {
        values[value.name] = value.value;
    }
    return values;
}

} // namespace

void TestPolicyChange::isNoneBetweenEqualNetworks() {
    ProbeRig rig({}, randomEpisodes(smallWorld(), {4, 10}));
    const auto values = rig.measure("behaviour"); // a new learner's target equals its online network
    for (const char* name : {"policy", "joint", "q", "q_tot"}) {
        QCOMPARE(values.at(std::string("churn/") + name + "/target"), 0.0);
    }
}

void TestPolicyChange::isAllBetweenOpposites() {
    ProbeRig rig({}, randomEpisodes(smallWorld(), {4, 10}));
    const ProbeBatch probe = rig.batch();
    const NetReading reading = copied(read(rig.learner().online(), probe));
    const NetReading opposite{-reading.values, reading.hidden, -reading.qTot};
    const PolicyChange change = changeBetween(reading, opposite, probe);
    QCOMPARE(change.policy, 1.0);
    QCOMPARE(change.joint, 1.0);
    const at::Tensor valid = probe.valid.reshape({-1}).gt(0.5);
    QVERIFY(near(change.qTot, 2.0 * reading.qTot.masked_select(valid).abs().mean().item<double>(), 1e-6));
}

// One step, two agents with three actions; the first may only wait.
void TestPolicyChange::countsOnlyWhoHasAChoice() {
    ProbeBatch probe;
    probe.steps = 1;
    probe.episodes = 1;
    probe.agents = 2;
    probe.valid = at::ones({1, 1});
    probe.unavailable = at::zeros({2, 1, 2, 3}, at::kBool);
    probe.unavailable[0][0][0][1] = true;
    probe.unavailable[0][0][0][2] = true;
    probe.unavailable[0][0][1][2] = true;
    const auto reading = [](std::vector<float> values, float qTot) {
        return NetReading{
            at::cat({at::tensor(values).view({1, 1, 2, 3}), at::zeros({1, 1, 2, 3})}), {}, at::tensor({qTot})};
    };
    const NetReading a = reading({1, 9, 9, 3, 1, 99}, 2.F);
    const NetReading b = reading({5, 0, 0, 3, 4, -99}, 2.5F);
    const PolicyChange change = changeBetween(a, b, probe);
    QCOMPARE(change.policy, 1.0); // of the second agent alone
    QCOMPARE(change.joint, 1.0);
    QCOMPARE(change.q, 1.5); // |3 - 3| and |1 - 4|
    QCOMPARE(change.qTot, 0.5);
    probe.unavailable[0][0][1][1] = true; // now nobody has one
    QVERIFY(std::isnan(changeBetween(a, b, probe).policy));
}

void TestPolicyChange::ignoresPadding_data() {
    QTest::addColumn<QString>("mixer");
    for (const char* method : {"vdn", "iql", "qmix", "qplex", "cw_qmix", "qtran_base", "dmix"}) {
        QTest::newRow(method) << QString("method = \"%1\"").arg(QString::fromLatin1(method));
    }
}

void TestPolicyChange::ignoresPadding() {
    QFETCH(QString, mixer);
    Setup setup;
    setup.mixer = mixer.toStdString();
    ProbeRig rig(setup, randomEpisodes(smallWorld(), {4, 10, 7}));
    for (int update = 0; update < 3; ++update) { // so that the target network is another one
        QVERIFY(rig.learner().update(setup.batch(randomEpisodes(smallWorld(), {9, 10}, 5))));
    }
    const auto plain = rig.measure("behaviour");
    const auto longer = rig.measure("behaviour", padded(rig.batch(), 4));
    QVERIFY(plain.at("churn/q_tot/target") > 0.0);
    QCOMPARE(longer.size(), plain.size());
    const bool samples = mixer.contains("dmix"); // its draws are laid over the whole batch, padding included
    for (const auto& [name, value] : plain) {
        if (!samples || name.starts_with("churn/policy") || name == "behaviour/greedy_entropy") {
            QVERIFY2(near(longer.at(name), value, 1e-5), name.c_str());
        }
    }
}

void TestPolicyChange::measuresOverExactDistances() {
    DiagnosticsConfig config;
    config.perEvaluation = {"churn"};
    config.churnUpdates = {1, 3};
    const Setup setup;
    ProbeRig rig(setup, randomEpisodes(smallWorld(), {4, 10}), config);
    const Batch batch = setup.batch(randomEpisodes(smallWorld(), {9, 10}, 5));
    QVERIFY(rig.probe().look(ProbeOccasion::Evaluation, 0).values.empty());
    const auto earlier = copyOf(rig.learner().online(), rig.spec());
    QVERIFY(earlier);
    std::vector<std::int64_t> due;
    for (std::int64_t update = 1; update <= 5; ++update) {
        QVERIFY(rig.learner().update(batch));
        if (!rig.probe().isDue(ProbeOccasion::Update, update)) {
            continue;
        }
        due.push_back(update);
        if (update > 3) {
            break;
        }
        const auto values = byName(rig.probe().look(ProbeOccasion::Update, update));
        const ProbeBatch probe = rig.probe().gather(update);
        const NetReading now = copied(read(rig.learner().online(), probe));
        const PolicyChange expected = changeBetween(read(**earlier, probe), now, probe);
        const std::string since = "since_" + std::to_string(update);
        QCOMPARE(values.at("churn/policy/" + since), expected.policy);
        QCOMPARE(values.at("churn/q_tot/" + since), expected.qTot);
        QVERIFY(expected.qTot > 0.0);
        // A scheduled call in between does not move the point that distances are measured from.
        QVERIFY(rig.probe().look(ProbeOccasion::Evaluation, update).values.empty());
    }
    QCOMPARE(due, (std::vector<std::int64_t>{1, 3, 4})); // the call at 3 began anew
}

void TestPolicyChange::staysSilentAcrossSurgery() {
    DiagnosticsConfig config;
    config.perEvaluation = {"churn"};
    config.churnUpdates = {1, 3};
    ProbeRig rig({}, randomEpisodes(smallWorld(), {4, 10}), config);
    QVERIFY(rig.probe().look(ProbeOccasion::Evaluation, 7).failures.empty());
    addComposites(rig.learner().online(), "agent.fc1", 0, {1});
    const NetworkReport report = rig.probe().look(ProbeOccasion::Update, 8);
    QVERIFY(report.values.empty() && report.failures.empty());
    QVERIFY(!rig.probe().isDue(ProbeOccasion::Update, 10));
}

// A sum of agents that always say 2, one-step episodes that end with reward 5: the error is 6 - 5.
void TestPolicyChange::knowsErrorsByHand() {
    Setup setup;
    setup.mixer = "method = \"vdn\"";
    setup.agentKind = "mlp";
    const auto five = [&](std::uint64_t number) {
        EpisodeRecord episode = *randomEpisode(setup.spec, 1, End::Terminated, number);
        episode.reward = {number % 2 == 0 ? 5.F : 3.F};
        return std::make_shared<const EpisodeRecord>(std::move(episode));
    };
    ProbeRig rig(setup, {five(0), five(1), five(2), five(3)});
    {
        const at::NoGradGuard noGrad;
        FactorizedNet& net = rig.learner().online();
        for (ParameterBlock& block : net.parameters().blocks()) {
            block.value.zero_();
        }
        for (const Parameter& parameter : net.parameters().all()) {
            if (parameter.name == "agent.head.bias") {
                at::Tensor(parameter.value).fill_(2.F);
            }
        }
    }
    const auto values = rig.measure("behaviour");
    QCOMPARE(values.at("behaviour/td_error/mean_abs"), 2.0); // |6 - 5| and |6 - 3|
    QVERIFY(near(values.at("behaviour/td_error/p95"), 3.0, 1e-9));
    QCOMPARE(values.at("behaviour/overestimation"), 2.0);
    QCOMPARE(values.at("behaviour/explained_variance"), 0.0);
    QCOMPARE(values.at("behaviour/target/mean_abs"), 4.0);
}

void TestPolicyChange::knowsTheCreditOfASum() {
    Setup setup;
    setup.mixer = "method = \"vdn\"";
    ProbeRig rig(setup, randomEpisodes(smallWorld(), {4, 10}));
    const auto sum = rig.measure("behaviour");
    QCOMPARE(sum.at("behaviour/credit/mean_abs"), 1.0);
    QCOMPARE(sum.at("behaviour/credit/near_zero"), 0.0);
    ProbeRig mixing({}, randomEpisodes(smallWorld(), {4, 10}));
    {
        const at::NoGradGuard noGrad;
        CompositeLinear& w1 = *siteNamed(mixing.learner().online(), "mixer.hyper_w1").composite;
        w1.out()->value.zero_();
        at::Tensor(w1.outBias().value).zero_();
    }
    const auto none = mixing.measure("behaviour");
    QCOMPARE(none.at("behaviour/credit/near_zero"), 1.0);
    QCOMPARE(none.at("behaviour/mixing_weights/mixer.hyper_w1/near_zero"), 1.0);
    QVERIFY(none.at("behaviour/mixing_weights/mixer.hyper_w2/near_zero") < 0.1);
}

QTEST_APPLESS_MAIN(TestPolicyChange)
#include "tst_policy_change.moc"
