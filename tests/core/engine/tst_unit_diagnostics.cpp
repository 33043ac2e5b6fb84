// SPDX-License-Identifier: GPL-3.0-or-later
// Gradients of activations on every path, what is made of them, and the ways to reckon relative update activity.
#include <algorithm>
#include <cmath>

#include <ATen/ATen.h>
#include <QTest>

#include "core/plasticity/diagnostics.h"
#include "core/plasticity/diagnostics/activation_gradients.h"
#include "core/plasticity/surgeon.h"
#include "engine_fixtures.h"

using namespace knife;
using namespace knife::test;

namespace {

// Copies what an update shows.
class Onlooker final : public UpdateListener {
  public:
    explicit Onlooker(bool gradients) : m_gradients(gradients) {}
    [[nodiscard]] Wishes wishes(std::int64_t) const override {
        return {.activations = true, .valuesBefore = true, .activationGradients = m_gradients};
    }
    void differentiated(const UpdateMoment& moment) override {
        for (const SiteTap& tap : *moment.taps) {
            SiteTap copy;
            copy.hidden = cloned(tap.hidden);
            copy.input = cloned(tap.input);
            copy.gradient = cloned(tap.gradient);
            for (const SiteTap::Branch& branch : tap.branches) {
                copy.branches.push_back({cloned(branch.active), cloned(branch.compensation), cloned(branch.gradient)});
            }
            taps.push_back(copy);
        }
        rows = *moment.rows;
    }
    SiteTaps taps;
    RowValidity rows;

  private:
    static at::Tensor cloned(const at::Tensor& tensor) { return tensor.defined() ? tensor.clone() : tensor; }
    bool m_gradients;
};

Setup still(const std::string& agentKind, int fcLayers, const std::string& mixer) {
    Setup setup;
    setup.agentKind = agentKind;
    setup.agent.fcLayers = fcLayers;
    setup.mixer = mixer;
    setup.learning.lr = 0.0;
    setup.learning.gradClip = 1e30;
    return setup;
}

const char* const kQmix = "method = \"qmix\"\nembed = 8\nhypernet_embed = 12";

void operateOn(Learner& learner, const std::string& site, const std::vector<int>& units, std::int64_t event) {
    Surgeon surgeon(learner.online(), learner.target(), 2);
    if (auto done = surgeon.apply(planOf({{site, units}}), event); !done) {
        throw std::runtime_error(done.error().describe());
    }
}

Onlooker lookAt(Learner& learner, const Batch& batch, bool gradients = true) {
    Onlooker onlooker(gradients);
    if (auto updated = learner.update(batch, {&onlooker}); !updated) {
        throw std::runtime_error(updated.error().describe());
    }
    return onlooker;
}

double largestDifference(const at::Tensor& a, const at::Tensor& b) {
    return (a - b).abs().max().item<double>();
}

// Column sums of dL/dz over the rows that count: the gradient of the bias.
at::Tensor biasGradient(const at::Tensor& hidden, const at::Tensor& gradient, const at::Tensor& include) {
    const std::int64_t rows = std::min(hidden.size(0), include.size(0));
    const at::Tensor slope = (hidden > 0).to(at::kFloat);
    return ((gradient * slope).slice(0, 0, rows) * include.slice(0, 0, rows).unsqueeze(1)).sum(0);
}

const std::vector<float>& column(const NeuronFrame& frame, std::size_t site, const char* name) {
    return frame.sites[site].find(name)->values;
}

bool near(const std::vector<float>& got, const std::vector<double>& expected, double tolerance) {
    return std::ranges::equal(got, expected,
                              [&](float a, double b) { return std::abs(static_cast<double>(a) - b) < tolerance; });
}

DiagnosticsConfig by(const char* signal) {
    DiagnosticsConfig config;
    config.ruaSignal = signal;
    return config;
}

DiagnosticsConfig everything() {
    DiagnosticsConfig config;
    config.perUnit = unitDiagnosticNames();
    return config;
}

// What one update of a learner gives as the activity of the first site.
std::vector<float> activityOfOneUpdate(Learner& learner, const Batch& batch, const DiagnosticsConfig& config) {
    Diagnostics diagnostics(config, learner.online().sites());
    if (auto updated = learner.update(batch, {&diagnostics}); !updated) {
        throw std::runtime_error(updated.error().describe());
    }
    return column(diagnostics.frame({}), 0, "activity");
}

SiteMeasurement activities(const std::vector<double>& values) {
    SiteMeasurement measurement;
    measurement.activity = values;
    return measurement;
}

} // namespace

