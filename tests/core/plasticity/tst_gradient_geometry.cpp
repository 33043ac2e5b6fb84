// SPDX-License-Identifier: GPL-3.0-or-later
// Gradients of single episodes and single values against differences, against the learner and by hand.
#include <algorithm>
#include <cmath>

#include <QTest>

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>

#include "core/plasticity/network/gram.h"
#include "core/plasticity/network/net_copy.h"
#include "core/plasticity/network/spectrum.h"
#include "probe_rig.h"

using namespace knife;
using namespace knife::test;

class TestGradientGeometry : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void knowsCosinesByHand();
    void episodesAddUpToTheLearnersGradient_data();
    void episodesAddUpToTheLearnersGradient();
    void agreesWithDifferences();
    void leavesFrozenEntriesOut();
    void covarianceOfTwinsIsOne();
    void covarianceIgnoresPadding();
    void kernelAgreesWithExplicitGradients();
    void equalMomentsCountOnce();
};

namespace {

bool near(double a, double b, double tolerance) {
    return std::abs(a - b) <= tolerance * std::max({1.0, std::abs(a), std::abs(b)});
}

ScalarOf lossOver(const ProbeBatch& probe) {
    return [&probe](const FactorizedNet& net, const JointView& view) {
        return net.mixer()
            .loss({.online = view,
                   .targets = probe.targets,
                   .bootstrap = probe.bootstrap,
                   .weights = probe.weights(),
                   .update = probe.number},
                  nullptr)
            .total;
    };
}

at::Tensor gradientOver(FactorizedNet& copy, const ProbeBatch& probe) {
    differentiate(copy, probe, lossOver(probe));
    return flatGradient(copy.parameters());
}

std::unique_ptr<FactorizedNet> copyIn(ProbeRig& rig) {
    auto copy = copyOf(rig.learner().online(), rig.spec());
    return copy ? std::move(*copy) : nullptr;
}

} // namespace

void TestGradientGeometry::knowsCosinesByHand() {
    // Two that agree, one against both, one at a right angle, one of length 0.
    const at::Tensor gradients = at::tensor({2.F, 0.F, 1.F, 0.F, -3.F, 0.F, 0.F, 4.F, 0.F, 0.F}).view({5, 2});
    const at::Tensor gram = gramOf(gradients, {{"agent", 0, 1}, {"mixer", 1, 1}}, "all");
    const PairedCosines cosines = cosinesOf(gram);
    QVERIFY(near(cosines.mean, -1.0 / 6.0, 1e-12)); // pairs: 1, -1, -1, 0, 0, 0
    QVERIFY(near(cosines.opposed, 2.0 / 6.0, 1e-12));
    QVERIFY(near(cosines.aligned, 1.0 / 6.0, 1e-12));
    QVERIFY(near(cosinesOf(gramOf(gradients, {{"agent", 0, 1}, {"mixer", 1, 1}}, "agent")).mean, -1.0 / 3.0, 1e-12));
    QVERIFY(std::isnan(cosinesOf(at::ones({1, 1}, at::kDouble)).mean));
}

void TestGradientGeometry::episodesAddUpToTheLearnersGradient_data() {
    QTest::addColumn<QString>("mixer");
    QTest::addColumn<bool>("fast");
    for (const bool fast : {true, false}) {
        for (const char* method : {"qmix", "vdn", "iql", "qplex", "qtran_base", "ow_qmix"}) {
            QTest::addRow("%s, %s", method, fast ? "fast" : "reference") << QString::fromLatin1(method) << fast;
        }
    }
}

