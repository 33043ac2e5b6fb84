// SPDX-License-Identifier: GPL-3.0-or-later
// Ranks of features: golden values, matrices of known rank, the mask, and composites.
#include <algorithm>
#include <array>
#include <cmath>
#include <functional>

#include <QTest>

#include <rapidcheck.h>

#include <ATen/ATen.h>

#include "core/plasticity/network/features.h"
#include "core/plasticity/network/spectrum.h"
#include "probe_rig.h"

using namespace knife;
using namespace knife::test;

class TestRanks : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void hasTheGoldenValues();
    void isZeroOfNothing();
    void staysBetweenOneAndTheirNumber();
    void countsIndependentDirections();
    void agreesWithADecomposition();
    void ignoresPadding();
    void centresOnRequest();
    void flagsTooFewRows();
    void takesManyRowsEvenly();
    void readsTheLiveNeuronOfAComposite();
    void seesADeadLayer();
};

namespace {

bool near(double a, double b, double tolerance) {
    return std::abs(a - b) <= tolerance * std::max({1.0, std::abs(a), std::abs(b)});
}

} // namespace

void TestRanks::hasTheGoldenValues() {
    const Ranks ranks = ranksOf({0.01, 2.0, 4.0, 0.5, 1.0}); // the order does not count
    QCOMPARE(ranks.srank, 4.0);
    QCOMPARE(ranks.approximate, 4.0);
    QVERIFY(near(ranks.effective, 3.144171, 1e-6));
    QVERIFY(near(ranks.frobStable, 1.328125, 1e-5));
    QVERIFY(near(ranks.participation, 2.654110, 1e-6));
    QVERIFY(near(ranks.participationSq, 21.2501 * 21.2501 / 273.0625, 1e-6));
}

void TestRanks::isZeroOfNothing() {
    for (const std::vector<double>& values : {std::vector<double>{}, std::vector<double>{0.0, 0.0}}) {
        const Ranks ranks = ranksOf(values);
        QCOMPARE(ranks.srank, 0.0);
        QCOMPARE(ranks.effective, 0.0);
        QCOMPARE(ranks.frobStable, 0.0);
        QCOMPARE(ranks.participation, 0.0);
    }
}

void TestRanks::staysBetweenOneAndTheirNumber() {
    const bool holds = rc::check("ranks lie between 1 and n and do not depend on the scale", [] {
        const auto draws = *rc::gen::nonEmpty(rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 1000)));
        RC_PRE(std::ranges::any_of(draws, [](int draw) { return draw > 0; }));
        std::vector<double> values(draws.begin(), draws.end());
        const auto all = [](const Ranks& r) {
            return std::array{r.srank, r.approximate, r.effective, r.frobStable, r.participation, r.participationSq};
        };
        const auto ranks = all(ranksOf(values));
        for (double& value : values) {
            value *= 3.5;
        }
        const auto scaled = all(ranksOf(values));
        for (std::size_t i = 0; i < ranks.size(); ++i) {
            RC_ASSERT(ranks[i] >= 1.0 - 1e-9);
            RC_ASSERT(ranks[i] <= static_cast<double>(values.size()) + 1e-9);
            RC_ASSERT(near(ranks[i], scaled[i], 1e-9));
        }
    });
    QVERIFY(holds);
}

void TestRanks::countsIndependentDirections() {
    // Three orthogonal directions of equal strength among twelve columns.
    const at::Tensor basis = std::get<0>(at::linalg_qr(randomTensor({40, 3}, 1).to(at::kDouble)));
    const at::Tensor mixing = std::get<0>(at::linalg_qr(randomTensor({12, 3}, 2).to(at::kDouble)));
    const Ranks ranks = ranksOf(singularValues(at::mm(basis, mixing.t()) * 5.0));
    QCOMPARE(ranks.srank, 3.0);
    QCOMPARE(ranks.approximate, 3.0);
    // Roots of eigenvalues that are rounding are of the order of 1e-8.
    QVERIFY(near(ranks.effective, 3.0, 1e-5));
    QVERIFY(near(ranks.frobStable, 3.0, 1e-9));
    QVERIFY(near(ranks.participation, 3.0, 1e-6));
}

void TestRanks::agreesWithADecomposition() {
    const at::Tensor features = randomTensor({70, 9}, 3);
    std::vector<double> ours = singularValues(features);
    std::ranges::sort(ours, std::greater<>{});
    const at::Tensor reference = at::linalg_svdvals(features.to(at::kDouble));
    for (std::size_t i = 0; i < ours.size(); ++i) {
        QVERIFY(near(ours[i], reference[static_cast<std::int64_t>(i)].item<double>(), 1e-10));
    }
}

