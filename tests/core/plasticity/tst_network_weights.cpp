// SPDX-License-Identifier: GPL-3.0-or-later
// Norms and distances of weights, private copies of networks, and the names that an experiment may ask for.
#include <algorithm>
#include <cmath>

#include <QTest>

#include <ATen/ATen.h>

#include "core/plasticity/network/net_copy.h"
#include "probe_rig.h"

using namespace knife;
using namespace knife::test;

class TestNetworkWeights : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void measuresAMatrix();
    void measuresDistanceFromTheStart();
    void measuresTheStepSinceTheLastCall();
    void pools();
    void copiesBitForBit();
    void leavesTheOriginalAlone();
    void knowsWhatExperimentsMayAskFor();
    void refusesUnknownNames();
};

namespace {

bool near(double a, double b, double tolerance) {
    return std::abs(a - b) <= tolerance * std::max({1.0, std::abs(a), std::abs(b)});
}

void scaleAll(FactorizedNet& net, double factor) {
    const at::NoGradGuard noGrad;
    for (ParameterBlock& block : net.parameters().blocks()) {
        block.value.mul_(factor);
    }
}

std::map<std::string, double> byName(const NetworkReport& report) {
    std::map<std::string, double> values;
    for (const NetworkValue& value : report.values) {
        values[value.name] = value.value;
    }
    return values;
}

} // namespace

void TestNetworkWeights::measuresAMatrix() {
    ProbeRig rig({}, randomEpisodes(smallWorld(), {5}));
    const at::Tensor w = parameterNamed(rig.learner().online(), "agent.fc1.weight").value.detach().to(at::kDouble);
    const auto values = rig.measure("weights");
    const std::string prefix = "weights/agent.fc1.weight/";
    QVERIFY(near(values.at(prefix + "l2"), w.norm().item<double>(), 1e-12));
    QVERIFY(near(values.at(prefix + "mean_abs"), w.abs().mean().item<double>(), 1e-12));
    QVERIFY(near(values.at(prefix + "rms"), w.square().mean().sqrt().item<double>(), 1e-12));
    QVERIFY(near(values.at(prefix + "sigma_max"), at::linalg_svdvals(w).max().item<double>(), 1e-4));
}

void TestNetworkWeights::measuresDistanceFromTheStart() {
    ProbeRig rig({}, randomEpisodes(smallWorld(), {5}));
    QCOMPARE(rig.measure("weights").at("weights/all/from_init"), 0.0);
    scaleAll(rig.learner().online(), 1.5);
    const auto values = rig.measure("weights");
    QVERIFY(near(values.at("weights/agent.fc1.weight/from_init"), 0.5, 1e-6));
    QVERIFY(near(values.at("weights/mixer/from_init"), 0.5, 1e-6));
}

void TestNetworkWeights::measuresTheStepSinceTheLastCall() {
    DiagnosticsConfig config;
    config.perEvaluation = {"weights"};
    ProbeRig rig({}, randomEpisodes(smallWorld(), {5}), config);
    QVERIFY(std::isnan(byName(rig.probe().look(ProbeOccasion::Evaluation, 0)).at("weights/all/step_ratio")));
    scaleAll(rig.learner().online(), 1.25);
    QVERIFY(near(byName(rig.probe().look(ProbeOccasion::Evaluation, 1)).at("weights/all/step_ratio"), 0.25, 1e-6));
    // New composites have no earlier value; the rest is measured as before.
    addComposites(rig.learner().online(), "agent.fc1", 0, {1});
    const auto values = byName(rig.probe().look(ProbeOccasion::Evaluation, 2));
    QCOMPARE(values.at("weights/all/step_ratio"), 0.0);
    QVERIFY(std::isnan(values.at("weights/agent.fc1.event0.active_in/step_ratio")));
}

void TestNetworkWeights::pools() {
    ProbeRig rig({}, randomEpisodes(smallWorld(), {5}));
    const auto values = rig.measure("weights");
    double sum = 0.0;
    for (const Parameter& parameter : rig.learner().online().parameters().all()) {
        sum += parameter.value.detach().to(at::kDouble).square().sum().item<double>();
    }
    QVERIFY(near(values.at("weights/all/l2"), std::sqrt(sum), 1e-12));
    QVERIFY(near(std::hypot(values.at("weights/agent/l2"), values.at("weights/mixer/l2")), std::sqrt(sum), 1e-12));
}

void TestNetworkWeights::copiesBitForBit() {
    ProbeRig rig({}, randomEpisodes(smallWorld(), {5, 9}));
    FactorizedNet& net = rig.learner().online();
    addComposites(net, "agent.fc1", 0, {0, 3});
    addComposites(net, "mixer.hyper_w1", 1, {2});
    addComposites(net, "agent.fc1", 2, {3, 4});
    const auto copy = copyOf(net, rig.spec());
    QVERIFY(copy);
    QVERIFY(sameBits((*copy)->parameters(), net.parameters()));
    const ProbeBatch probe = rig.batch();
    const NetReading original = read(net, probe);
    const at::Tensor values = original.values.clone();
    QVERIFY(sameBits(read(**copy, probe).values, values));
    QVERIFY(sameBits(read(**copy, probe).qTot, original.qTot));
}

void TestNetworkWeights::leavesTheOriginalAlone() {
    ProbeRig rig({}, randomEpisodes(smallWorld(), {5, 9}));
    FactorizedNet& net = rig.learner().online();
    net.parameters().zeroGradients();
    const ParameterCopy before(net.parameters());
    for (const std::string& name : networkDiagnosticNames()) {
        (void)rig.measure(name); // churn has nothing to say at its first call
    }
    QVERIFY(before.sameBitsAs(net.parameters()));
    for (const ParameterBlock& block : net.parameters().blocks()) {
        QCOMPARE(block.grad.abs().max().item<float>(), 0.F);
    }
}

void TestNetworkWeights::knowsWhatExperimentsMayAskFor() {
    QCOMPARE(registeredNetworkDiagnostics(), networkDiagnosticNames());
    for (const std::string& name : networkDiagnosticNames()) {
        QVERIFY(makeNetworkDiagnostic(name, {}) != nullptr);
    }
}

void TestNetworkWeights::refusesUnknownNames() {
    const auto messageOf = [](const std::string& line) {
        const auto experiment = parseExperiment("[env]\nname = \"matrix\"\n[diagnostics]\n" + line, "a.toml");
        return experiment ? std::string() : experiment.error().describe();
    };
    const std::string unknown = messageOf("per_task = [\"ntk\", \"gradient_covarance\"]");
    QVERIFY2(unknown.find("a.toml:4:1") != std::string::npos, unknown.c_str());
    QVERIFY2(unknown.find("did you mean 'gradient_covariance'") != std::string::npos, unknown.c_str());
    QVERIFY(messageOf("per_evaluation = [\"ranks\", \"ranks\"]").find("twice") != std::string::npos);
    QVERIFY(messageOf("per_evaluation = []\nchurn_updates = [0]").find("churn_updates") != std::string::npos);
    QCOMPARE(messageOf("per_evaluation = [\"churn\"]\nper_task = [\"trainability\", \"ntk\"]"), std::string());
}

QTEST_APPLESS_MAIN(TestNetworkWeights)
#include "tst_network_weights.moc"