// The loss of a batch is the mean over its steps: the episodes' gradients, weighed by their lengths.
void TestGradientGeometry::episodesAddUpToTheLearnersGradient() {
    QFETCH(QString, mixer);
    QFETCH(bool, fast);
    Setup setup;
    setup.mixer = "method = \"" + mixer.toStdString() + "\"";
    setup.learning.gradClip = 0.0;
    setup.pool = fast ? setup.pool : nullptr;
    const Episodes episodes = randomEpisodes(smallWorld(), {4, 10, 7});
    ProbeRig rig(setup, episodes);
    const ProbeBatch probe = rig.batch();
    const auto copy = copyIn(rig);
    QVERIFY(copy);
    at::Tensor sum = at::zeros_like(flatGradient(copy->parameters()));
    for (std::int64_t e = 0; e < probe.episodes; ++e) {
        const ProbeBatch one = probe.select({e}, probe.lengths[static_cast<std::size_t>(e)]);
        sum += gradientOver(*copy, one) * (probe.lengths[static_cast<std::size_t>(e)] / 21.0);
    }
    QVERIFY(rig.learner().update(setup.batch(episodes)));
    const at::Tensor learners = flatGradient(rig.learner().online().parameters());
    const double difference = (sum - learners).norm().item<double>();
    QVERIFY2(difference <= 2e-5 * learners.norm().item<double>(), qPrintable(QString::number(difference)));
}

void TestGradientGeometry::agreesWithDifferences() {
    Setup setup;
    setup.hidden = 6;
    setup.mixer = "method = \"qmix\"\nembed = 4\nhypernet_embed = 5";
    ProbeRig rig(setup, randomEpisodes(smallWorld(), {6, 3}));
    const ProbeBatch probe = rig.batch();
    const auto copy = copyIn(rig);
    const at::Tensor gradient = gradientOver(*copy, probe);
    const at::NoGradGuard noGrad;
    const at::Tensor value = copy->parameters().blocks().front().value;
    const auto lossAt = [&](std::int64_t i, float shift) {
        const float kept = value[i].item<float>();
        value[i] = kept + shift;
        TdReading td;
        const NetReading reading = read(*copy, probe, td);
        const at::Tensor error = td.joint.to(at::kDouble) - probe.targets.to(at::kDouble);
        const double loss = (error.square() * probe.weights().to(at::kDouble)).sum().item<double>();
        value[i] = kept;
        return loss;
    };
    constexpr float kShift = 4e-3F;
    for (std::int64_t i = 0; i < gradient.numel(); i += 37) {
        const double slope = (lossAt(i, kShift) - lossAt(i, -kShift)) / (2.0 * static_cast<double>(kShift));
        QVERIFY2(std::abs(slope - gradient[i].item<double>()) < 2e-3,
                 qPrintable(QString("%1: %2 %3").arg(i).arg(slope).arg(gradient[i].item<double>())));
    }
}

void TestGradientGeometry::leavesFrozenEntriesOut() {
    ProbeRig rig({}, randomEpisodes(smallWorld(), {6, 3}));
    addComposites(rig.learner().online(), "agent.fc1", 0, {2});
    const auto copy = copyIn(rig);
    const at::Tensor gradient = gradientOver(*copy, rig.batch());
    const auto slices = gradientSlices(copy->parameters());
    std::int64_t covered = 0;
    for (const GradientSlice& slice : slices) {
        QCOMPARE(slice.begin, covered);
        covered += slice.length;
    }
    QCOMPARE(covered, gradient.numel());
    // The first parameter is fc1.weight, whose row 2 is knowledge now.
    const std::int64_t width = parameterNamed(*copy, "agent.fc1.weight").value.size(1);
    QCOMPARE(gradient.narrow(0, 2 * width, width).abs().max().item<float>(), 0.F);
    QVERIFY(gradient.narrow(0, 3 * width, width).abs().max().item<float>() > 0.F);
}

void TestGradientGeometry::covarianceOfTwinsIsOne() {
    const auto episode = randomEpisode(smallWorld(), 6, End::Terminated, 3);
    ProbeRig rig({}, {episode, episode, episode});
    const auto values = rig.measure("gradient_covariance");
    for (const char* module : {"all", "agent", "mixer"}) {
        const std::string prefix = std::string("gradient_covariance/") + module + "/";
        QVERIFY(near(values.at(prefix + "mean_cosine"), 1.0, 1e-6));
        QCOMPARE(values.at(prefix + "share_aligned"), 1.0);
        QCOMPARE(values.at(prefix + "share_opposed"), 0.0);
        QVERIFY(near(values.at(prefix + "effective_rank"), 1.0, 1e-3));
    }
    QCOMPARE(values.at("gradient_covariance/episodes"), 3.0);
}