void TestRanks::ignoresPadding() {
    ProbeRig rig({}, randomEpisodes(smallWorld(), {4, 10, 7, 10, 9}));
    const auto plain = rig.measure("ranks");
    const auto longer = rig.measure("ranks", padded(rig.batch(), 3));
    QVERIFY(plain.contains("rank/agent.fc1/srank") && plain.contains("rank/agent.memory/effective") &&
            plain.contains("rank/mixer.hyper_w1/srank"));
    QCOMPARE(longer.size(), plain.size());
    for (const auto& [name, value] : plain) {
        QVERIFY2(near(longer.at(name), value, 1e-9), name.c_str());
    }
    QCOMPARE(plain.at("rank/mixer.hyper_w1/rows"), 40.0);
}

void TestRanks::centresOnRequest() {
    const Episodes episodes = randomEpisodes(smallWorld(), {10, 10, 10});
    DiagnosticsConfig config;
    config.ranksCentred = true;
    ProbeRig raw({}, episodes);
    ProbeRig centred({}, episodes, config);
    // The activations of ReLU units have a mean, which is the strongest direction of all.
    QVERIFY(centred.measure("ranks").at("rank/agent.fc1/frob_stable") >
            raw.measure("ranks").at("rank/agent.fc1/frob_stable"));
    QCOMPARE(centred.measure("ranks").at("rank/agent.fc1/norm_mean"),
             raw.measure("ranks").at("rank/agent.fc1/norm_mean"));
}

void TestRanks::flagsTooFewRows() {
    ProbeRig rig({}, randomEpisodes(smallWorld(), {3}));
    const auto values = rig.measure("ranks");
    QCOMPARE(values.at("rank/mixer.hyper_w1/rows"), 3.0);
    QCOMPARE(values.at("rank/mixer.hyper_w1/too_few_rows"), 1.0);
    ProbeRig enough({}, randomEpisodes(smallWorld(), {10, 10}));
    QCOMPARE(enough.measure("ranks").at("rank/mixer.hyper_w1/too_few_rows"), 0.0);
}

void TestRanks::takesManyRowsEvenly() {
    const auto lengths = std::vector<int>(400, 10); // 4000 steps of three agents
    DiagnosticsConfig config;
    config.probeEpisodes = 400;
    config.probeSteps = 4000;
    ProbeRig rig({}, randomEpisodes(smallWorld(), lengths), config);
    const auto values = rig.measure("ranks");
    QCOMPARE(values.at("rank/agent.fc1/rows"), static_cast<double>(kFeatureRows));
    QCOMPARE(values.at("rank/mixer.hyper_w1/rows"), 4000.0);
}

void TestRanks::readsTheLiveNeuronOfAComposite() {
    ProbeRig rig({}, randomEpisodes(smallWorld(), {10, 10}));
    FactorizedNet& net = rig.learner().online();
    const auto before = rig.measure("ranks");
    addComposites(net, "agent.fc1", 0, {2, 5});
    addComposites(net, "agent.fc1", 1, {5});
    // Active neurons begin as copies, so that nothing changes until they do.
    QVERIFY(near(rig.measure("ranks").at("rank/agent.fc1/effective"), before.at("rank/agent.fc1/effective"), 1e-9));
    const at::NoGradGuard noGrad;
    siteNamed(net, "agent.fc1").composite->branches()[0].activeBias->value.fill_(50.F); // of 2 live, of 5 superseded
    siteNamed(net, "agent.fc1").composite->branches()[1].activeBias->value.fill_(-50.F);
    const ProbeBatch probe = rig.batch();
    TdReading td;
    const NetReading reading = read(net, probe, td);
    const Features fc1 = featuresOf(net, probe, reading, td.taps).front();
    QCOMPARE(fc1.place, std::string("agent.fc1"));
    QVERIFY(fc1.rows.select(1, 2).min().item<float>() > 40.F);
    QCOMPARE(fc1.rows.select(1, 5).max().item<float>(), 0.F);
}

void TestRanks::seesADeadLayer() {
    ProbeRig rig({}, randomEpisodes(smallWorld(), {10, 10}));
    const at::NoGradGuard noGrad;
    siteNamed(rig.learner().online(), "agent.fc1").composite->bias()->value.fill_(-100.F);
    const auto values = rig.measure("ranks");
    QCOMPARE(values.at("rank/agent.fc1/srank"), 0.0);
    QCOMPARE(values.at("rank/agent.fc1/norm_max"), 0.0);
    QVERIFY(values.at("rank/mixer.hyper_w1/srank") > 1.0);
}

QTEST_APPLESS_MAIN(TestRanks)
#include "tst_ranks.moc"