class TestUnitDiagnostics : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void gradientsOfActivationsAreThoseOfTheGraph_data() {
        QTest::addColumn<QString>("kind");
        QTest::addColumn<int>("fcLayers");
        QTest::addColumn<QString>("mixer");
        QTest::addRow("rnn, qmix") << "rnn" << 1 << kQmix;
        QTest::addRow("deep rnn, qmix") << "rnn" << 2 << kQmix;
        QTest::addRow("mlp, qmix") << "mlp" << 1 << kQmix;
        QTest::addRow("crelu, qmix") << "rnn_crelu" << 1 << kQmix;
        QTest::addRow("layernorm, qmix") << "rnn_layernorm" << 1 << kQmix;
        QTest::addRow("rnn, qplex") << "rnn" << 1 << "method = \"qplex\"";
        QTest::addRow("rnn, qatten") << "rnn" << 1 << "method = \"qatten\"";
    }
    void gradientsOfActivationsAreThoseOfTheGraph() {
        QFETCH(QString, kind);
        QFETCH(int, fcLayers);
        QFETCH(QString, mixer);
        Setup setup = still(kind.toStdString(), fcLayers, mixer.toStdString());
        const Batch batch = setup.batch(randomEpisodes(setup.spec, {5, 9, 2}, 1));
        std::vector<Onlooker> seen;
        for (const auto& pool : {setup.pool, std::shared_ptr<WorkerPool>()}) {
            setup.pool = pool;
            const auto learner = setup.learner();
            for (const Site& site : learner->online().sites().all()) {
                if (site.composite != nullptr) {
                    operateOn(*learner, site.name, {1, 3}, 0);
                    operateOn(*learner, site.name, {3, 4}, 1);
                }
            }
            seen.push_back(lookAt(*learner, batch));
            // The incoming bias of every ReLU gets the sum of what its units get.
            const Onlooker& now = seen.back();
            const auto& sites = learner->online().sites().all();
            for (std::size_t i = 0; i < sites.size(); ++i) {
                const SiteTap& tap = now.taps[i];
                QVERIFY2(tap.gradient.defined(), sites[i].name.c_str());
                if (sites[i].bias == nullptr || kind == "rnn_layernorm") {
                    continue;
                }
                const at::Tensor mine = biasGradient(tap.hidden, tap.gradient, now.rows.of(sites[i].scope));
                if (kind != "rnn_crelu" || sites[i].scope == SiteScope::Mixer) {
                    QVERIFY2(largestDifference(mine * sites[i].bias->mask, sites[i].bias->grad) < 1e-5,
                             sites[i].name.c_str());
                }
                for (std::size_t e = 0; e < tap.branches.size(); ++e) {
                    const Parameter& bias = *sites[i].composite->branches()[e].activeBias;
                    const at::Tensor branch =
                        biasGradient(tap.branches[e].active, tap.branches[e].gradient, now.rows.of(sites[i].scope));
                    QVERIFY2(largestDifference(branch * bias.mask, bias.grad) < 1e-5, sites[i].name.c_str());
                }
            }
        }
        QCOMPARE(seen[0].taps[0].input.defined(), kind != "rnn_layernorm");
        for (std::size_t i = 0; i < seen[0].taps.size(); ++i) {
            const SiteTap& fast = seen[0].taps[i];
            const SiteTap& reference = seen[1].taps[i];
            QVERIFY(largestDifference(fast.gradient, reference.gradient) < 1e-5);
            QVERIFY(reference.gradient.abs().max().item<double>() > 1e-6);
            for (std::size_t e = 0; e < fast.branches.size(); ++e) {
                QVERIFY(largestDifference(fast.branches[e].gradient, reference.branches[e].gradient) < 1e-5);
            }
            if (fast.input.defined()) {
                QCOMPARE(largestDifference(fast.input, reference.input), 0.0);
            }
        }
    }

    // A unit of the mixing layer h enters the loss as h |w2|; its bias is generated by a linear layer without a hidden
    // one, so moving that layer's bias moves the unit on every row.
    void gradientsAreFiniteDifferences() {
        for (const bool fast : {true, false}) {
            Setup setup = still("rnn", 1, kQmix);
            if (!fast) {
                setup.pool = nullptr;
            }
            const Batch batch = setup.batch(randomEpisodes(setup.spec, {5, 9}, 1));
            const auto learner = setup.learner();
            const Onlooker seen = lookAt(*learner, batch);
            const std::size_t site = siteIndex(learner->online(), "mixer.mix");
            const SiteTap& tap = seen.taps[site];
            const at::Tensor slope = at::where(tap.hidden > 0, at::ones_like(tap.hidden), tap.hidden + 1);
            const at::Tensor dz = (tap.gradient * slope * seen.rows.mixer.unsqueeze(1)).sum(0);
            const Parameter& bias = parameterNamed(learner->online(), "mixer.hyper_b1.bias");
            const auto lossWith = [&](std::int64_t unit, double step) {
                const at::NoGradGuard noGrad;
                bias.value.detach()[unit].add_(step);
                const double loss = learner->update(batch)->loss; // lr is 0; targets come from the target network
                bias.value.detach()[unit].sub_(step);
                return loss;
            };
            constexpr double kStep = 1e-2;
            for (const std::int64_t unit : {0, 3, 7}) {
                const double difference = (lossWith(unit, kStep) - lossWith(unit, -kStep)) / (2 * kStep);
                const double measured = dz[unit].item<double>();
                QVERIFY2(std::abs(difference - measured) < 0.02 * std::abs(measured) + 1e-5,
                         qPrintable(QString("%1 %2").arg(difference).arg(measured)));
            }
        }
    }

    void gradientsAreRecordedOnlyWhereTheyAreWanted() {
        const Setup setup = still("rnn", 2, kQmix);
        const Batch batch = setup.batch(randomEpisodes(setup.spec, {5, 9}, 1));
        const auto learner = setup.learner();
        QVERIFY(lookAt(*learner, batch, true).taps[0].gradient.defined());
        for (const SiteTap& tap : lookAt(*learner, batch, false).taps) {
            QVERIFY(tap.hidden.defined() && !tap.gradient.defined() && !tap.input.defined());
        }
        DiagnosticsConfig config;
        config.activationInterval = 3;
        config.perUnit = {"grama"};
        const Diagnostics asking(config, learner->online().sites());
        QVERIFY(asking.wishes(6).activationGradients && !asking.wishes(7).activationGradients);
        config.perUnit = {"saliency"};
        QVERIFY(!Diagnostics(config, learner->online().sites()).wishes(6).activationGradients);
        QVERIFY(!asking.wishes(6).valuesBefore);
        QVERIFY(Diagnostics(by("step"), learner->online().sites()).wishes(7).valuesBefore);
    }

    void paddedRowsDoNotCount() {
        const Setup setup = still("rnn", 1, kQmix);
        const auto learner = setup.learner();
        const Onlooker seen = lookAt(*learner, setup.batch(randomEpisodes(setup.spec, {5, 9}, 1)));
        const GradientRows rows{.hidden = seen.taps[0].hidden.clone(),
                                .gradient = seen.taps[0].gradient.clone(),
                                .include = seen.rows.agent,
                                .agents = 3};
        const GradientTotals before = gradientTotals(rows);
        const at::Tensor out = (rows.include == 0).unsqueeze(1);
        QVERIFY(out.any().item<bool>());
        rows.hidden.masked_fill_(out, 1e6F);
        rows.gradient.masked_fill_(out, std::nanf(""));
        const GradientTotals after = gradientTotals(rows);
        QCOMPARE(after.magnitude, before.magnitude);
        QCOMPARE(after.byAgent, before.byAgent);
        QVERIFY(!rowGradientOfAgent(rows, seen.taps[0].input, 1).isnan().any().item<bool>());
    }

    void agentsSharesAddUpToTheGradient() {
        const Setup setup = still("rnn", 1, kQmix);
        const auto learner = setup.learner();
        operateOn(*learner, "agent.fc1", {2, 5}, 0);
        const Onlooker seen = lookAt(*learner, setup.batch(randomEpisodes(setup.spec, {5, 9}, 1)));
        const Site& site = siteNamed(learner->online(), "agent.fc1");
        const SiteTap& tap = seen.taps[0];
        QCOMPARE(seen.rows.agents, std::int64_t(3));
        const auto total = [&](const at::Tensor& hidden, const at::Tensor& gradient) {
            const GradientRows rows{
                .hidden = hidden, .gradient = gradient, .include = seen.rows.agent, .agents = seen.rows.agents};
            return rowGradientOfAgent(rows, tap.input, 0) + rowGradientOfAgent(rows, tap.input, 1) +
                   rowGradientOfAgent(rows, tap.input, 2);
        };
        QVERIFY(largestDifference(total(tap.hidden, tap.gradient) * site.weight->mask, site.weight->grad) < 1e-5);
        const Parameter& active = *site.composite->branches()[0].activeIn;
        QVERIFY(largestDifference(total(tap.branches[0].active, tap.branches[0].gradient), active.grad) < 1e-5);

        DiagnosticsConfig config;
        config.perAgent = true;
        Diagnostics diagnostics(config, learner->online().sites(), 3);
        QVERIFY(learner->update(setup.batch(randomEpisodes(setup.spec, {5, 9}, 1)), {&diagnostics}));
        const NeuronFrame frame = diagnostics.frame({});
        for (const char* name : {"rua_agent0", "rua_agent1", "rua_agent2"}) {
            double mean = 0.0;
            for (const float value : column(frame, 0, name)) {
                mean += static_cast<double>(value) / 16.0;
            }
            QVERIFY(std::abs(mean - 1.0) < 1e-4);
        }
        QVERIFY(frame.sites[0].find("rua_agent3") == nullptr);
    }

    void conflictingAgentsMakeAUnitFutile() {
        // Two agents, two rows each; unit 0: they agree, unit 1: they cancel, unit 2: silent, unit 3: 3 against 1.
        const at::Tensor hidden = at::tensor({1.F, 1.F, 0.F, 1.F, /**/ 1.F, 1.F, 0.F, 1.F, //
                                              2.F, 1.F, 0.F, 1.F, /**/ 1.F, 1.F, 0.F, 1.F})
                                      .view({4, 4});
        const at::Tensor gradient = at::tensor({1.F, 2.F, 5.F, 1.F, /**/ 2.F, -2.F, 5.F, -1.F, //
                                                1.F, 1.F, 5.F, 2.F, /**/ 1.F, -1.F, 5.F, 0.F})
                                        .view({4, 4});
        const GradientTotals totals =
            gradientTotals({.hidden = hidden, .gradient = gradient, .include = at::ones({4}), .agents = 2});
        const std::vector<double> expected{1.0, 0.0, 1.0, 0.5};
        QCOMPARE(efficiencies(totals.byAgent, 4), expected);
        QCOMPARE(totals.magnitude, (std::vector<double>{1.25, 1.5, 0.0, 1.0}));
        // What replacing a unit by 0, or by its mean, costs to first order: of unit 0 |6/4 - 1.25 * 1.25|.
        QCOMPARE(attributions(totals, std::vector{0.0, 0.0, 0.0, 0.0}), (std::vector<double>{1.5, 0.0, 0.0, 0.5}));
        QCOMPARE(attributions(totals, std::vector{1.25, 1.0, 0.0, 1.0}), (std::vector<double>{0.0625, 0.0, 0.0, 0.0}));
    }

    void everySignalHasItsFormula() {
        Setup setup = still("rnn", 1, kQmix);
        setup.learning.lr = 0.01;
        setup.learning.gradClip = 0.01; // bites
        const Batch batch = setup.batch(randomEpisodes(setup.spec, {5, 9}, 1));
        for (const char* signal : {"grad_preclip", "grad_postclip", "step", "saliency", "invariant"}) {
            for (const bool bias : {false, true}) {
                const auto reference = setup.learner();
                const Parameter& rows = parameterNamed(reference->online(), "agent.fc1.weight");
                const Parameter& biases = parameterNamed(reference->online(), "agent.fc1.bias");
                const auto joined = [&](const at::Tensor& row, const at::Tensor& one) {
                    return (bias ? at::cat({row, one.unsqueeze(1)}, 1) : row).detach().clone();
                };
                const at::Tensor w = joined(rows.value, biases.value);
                const auto report = reference->update(batch);
                QVERIFY(report && report->clipped);
                const at::Tensor clipped = joined(rows.grad, biases.grad);
                const double clip = report->gradNormClipped / report->gradNorm;
                const at::Tensor g = clipped / clip;
                const at::Tensor step = joined(rows.value, biases.value) - w;
                const std::string name = signal;
                at::Tensor expected = g.norm(2, {1}) / w.norm(2, {1});
                if (name == "grad_postclip") {
                    expected = clipped.norm(2, {1}) / w.norm(2, {1});
                } else if (name == "step") {
                    expected = step.norm(2, {1}) / w.norm(2, {1});
                } else if (name == "saliency") {
                    expected = (g * w).sum(1).abs();
                } else if (name == "invariant") {
                    expected = g.norm(2, {1}) * w.norm(2, {1});
                }
                for (const char* average : {"mean_of_norms", "norm_of_mean"}) {
                    const auto learner = setup.learner();
                    DiagnosticsConfig config = by(signal);
                    config.ruaIncludeBias = bias;
                    config.ruaAverage = average; // the same after one update
                    const std::vector<float> got = activityOfOneUpdate(*learner, batch, config);
                    for (std::int64_t unit = 0; unit < 16; ++unit) {
                        const double value = expected[unit].item<double>();
                        QVERIFY2(std::abs(static_cast<double>(got[static_cast<std::size_t>(unit)]) - value) <
                                     2e-3 * value + 1e-9,
                                 signal);
                    }
                }
            }
        }
    }

    // Gradients that cancel from update to update leave a norm, but no mean.
    void theNormOfTheMeanSeesCancellation() {
        UnitStatistic::Memory memory;
        memory.normOfMean = true;
        UnitStatistic statistic(
            {{"activity"}}, [](const SiteMeasurement& m) { return UnitStatistic::Values(m.direction); }, 2, memory);
        SiteMeasurement measurement;
        measurement.direction = {3, 4, 1, 0};
        statistic.observe(measurement);
        QCOMPARE(readingOf(statistic, "activity"), (std::vector<float>{5.F, 1.F}));
        measurement.direction = {-3, -4, 1, 0};
        statistic.observe(measurement);
        QCOMPARE(readingOf(statistic, "activity"), (std::vector<float>{0.F, 1.F}));
        measurement.direction = {0, 0, 6, 1, 0, 0}; // a column more
        statistic.observe(measurement);
        QCOMPARE(readingOf(statistic, "activity"), (std::vector<float>{2.F, 1.F}));
        statistic.forget(0);
        QVERIFY(std::isnan(readingOf(statistic, "activity")[0]));
        QCOMPARE(readingOf(statistic, "activity")[1], 1.F);
    }

    void normalisersOfTheGoldenExample() {
        const std::vector<float> activity = {0.02F, 0.5F, 0.2F, 0.002F, 2.F};
        const auto normalised = [&](RuaRule::Normaliser normaliser, std::vector<float> values) {
            normalise(normaliser, values);
            return values;
        };
        QVERIFY(near(normalised(RuaRule::Normaliser::Median, activity), {0.1, 2.5, 1, 0.01, 10}, 1e-5));
        QVERIFY(near(normalised(RuaRule::Normaliser::Mean, activity), {0.0367, 0.9184, 0.3674, 0.0037, 3.6738}, 1e-4));
        // Ten values: one from each end is dropped, which leaves 1 ... 8.
        std::vector<float> ten = {1000, 1, 2, 3, 4, 5, 6, 7, 8, 0};
        const std::vector<float> trimmed = normalised(RuaRule::Normaliser::TrimmedMean10, ten);
        QVERIFY(std::abs(trimmed[8] - 8.F / 4.5F) < 1e-5F);
        QVERIFY(std::abs(normalised(RuaRule::Normaliser::Median, {1, 2, 3, 4})[0] - 0.4F) < 1e-6F);
        QCOMPARE(normalised(RuaRule::Normaliser::Median, {0, 0, 0}), (std::vector<float>{0, 0, 0}));
        // Half of the units get nothing: a median of 0 would make the others endlessly active.
        QVERIFY(near(normalised(RuaRule::Normaliser::Median, {0, 0, 0, 1, 3}), {0, 0, 0, 1.25, 3.75}, 1e-6));
        std::vector<float> one(10, 0.F);
        one.back() = 10;
        QCOMPARE(normalised(RuaRule::Normaliser::TrimmedMean10, one), one); // the trimmed mean is 0, the mean 1
    }

    void windowsOfEveryKind() {
        DiagnosticsConfig config;
        config.ruaBeta = 0.5;
        Site site;
        site.units = 1;
        const auto after = [&](const char* window, UnitStatistic::Boundary passed) {
            config.ruaWindow = window;
            UnitStatistic rua = makeUnitStatistics({.site = site, .config = config}).front();
            rua.observe(activities({4.0}));
            rua.restart(passed);
            rua.observe(activities({1.0}));
            return readingOf(rua, "activity")[0];
        };
        using Boundary = UnitStatistic::Boundary;
        QCOMPARE(after("window", Boundary::Window), 1.F);
        QCOMPARE(after("window", Boundary::Task), 2.5F);
        QCOMPARE(after("since_surgery", Boundary::Window), 1.F);
        QCOMPARE(after("since_task_start", Boundary::Window), 2.5F);
        QCOMPARE(after("since_task_start", Boundary::Task), 1.F);
        QCOMPARE(after("lifetime", Boundary::Window), 2.5F);
        QCOMPARE(after("lifetime", Boundary::Task), 2.5F);
        QCOMPARE(after("ema", Boundary::Window), 2.F); // (0.5 * 4 + 1) / 1.5
    }

    void aSurgeryCanBeginANewWindowForAll() {
        const Setup setup = still("rnn", 1, kQmix);
        const auto learner = setup.learner();
        const Batch batch = setup.batch(randomEpisodes(setup.spec, {5, 9}, 1));
        for (const char* window : {"window", "since_surgery"}) {
            DiagnosticsConfig config;
            config.ruaWindow = window;
            Diagnostics diagnostics(config, learner->online().sites());
            QVERIFY(learner->update(batch, {&diagnostics}));
            diagnostics.touch(0, {2});
            const bool all = std::string(window) == "since_surgery";
            QCOMPARE(diagnostics.windowUpdates(), std::int64_t(all ? 0 : 1));
            const std::vector<float> activity = readingOf(diagnostics.state().sites[0].statistics[0], "activity");
            QVERIFY(std::isnan(activity[2]));
            QCOMPARE(std::isnan(activity[3]), all);
        }
    }

    void utilityDistanceAndSaturationHaveTheirFormulas() {
        Setup setup = still("rnn", 1, kQmix);
        const auto learner = setup.learner();
        const Batch batch = setup.batch(randomEpisodes(setup.spec, {5, 9}, 1));
        Diagnostics diagnostics(everything(), learner->online().sites(), 3);
        operateOn(*learner, "agent.fc1", {2}, 0);
        const Site& site = siteNamed(learner->online(), "agent.fc1");
        {
            const at::NoGradGuard noGrad;
            site.weight->value.detach()[5].mul_(3.0);
            site.composite->branches()[0].activeIn->value.detach()[0].mul_(1.5);
            parameterNamed(learner->online(), "mixer.hyper_b1.bias").value.detach()[1].fill_(-1e3F);
        }
        QVERIFY(learner->update(batch, {&diagnostics}));
        const NeuronFrame frame = diagnostics.frame({});
        QVERIFY(std::abs(column(frame, 0, "distance")[5] - 2.F) < 1e-4F);
        QVERIFY(std::abs(column(frame, 0, "distance")[2] - 0.5F) < 1e-4F);
        QCOMPARE(column(frame, 0, "distance")[0], 0.F);
        const Onlooker seen = lookAt(*learner, batch);
        const at::Tensor valid = seen.rows.agent.unsqueeze(1);
        const at::Tensor mean = (seen.taps[0].hidden.abs() * valid).sum(0) / valid.sum();
        const at::Tensor out = site.composite->out()->value.detach().abs().mean(0);
        const at::Tensor in = site.weight->value.detach().abs().mean(1);
        const auto expected = (out[7] * mean[7]).item<double>();
        QVERIFY(std::abs(static_cast<double>(column(frame, 0, "utility")[7]) - expected) < 1e-5);
        QVERIFY(std::abs(static_cast<double>(column(frame, 0, "utility_adaptable")[7]) -
                         expected / in[7].item<double>()) < 1e-4);
        const CompositeBranch& branch = site.composite->branches()[0];
        const at::Tensor active = (seen.taps[0].branches[0].active * valid).sum(0) / valid.sum();
        const double live = (branch.activeOut->value.detach().abs().mean(0)[0] * active[0]).item<double>();
        QVERIFY(std::abs(static_cast<double>(column(frame, 0, "utility")[2]) - live) < 1e-5);
        const std::size_t mix = siteIndex(learner->online(), "mixer.mix");
        QCOMPARE(column(frame, mix, "saturation")[1], 1.F);
        QVERIFY(column(frame, mix, "saturation")[0] < 1.F);
        QVERIFY(frame.sites[0].find("saturation") == nullptr && frame.sites[mix].find("efficiency") == nullptr);
        const at::Tensor counted = seen.taps[0].gradient * valid / valid.sum();
        const auto gain = (counted * seen.taps[0].hidden).sum(0);
        const auto folded = gain - counted.sum(0) * (seen.taps[0].hidden * valid).sum(0) / valid.sum();
        const auto& branchTap = seen.taps[0].branches[0];
        const double ofActive = (branchTap.gradient * branchTap.active * valid).sum().abs().item<double>();
        const auto isNear = [](float value, double wanted) {
            return std::abs(static_cast<double>(value) - wanted) < 1e-4 * wanted + 1e-9;
        };
        QVERIFY(isNear(column(frame, 0, "gxd")[7], gain[7].abs().item<double>()));
        QVERIFY(isNear(column(frame, 0, "gxd_centred")[7], folded[7].abs().item<double>()));
        QVERIFY(isNear(column(frame, 0, "gxd")[2], ofActive / valid.sum().item<double>()));
        // GraMa and saliency, too.
        const at::Tensor slope = (seen.taps[0].hidden > 0).to(at::kFloat);
        const at::Tensor dz = ((seen.taps[0].gradient * slope).abs() * valid).sum(0);
        const auto& grama = column(frame, 0, "grama");
        QVERIFY(std::abs(static_cast<double>(grama[7] / grama[8]) - (dz[7] / dz[8]).item<double>()) <
                1e-3 * (dz[7] / dz[8]).item<double>());
        const double saliency = (site.weight->grad[7] * site.weight->value.detach()[7]).sum().abs().item<double>();
        QVERIFY(std::abs(static_cast<double>(column(frame, 0, "saliency")[7]) - saliency) < 1e-4 * saliency + 1e-9);
    }

    void flagsTurnOverFromWindowToWindow() {
        const Setup setup = still("rnn", 1, kQmix);
        const auto learner = setup.learner();
        const Batch batch = setup.batch(randomEpisodes(setup.spec, {5, 9}, 1));
        const Site& site = siteNamed(learner->online(), "agent.fc1");
        const at::Tensor bias = site.bias->value.detach();
        const at::Tensor old = bias.clone();
        bias.slice(0, 0, 4).fill_(-1e3F); // dead
        Diagnostics diagnostics(everything(), learner->online().sites(), 3);
        const auto window = [&] {
            QVERIFY(learner->update(batch, {&diagnostics}));
            diagnostics.closeWindow();
        };
        window();
        QVERIFY(std::isnan(diagnostics.summarise()[0].turnover.persistence(UnitFlag::Dead)));
        Diagnostics resumed(everything(), learner->online().sites(), 3);
        resumed.restore(diagnostics.state());
        bias.slice(0, 0, 1).copy_(old.slice(0, 0, 1)); // one comes back
        diagnostics.touch(0, {3});                     // one was operated on: it is another neuron
        window();
        const FlagTurnover& turnover = diagnostics.summarise()[0].turnover;
        const auto dead = static_cast<std::size_t>(UnitFlag::Dead);
        const std::int64_t others = turnover.before[dead] - 3;
        QCOMPARE(turnover.stayed[dead], 2 + others);
        const StagnationSummary summary = diagnostics.summarise()[0];
        // A dead ReLU is dormant, stagnant and without a gradient.
        for (const UnitFlag flag : {UnitFlag::Dormant, UnitFlag::Stagnant, UnitFlag::LowGrama}) {
            const auto other = static_cast<std::size_t>(flag);
            QCOMPARE(summary.overlap.both[dead][other], summary.overlap.both[dead][dead]);
        }
    }
};

QTEST_APPLESS_MAIN(TestUnitDiagnostics)
#include "tst_unit_diagnostics.moc"