void TestGradientGeometry::covarianceIgnoresPadding() {
    ProbeRig rig({}, randomEpisodes(smallWorld(), {4, 10, 7, 9}));
    const auto plain = rig.measure("gradient_covariance");
    const auto longer = rig.measure("gradient_covariance", padded(rig.batch(), 3));
    for (const auto& [name, value] : plain) {
        QVERIFY2(near(longer.at(name), value, 1e-9), name.c_str());
    }
    const auto kernel = rig.measure("ntk");
    for (const auto& [name, value] : rig.measure("ntk", padded(rig.batch(), 3))) {
        QVERIFY2(near(kernel.at(name), value, 1e-9), name.c_str());
    }
}

void TestGradientGeometry::kernelAgreesWithExplicitGradients() {
    Setup setup;
    setup.hidden = 8;
    ProbeRig rig(setup, randomEpisodes(smallWorld(), {5, 4, 6}));
    const ProbeBatch probe = rig.batch();
    // Without kernels a pass is one graph from the parameters on.
    NetSpec plain = rig.spec();
    plain.pool = nullptr;
    const auto net = copyOf(rig.learner().online(), plain);
    QVERIFY(net);
    std::vector<at::Tensor> leaves;
    for (const Parameter& parameter : (*net)->parameters().all()) {
        leaves.push_back(parameter.value);
    }
    const at::AutoGradMode mode(true);
    const NetPass pass = (*net)->pass(probe.inputs, Keep::Gradient, nullptr);
    const at::Tensor joint = (*net)->mixer().mix(viewOf(probe, **net, pass), nullptr);
    std::vector<at::Tensor> rows;
    for (std::int64_t row = 0; row < probe.rows(); ++row) {
        if (probe.valid.reshape({-1})[row].item<float>() < 0.5F) {
            continue;
        }
        std::vector<at::Tensor> flat;
        const auto parts = torch::autograd::grad({joint[row].sum()}, leaves, {}, /*retain_graph=*/true, false, true);
        for (std::size_t i = 0; i < parts.size(); ++i) {
            flat.push_back((parts[i].defined() ? parts[i] : at::zeros_like(leaves[i])).reshape({-1}));
        }
        rows.push_back(at::cat(flat).to(at::kDouble).detach());
    }
    const at::Tensor jacobian = at::stack(rows);
    const std::vector<double> spectrum = eigenvalues(at::mm(jacobian, jacobian.t()));
    const Ranks ranks = ranksOf(spectrum);
    const auto values = rig.measure("ntk");
    QCOMPARE(values.at("ntk/rows"), 15.0);
    QCOMPARE(values.at("ntk/srank"), ranks.srank);
    QVERIFY(near(values.at("ntk/effective_rank"), ranks.effective, 1e-4));
    QVERIFY(near(values.at("ntk/condition"), spectrum.back() / spectrum.front(), 1e-2));
}

void TestGradientGeometry::equalMomentsCountOnce() {
    const auto episode = randomEpisode(smallWorld(), 1, End::Terminated, 3);
    ProbeRig rig({}, Episodes(80, episode));
    const auto values = rig.measure("ntk");
    QCOMPARE(values.at("ntk/rows"), 1.0);
    QCOMPARE(values.at("ntk/srank"), 1.0);
    QCOMPARE(values.at("ntk/effective_rank"), 1.0);
    QCOMPARE(values.at("ntk/condition"), 1.0);
}

QTEST_APPLESS_MAIN(TestGradientGeometry)
#include "tst_gradient_geometry.moc"
