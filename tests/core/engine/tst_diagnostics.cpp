// SPDX-License-Identifier: GPL-3.0-or-later
// What is said about units: golden values, windows, grace after a surgery, masks, composites.
#include <algorithm>
#include <cmath>
#include <limits>

#include <ATen/ATen.h>
#include <QTest>

#include "core/plasticity/composite_breakdown.h"
#include "core/plasticity/diagnostics.h"
#include "core/plasticity/diagnostics/catalogue.h"
#include "core/plasticity/surgeon.h"
#include "engine_fixtures.h"

using namespace knife;
using namespace knife::test;

namespace {

// The golden example: five units, two of them stagnant, none volatile.
const std::vector<double> kGradNorm = {0.02, 0.5, 0.4, 0.001, 2.0};
const std::vector<double> kWeightNorm = {1.0, 1.0, 2.0, 0.5, 1.0};
const std::vector<double> kActivity = {0.02, 0.5, 0.2, 0.002, 2.0};
const std::vector<double> kRua = {0.0367, 0.9184, 0.3674, 0.0037, 3.6738};

bool near(const std::vector<float>& got, const std::vector<double>& expected, double tolerance) {
    return std::ranges::equal(got, expected,
                              [&](float a, double b) { return std::abs(static_cast<double>(a) - b) < tolerance; });
}

SiteMeasurement measurementOf(const std::vector<double>& gradNorm, const std::vector<double>& weightNorm) {
    SiteMeasurement measurement;
    measurement.gradNorm = gradNorm;
    measurement.weightNorm = weightNorm;
    relateNorms(measurement);
    return measurement;
}

SiteMeasurement golden() {
    return measurementOf(kGradNorm, kWeightNorm);
}

SiteMeasurement measure(const Site& site, const SiteTap* tap, const RowValidity& validity) {
    return SiteMeter().measure(site, tap, validity);
}

std::vector<CompositeInfo> breakDown(const Site& site, const SiteTap& tap, const at::Tensor& validRows) {
    return breakDownComposites(site, copyRows(tap, chooseRows(validRows)));
}

// A network whose only site has five units, with rows and gradients of chosen norms.
struct FiveUnits {
    std::unique_ptr<FactorizedNet> net;

    FiveUnits() {
        Setup setup;
        setup.hidden = 5;
        setup.mixer = "method = \"vdn\"";
        net = buildNet(setup.net());
        set(kGradNorm, kWeightNorm);
    }

    void set(const std::vector<double>& gradNorm, const std::vector<double>& weightNorm) const {
        const at::NoGradGuard noGrad;
        const Parameter& rows = parameterNamed(*net, "agent.fc1.weight");
        for (std::int64_t unit = 0; unit < 5; ++unit) {
            const auto write = [unit](const at::Tensor& matrix, double norm) {
                const at::Tensor direction = randomTensor({matrix.size(1)}, static_cast<std::uint64_t>(unit));
                matrix[unit].copy_(direction / direction.norm() * norm);
            };
            write(rows.grad, gradNorm[static_cast<std::size_t>(unit)]);
            write(rows.value.detach(), weightNorm[static_cast<std::size_t>(unit)]);
        }
    }
};

DiagnosticsConfig windowOf(std::int64_t updates) {
    DiagnosticsConfig config;
    config.window = updates;
    return config;
}

void observe(Diagnostics& diagnostics, int updates) {
    ParameterSet unread;
    const RowValidity rows;
    for (int i = 0; i < updates; ++i) {
        diagnostics.differentiated({.parameters = unread, .rows = &rows});
    }
}

const std::vector<float>& column(const NeuronFrame& frame, std::size_t site, const char* name) {
    return frame.sites[site].find(name)->values;
}

// One measured pass of a learner that stands still.
SiteMeasurement measureOnce(Learner& learner, const Batch& batch, const std::string& site) {
    if (auto updated = learner.update(batch); !updated) {
        throw std::runtime_error(updated.error().describe());
    }
    return measure(siteNamed(learner.online(), site), nullptr, {});
}

Setup still(const std::string& agentKind) {
    Setup setup;
    setup.agentKind = agentKind;
    setup.learning.lr = 0.0;
    setup.learning.gradClip = 1e30;
    return setup;
}

double rowNorm(const at::Tensor& matrix, std::int64_t row) {
    return matrix.detach()[row].norm().item<double>();
}

bool close(double got, double expected, double relative) {
    return std::abs(got - expected) <= relative * std::abs(expected);
}

// Root mean square over rows and outputs of a dense contribution matrix.
double rms(const at::Tensor& contribution) {
    return contribution.square().mean().sqrt().item<double>();
}

at::Tensor contributionOf(const at::Tensor& activation, const Parameter& out, std::int64_t column) {
    return at::outer(activation, out.value.detach().select(1, column));
}

} // namespace

class TestDiagnostics : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void relativeUpdateActivityHasTheGoldenValues() {
        UnitStatistic rua = makeRua(5);
        for (int i = 0; i < 3; ++i) {
            rua.observe(golden());
        }
        QVERIFY(near(readingOf(rua, "activity"), kActivity, 1e-6));
        QVERIFY(near(readingOf(rua, "rua"), kRua, 1e-4));
        std::vector<float> means = readingOf(rua, "activity");
        divideByLayerMean(means);
        QVERIFY(near(means, kRua, 1e-4));
        const double mean = static_cast<double>(readingOf(rua, "activity")[4] / means[4]);
        QVERIFY(std::abs(mean - 0.5444) < 1e-4);
    }

    void sitesAreMeasuredAndCounted() {
        const FiveUnits five;
        Diagnostics diagnostics(windowOf(4), five.net->sites());
        observe(diagnostics, 2);
        const NeuronFrame frame = diagnostics.frame({});
        QVERIFY(near(column(frame, 0, "rua"), kRua, 1e-4));
        QVERIFY(near(column(frame, 0, "activity"), kActivity, 1e-5));
        QVERIFY(near(column(frame, 0, "grad_norm"), kGradNorm, 1e-5));
        QVERIFY(near(column(frame, 0, "weight_norm"), kWeightNorm, 1e-5));
        const auto summaries = diagnostics.summarise(frame);
        QCOMPARE(summaries.size(), std::size_t(2));
        QCOMPARE(summaries[0].site, std::string("agent.fc1"));
        QCOMPARE(summaries[1].site, std::string());
        for (const StagnationSummary& summary : summaries) {
            QCOMPARE(summary.stagnant, 2.0 / 5.0);
            QCOMPARE(summary.volatileShare, 0.0);
            QVERIFY(std::isnan(summary.dormant)); // no pass recorded activations
            QVERIFY(std::abs(summary.ruaP10 - 0.0037) < 1e-4);
        }
    }

    void aWindowAveragesRatiosOfItsUpdates() {
        UnitStatistic statistic = makeRua(1);
        const auto see = [&](double gradient, double weight) {
            statistic.observe(measurementOf({gradient}, {weight}));
        };
        QVERIFY(std::isnan(readingOf(statistic, "activity")[0]));
        see(1.0, 1.0);
        see(1.0, 4.0);
        QVERIFY(near(readingOf(statistic, "activity"), {(1.0 + 0.25) / 2}, 1e-6));
        statistic.restart();
        see(3.0, 1.0);
        QVERIFY(near(readingOf(statistic, "activity"), {3.0}, 1e-6));
        statistic.forget(0);
        QVERIFY(std::isnan(readingOf(statistic, "activity")[0]));
        see(0.0, 0.0); // a zero row with a zero gradient does nothing
        QCOMPARE(readingOf(statistic, "activity")[0], 0.F);
    }

    void theLayerMeanLeavesUnmeasuredUnitsOut() {
        std::vector<float> values = {1.F, std::numeric_limits<float>::quiet_NaN(), 3.F};
        divideByLayerMean(values);
        QCOMPARE(values[0], 0.5F);
        QVERIFY(std::isnan(values[1]));
        QCOMPARE(values[2], 1.5F);
        std::vector<float> zeros = {0.F, 0.F};
        divideByLayerMean(zeros);
        QCOMPARE(zeros, (std::vector<float>{0.F, 0.F}));
        std::vector<float> none;
        divideByLayerMean(none);
        QVERIFY(none.empty());
    }

    void aLayerWithoutAnyGradientIsStagnantThroughout() {
        const FiveUnits five;
        five.set({0, 0, 0, 0, 0}, kWeightNorm);
        Diagnostics diagnostics(windowOf(1), five.net->sites());
        observe(diagnostics, 1);
        diagnostics.closeWindow();
        QCOMPARE(diagnostics.summarise(diagnostics.frame({}))[0].stagnant, 1.0);
    }

    // A unit scaled by c, its outgoing weights by 1/c, is the same function; its activity is not the same.
    void rescalingAUnitDividesItsActivityBySquare_data() {
        QTest::addColumn<QString>("kind");
        QTest::addRow("rnn") << QString("rnn");
        QTest::addRow("mlp") << QString("mlp");
    }
    void rescalingAUnitDividesItsActivityBySquare() {
        QFETCH(QString, kind);
        const Setup setup = still(kind.toStdString());
        const auto learner = setup.learner();
        const Batch batch = setup.batch(randomEpisodes(setup.spec, {5, 6}));
        const Site& site = siteNamed(learner->online(), "agent.fc1");
        const SiteMeasurement before = measureOnce(*learner, batch, site.name);
        const double inner = (site.weight->grad[2] * site.weight->value.detach()[2]).sum().item<double>();
        const double loss = learner->probe(batch).loss;
        constexpr double kScale = 4.0; // a power of two loses no bit
        const CompositeLinear& layer = *site.composite;
        layer.weight()->value.detach()[2].mul_(kScale);
        layer.bias()->value.detach()[2].mul_(kScale);
        layer.out()->value.detach().select(1, 2).div_(kScale);
        QVERIFY(std::abs(learner->probe(batch).loss - loss) < 1e-6);
        const SiteMeasurement after = measureOnce(*learner, batch, site.name);
        for (std::size_t unit = 0; unit < before.gradNorm.size(); ++unit) {
            const double square = unit == 2 ? kScale * kScale : 1.0;
            const double u = before.gradNorm[unit] / before.weightNorm[unit];
            const double scaled = after.gradNorm[unit] / after.weightNorm[unit];
            QVERIFY(std::abs(scaled - u / square) <= 1e-4 * u / square + 1e-12);
        }
        const double innerAfter = (site.weight->grad[2] * site.weight->value.detach()[2]).sum().item<double>();
        QVERIFY(std::abs(innerAfter - inner) < 1e-4 * std::abs(inner) + 1e-9);
    }

    void activationsCountValidRowsOnly() {
        Setup setup;
        const auto net = buildNet(setup.net());
        const Site& site = siteNamed(*net, "mixer.hyper_w1");
        SiteTap tap;
        const at::NoGradGuard noGrad;
        (void)site.composite->forward(randomTensor({40, setup.spec.stateDim}, 1).mul(2.0), &tap);
        const at::Tensor valid = (randomTensor({40}, 2) > 0).to(at::kFloat);
        const SiteMeasurement measured = measure(site, &tap, {.agent = {}, .mixer = valid});
        const at::Tensor rows = tap.hidden.index_select(0, valid.nonzero().squeeze(1));
        QVERIFY(rows.size(0) > 5 && rows.size(0) < 35);
        for (int unit = 0; unit < site.units; ++unit) {
            const auto i = static_cast<std::size_t>(unit);
            const at::Tensor activation = rows.select(1, unit);
            QVERIFY(std::abs(measured.meanActivation[i] - activation.mean().item<double>()) < 1e-6);
            QVERIFY(std::abs(measured.meanAbsActivation[i] - activation.abs().mean().item<double>()) < 1e-6);
            QVERIFY(std::abs(measured.firingShare[i] - (activation > 0).to(at::kFloat).mean().item<double>()) < 1e-6);
        }
        // Noise on the other rows changes nothing, down to the bit.
        tap.hidden.add_(randomTensor({40, site.units}, 3).mul(100.0) * (1 - valid).unsqueeze(1));
        const SiteMeasurement again = measure(site, &tap, {.agent = {}, .mixer = valid});
        QCOMPARE(again.meanActivation, measured.meanActivation);
        QCOMPARE(again.meanAbsActivation, measured.meanAbsActivation);
        QCOMPARE(again.firingShare, measured.firingShare);
    }

    void deadAndDormantUnitsAreFoundInTheTrainingPass() {
        Setup setup = still("rnn");
        const auto learner = setup.learner();
        const Site& site = siteNamed(learner->online(), "agent.fc1");
        site.composite->bias()->value.detach()[3].fill_(-1e3F);
        Diagnostics diagnostics({}, learner->online().sites());
        QVERIFY(learner->update(setup.batch(randomEpisodes(setup.spec, {5, 6})), {&diagnostics}));
        const NeuronFrame frame = diagnostics.frame({});
        QCOMPARE(column(frame, 0, "firing_share")[3], 0.F);
        QCOMPARE(column(frame, 0, "dormancy")[3], 0.F);
        QCOMPARE(column(frame, 0, "rua")[3], 0.F);
        const auto summaries = diagnostics.summarise(frame);
        QVERIFY(summaries[0].dead >= 1.0 / 16.0);
        QVERIFY(summaries[0].dormant >= 1.0 / 16.0);
    }

    // A unit of an ELU below zero passes gradients.
    void onlyRectifiedUnitsCanBeDead() {
        Setup setup = still("rnn");
        setup.mixer = "method = \"qmix\"";
        setup.agent.furtherSites = {"gru", "head"};
        const auto learner = setup.learner();
        Diagnostics diagnostics({}, learner->online().sites());
        QVERIFY(learner->update(setup.batch(randomEpisodes(setup.spec, {5, 6})), {&diagnostics}));
        for (const SiteSnapshot& site : diagnostics.frame({}).sites) {
            const bool smooth = site.name == "mixer.mix" || site.name == "agent.gru" || site.name == "agent.head";
            QCOMPARE(site.find("firing_share") == nullptr, smooth);
        }
    }

    void summariesPoolSitesByTheirUnits() {
        const Setup setup;
        const auto net = buildNet(setup.net());
        const Diagnostics diagnostics({}, net->sites());
        const auto site = [](const char* name, const std::vector<float>& rua, const std::vector<float>& firing) {
            return SiteSnapshot{.name = name,
                                .units = static_cast<int>(rua.size()),
                                .acceptsComposites = true,
                                .refusal = {},
                                .diagnostics = {{"rua", rua}, {"dormancy", firing}, {"firing_share", firing}},
                                .composites = {}};
        };
        constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
        const NeuronFrame frame{.clocks = {},
                                .sites = {site("a", {0.1F, 5.F}, {0.F, 1.F}),
                                          site("b", {1, 1, 1, 1, 0.2F, 1, 1, 0.24F}, {1, 1, 1, 1, 1, 1, 1, 1}),
                                          site("c", {kNan, kNan}, {kNan, kNan})}};
        const auto summaries = diagnostics.summarise(frame);
        QCOMPARE(summaries.size(), std::size_t(4));
        QCOMPARE(summaries[0].stagnant, 0.5);
        QCOMPARE(summaries[0].volatileShare, 0.5);
        QCOMPARE(summaries[1].stagnant, 0.25);
        QVERIFY(std::isnan(summaries[2].stagnant) && std::isnan(summaries[2].dead) && std::isnan(summaries[2].ruaP10));
        QCOMPARE(summaries[3].stagnant, 0.3);
        QCOMPARE(summaries[3].volatileShare, 0.1);
        QCOMPARE(summaries[3].dead, 0.1);
        QCOMPARE(summaries[3].dormant, 0.1);
    }

    void windowsCloseAndStagnationLasts() {
        const FiveUnits five;
        Diagnostics diagnostics(windowOf(4), five.net->sites());
        QVERIFY(diagnostics.lastRua(0).empty());
        observe(diagnostics, 3);
        QVERIFY(!diagnostics.windowIsFull());
        observe(diagnostics, 1);
        QVERIFY(diagnostics.windowIsFull());
        QCOMPARE(diagnostics.stagnantWindows(0, 0), 0);
        diagnostics.closeWindow();
        QCOMPARE(diagnostics.windowUpdates(), std::int64_t(0));
        QVERIFY(near(diagnostics.lastRua(0), kRua, 1e-4));
        for (const int expected : {1, 2, 3}) {
            QCOMPARE(diagnostics.stagnantWindows(0, 0), expected);
            QCOMPARE(diagnostics.stagnantWindows(0, 1), 0);
            QCOMPARE(diagnostics.stagnantWindows(0, 3), expected);
            observe(diagnostics, expected); // windows may be closed before they are full
            diagnostics.closeWindow();
        }
        five.set({0.5, 0.5, 0.5, 0.001, 0.5}, {1, 1, 1, 1, 1});
        observe(diagnostics, 4);
        diagnostics.closeWindow();
        QCOMPARE(diagnostics.stagnantWindows(0, 0), 0); // back to life
        QCOMPARE(diagnostics.stagnantWindows(0, 3), 5);
    }

    void anOperatedUnitHasAFullWindowOfGrace() {
        const FiveUnits five;
        Diagnostics diagnostics(windowOf(4), five.net->sites());
        observe(diagnostics, 4);
        diagnostics.closeWindow();
        observe(diagnostics, 2);
        diagnostics.touch(0, {0}); // amid a window: the rest of it does not count
        QCOMPARE(diagnostics.stagnantWindows(0, 0), 0);
        QVERIFY(std::isnan(column(diagnostics.frame({}), 0, "rua")[0]) || diagnostics.windowUpdates() < 20);
        observe(diagnostics, 2);
        diagnostics.closeWindow();
        QCOMPARE(diagnostics.stagnantWindows(0, 0), 0);
        QCOMPARE(diagnostics.stagnantWindows(0, 3), 2);
        diagnostics.touch(0, {3}); // between two windows: the next one counts
        observe(diagnostics, 4);
        diagnostics.closeWindow();
        QCOMPARE(diagnostics.stagnantWindows(0, 0), 1);
        QCOMPARE(diagnostics.stagnantWindows(0, 3), 1);
    }

    void touchedUnitsStartTheirStatisticsAnew() {
        const FiveUnits five;
        Diagnostics diagnostics(windowOf(100), five.net->sites());
        observe(diagnostics, 10);
        diagnostics.touch(0, {4});
        QVERIFY(std::isnan(column(diagnostics.frame({}), 0, "activity")[4]));
        five.set({0.02, 0.5, 0.4, 0.001, 0.25}, kWeightNorm);
        observe(diagnostics, 10);
        QVERIFY(near(column(diagnostics.frame({}), 0, "activity"), {0.02, 0.5, 0.2, 0.002, 0.25}, 1e-5));
    }

    void aFrameShowsTheOpenWindowOnceItSaysEnough() {
        const FiveUnits five;
        Diagnostics diagnostics(windowOf(100), five.net->sites());
        observe(diagnostics, 1);
        QVERIFY(near(column(diagnostics.frame({}), 0, "activity"), kActivity, 1e-5)); // nothing better yet
        diagnostics.closeWindow();
        five.set({1, 1, 1, 1, 1}, {1, 1, 1, 1, 1});
        observe(diagnostics, 19);
        QVERIFY(near(column(diagnostics.frame({}), 0, "activity"), kActivity, 1e-5));
        observe(diagnostics, 1);
        QVERIFY(near(column(diagnostics.frame({}), 0, "activity"), {1, 1, 1, 1, 1}, 1e-5));
    }

    void activationsAreWantedAtTheirInterval() {
        const Setup setup;
        const auto net = buildNet(setup.net());
        DiagnosticsConfig config;
        config.activationInterval = 3;
        const Diagnostics diagnostics(config, net->sites());
        QVERIFY(diagnostics.wishes(0).activations);
        QVERIFY(!diagnostics.wishes(1).activations);
        QVERIFY(diagnostics.wishes(6).activations);
    }

    void restoredStateGoesOnAsIfNothingHadHappened() {
        const FiveUnits five;
        Diagnostics first(windowOf(4), five.net->sites());
        observe(first, 4);
        first.closeWindow();
        observe(first, 2);
        first.touch(0, {3});
        Diagnostics second(windowOf(4), five.net->sites());
        second.restore(first.state());
        for (Diagnostics* diagnostics : {&first, &second}) {
            observe(*diagnostics, 2);
            QVERIFY(diagnostics->windowIsFull());
            diagnostics->closeWindow();
        }
        QCOMPARE(second.lastRua(0), first.lastRua(0));
        for (int unit = 0; unit < 5; ++unit) {
            QCOMPARE(second.stagnantWindows(0, unit), first.stagnantWindows(0, unit));
        }
    }

    void aCompositeIsMeasuredOnItsLiveNeuron() {
        const Setup setup = still("rnn");
        const auto learner = setup.learner();
        const Batch batch = setup.batch(randomEpisodes(setup.spec, {5, 6}));
        Surgeon surgeon(learner->online(), learner->target(), 2);
        const Site& site = siteNamed(learner->online(), "agent.fc1");
        QVERIFY(surgeon.apply(planOf({{site.name, {1, 3}}}), 0));
        QVERIFY(surgeon.apply(planOf({{site.name, {3, 7}}}), 1));
        Diagnostics diagnostics({}, learner->online().sites());
        QVERIFY(learner->update(batch, {&diagnostics}));
        const NeuronFrame frame = diagnostics.frame({});
        const auto& first = site.composite->branches()[0];
        const auto& second = site.composite->branches()[1];
        struct Live {
            std::size_t unit;
            const Parameter* rows;
            std::int64_t row;
        };
        for (const Live& live : {Live{0, site.weight, 0}, Live{1, first.activeIn, 0}, Live{3, second.activeIn, 0},
                                 Live{7, second.activeIn, 1}}) {
            QVERIFY(close(static_cast<double>(column(frame, 0, "grad_norm")[live.unit]),
                          rowNorm(live.rows->grad, live.row), 1e-5));
            QVERIFY(close(static_cast<double>(column(frame, 0, "weight_norm")[live.unit]),
                          rowNorm(live.rows->value, live.row), 1e-5));
        }
        // Activations too: those of the active neuron.
        SiteTap tap;
        (void)site.composite->forward(batch.inputs.reshape({-1, setup.layout().width()}), &tap);
        const at::Tensor valid =
            at::cat({batch.valid.reshape({-1}).repeat_interleave(3), at::zeros({batch.episodes * 3})});
        const at::Tensor active = tap.branches[1].active.select(1, 0);
        QVERIFY(std::abs(static_cast<double>(column(frame, 0, "activation")[3]) -
                         (active * valid).sum().item<double>() / valid.sum().item<double>()) < 1e-6);
    }

    // The second layer of the feed-forward agent reads the active neurons of the first one through new columns.
    void rowsBehindCompositesIncludeTheirLiveColumns() {
        const Setup setup = still("mlp");
        const auto learner = setup.learner();
        const Batch batch = setup.batch(randomEpisodes(setup.spec, {5, 6}));
        Surgeon surgeon(learner->online(), learner->target(), 2);
        std::vector<int> all(16);
        std::ranges::generate(all, [unit = 0]() mutable { return unit++; });
        QVERIFY(surgeon.apply(planOf({{"agent.fc1", all}}), 0));
        QVERIFY(surgeon.apply(planOf({{"agent.fc1", {5}}}), 1));
        const SiteMeasurement measured = measureOnce(*learner, batch, "agent.fc2");
        const auto& branches = siteNamed(learner->online(), "agent.fc1").composite->branches();
        // Whole columns of the first branch but number 5, and the one column of the second.
        const at::Tensor live = at::ones({16}).index_fill_(0, at::tensor({std::int64_t(5)}), 0.F);
        for (std::int64_t unit = 0; unit < 16; ++unit) {
            const auto norm = [&](const at::Tensor& older, const at::Tensor& newer) {
                return std::hypot((older.detach()[unit] * live).norm().item<double>(), rowNorm(newer, unit));
            };
            const auto i = static_cast<std::size_t>(unit);
            QVERIFY(close(measured.gradNorm[i], norm(branches[0].activeOut->grad, branches[1].activeOut->grad), 1e-5));
            QVERIFY(
                close(measured.weightNorm[i], norm(branches[0].activeOut->value, branches[1].activeOut->value), 1e-5));
        }
        QVERIFY(*std::ranges::max_element(measured.gradNorm) > 0.0);
    }

    void compositesAreBrokenDownAsTheDenseSumsSay() {
        Setup setup;
        const auto net = buildNet(setup.net());
        const auto target = buildNet(setup.net());
        const Site& site = siteNamed(*net, "mixer.hyper_w1");
        const at::NoGradGuard noGrad;
        QVERIFY(breakDownComposites(site, {}).empty());
        Surgeon surgeon(*net, *target, 2);
        QVERIFY(surgeon.apply(planOf({{site.name, {2, 6}}}), 0));
        const auto& branches = site.composite->branches();
        branches[0].activeOut->value.detach().add_(0.3);
        branches[0].activeIn->value.detach().add_(0.2);
        QVERIFY(surgeon.apply(planOf({{site.name, {0, 6}}}), 1));

        SiteTap tap;
        const at::Tensor state = randomTensor({100, setup.spec.stateDim}, 8).mul(2.0);
        (void)site.composite->forward(state, &tap);
        const at::Tensor valid = (randomTensor({100}, 9) > -0.5).to(at::kFloat);
        const at::Tensor rows = valid.nonzero().squeeze(1);
        const auto pick = [&](const at::Tensor& activations, std::int64_t k) {
            return activations.index_select(0, rows).select(1, k);
        };
        const auto active = [&](std::size_t e, std::int64_t k) {
            return contributionOf(pick(tap.branches[e].active, k), *branches[e].activeOut, k);
        };
        const auto compensation = [&](std::size_t e, std::int64_t k) {
            return contributionOf(pick(tap.branches[e].compensation, k), *branches[e].compensationOut, k);
        };
        const auto base = [&](std::int64_t unit) {
            return contributionOf(pick(tap.hidden, unit), *site.composite->out(), unit);
        };
        const auto before = breakDown(site, tap, valid);
        QCOMPARE(before.size(), std::size_t(3));
        QCOMPARE(before[0].driftRms, 0.F); // born a moment ago
        QCOMPARE(before[0].activeRms, before[0].compensationRms);
        QVERIFY(before[1].driftRms > 0.F);

        branches[1].activeOut->value.detach().mul_(1.5);
        const auto infos = breakDown(site, tap, valid);
        const struct {
            int unit;
            int events;
            at::Tensor knowledge;
            at::Tensor active;
            at::Tensor compensation;
        } expected[] = {
            {0, 1, base(0), active(1, 0), compensation(1, 0)},
            {2, 1, base(2), active(0, 0), compensation(0, 0)},
            {6, 2, base(6) + active(0, 1) - compensation(0, 1), active(1, 1), compensation(1, 1)},
        };
        for (std::size_t i = 0; i < 3; ++i) {
            QCOMPARE(infos[i].unit, expected[i].unit);
            QCOMPARE(infos[i].events, expected[i].events);
            QVERIFY(close(static_cast<double>(infos[i].knowledgeRms), rms(expected[i].knowledge), 1e-3));
            QVERIFY(close(static_cast<double>(infos[i].activeRms), rms(expected[i].active), 1e-3));
            QVERIFY(close(static_cast<double>(infos[i].compensationRms), rms(expected[i].compensation), 1e-3));
            QVERIFY(close(static_cast<double>(infos[i].driftRms), rms(expected[i].active - expected[i].compensation),
                          1e-3));
        }
    }

    void contributionsOfAnOlderStructureAreUnknown() {
        Setup setup;
        const auto net = buildNet(setup.net());
        const auto target = buildNet(setup.net());
        const Site& site = siteNamed(*net, "agent.fc1");
        SiteTap tap;
        (void)site.composite->forward(randomTensor({10, setup.layout().width()}, 1), &tap);
        Surgeon surgeon(*net, *target, 2);
        QVERIFY(surgeon.apply(planOf({{site.name, {4}}}), 0));
        const auto infos = breakDown(site, tap, at::ones({10}));
        QCOMPARE(infos.size(), std::size_t(1));
        QCOMPARE(infos[0].unit, 4);
        QVERIFY(std::isnan(infos[0].knowledgeRms) && std::isnan(infos[0].driftRms));
    }

    // Kernels show their own buffers: what is said about them must be said before the next pass, and last beyond it.
    void activationsOfKernelsAreReadBeforeTheyAreOverwritten_data() {
        QTest::addColumn<QString>("kind");
        QTest::addColumn<int>("fcLayers");
        QTest::addRow("rnn") << QString("rnn") << 1;
        QTest::addRow("deep rnn") << QString("rnn") << 2;
        QTest::addRow("mlp") << QString("mlp") << 1;
    }
    void activationsOfKernelsAreReadBeforeTheyAreOverwritten() {
        QFETCH(QString, kind);
        QFETCH(int, fcLayers);
        Setup setup = still(kind.toStdString());
        setup.agent.fcLayers = fcLayers;
        const Batch batch = setup.batch(randomEpisodes(setup.spec, {5, 9, 2}, 1));
        const Batch next = setup.batch(randomEpisodes(setup.spec, {10, 1, 7}, 2));
        std::vector<NeuronFrame> frames;
        for (const auto& pool : {setup.pool, std::shared_ptr<WorkerPool>()}) {
            setup.pool = pool;
            const auto learner = setup.learner();
            Surgeon surgeon(learner->online(), learner->target(), 2);
            QVERIFY(surgeon.apply(planOf({{"agent.fc1", {1, 3}}, {"mixer.hyper_w1", {0, 5}}}), 0));
            QVERIFY(surgeon.apply(planOf({{"agent.fc1", {3, 7}}}), 1));
            Diagnostics diagnostics({}, learner->online().sites());
            QVERIFY(learner->update(batch, {&diagnostics}));
            const NeuronFrame frame = diagnostics.frame({});
            QVERIFY(learner->update(next));
            for (std::size_t i = 0; i < frame.sites.size(); ++i) {
                QCOMPARE(diagnostics.frame({}).sites[i].composites, frame.sites[i].composites);
            }
            frames.push_back(frame);
        }
        QCOMPARE(frames[0].sites[0].composites.size(), std::size_t(3));
        for (std::size_t i = 0; i < frames[0].sites.size(); ++i) {
            const SiteSnapshot& fast = frames[0].sites[i];
            const SiteSnapshot& reference = frames[1].sites[i];
            for (std::size_t c = 0; c < fast.diagnostics.size(); ++c) {
                const std::vector<float>& expected = reference.diagnostics[c].values;
                QVERIFY2(std::ranges::equal(fast.diagnostics[c].values, expected,
                                            [](float a, float b) {
                                                return (std::isnan(a) && std::isnan(b)) ||
                                                       std::abs(a - b) <= 1e-4F * std::max(1.F, std::abs(b));
                                            }),
                         fast.diagnostics[c].name.c_str());
            }
            for (std::size_t c = 0; c < fast.composites.size(); ++c) {
                QVERIFY(close(static_cast<double>(fast.composites[c].knowledgeRms),
                              static_cast<double>(reference.composites[c].knowledgeRms), 1e-4));
                QVERIFY(close(static_cast<double>(fast.composites[c].activeRms),
                              static_cast<double>(reference.composites[c].activeRms), 1e-4));
            }
        }
    }

    void aMeterKeepsNothingOfTheSiteBefore() {
        const Setup setup;
        const auto net = buildNet(setup.net());
        const Site& site = siteNamed(*net, "mixer.hyper_w1");
        SiteTap tap;
        (void)site.composite->forward(randomTensor({40, setup.spec.stateDim}, 1), &tap);
        SiteMeter meter;
        const RowValidity valid{.agent = {}, .mixer = at::ones({40})};
        const SiteMeasurement first = meter.measure(site, &tap, valid);
        const SiteMeasurement mixing = meter.measure(siteNamed(*net, "mixer.mix"), nullptr, valid);
        QVERIFY(mixing.gradNorm.empty() && mixing.activity.empty() && mixing.meanActivation.empty());
        const SiteMeasurement again = meter.measure(site, &tap, valid);
        QCOMPARE(again.weightNorm, first.weightNorm);
        QCOMPARE(again.meanActivation, first.meanActivation);
        QCOMPARE(again.firingShare, first.firingShare);
    }

    void summariesNeedNoFrame() {
        const Setup setup = still("rnn");
        const auto learner = setup.learner();
        Diagnostics diagnostics({}, learner->online().sites());
        QVERIFY(learner->update(setup.batch(randomEpisodes(setup.spec, {5, 6})), {&diagnostics}));
        const auto direct = diagnostics.summarise();
        const auto throughFrame = diagnostics.summarise(diagnostics.frame({}));
        QCOMPARE(direct.size(), throughFrame.size());
        for (std::size_t i = 0; i < direct.size(); ++i) {
            QCOMPARE(direct[i].site, throughFrame[i].site);
            QCOMPARE(direct[i].stagnant, throughFrame[i].stagnant);
            QCOMPARE(direct[i].dormant, throughFrame[i].dormant);
            QCOMPARE(direct[i].ruaP10, throughFrame[i].ruaP10);
        }
    }

    void manyRowsAreThinnedOutEvenly() {
        Setup setup;
        const auto net = buildNet(setup.net());
        const auto target = buildNet(setup.net());
        const Site& site = siteNamed(*net, "agent.fc1");
        Surgeon surgeon(*net, *target, 2);
        QVERIFY(surgeon.apply(planOf({{site.name, {4}}}), 0));
        SiteTap tap;
        const at::Tensor x = randomTensor({20, setup.layout().width()}, 1);
        (void)site.composite->forward(x.repeat({100, 1}), &tap); // 2000 rows of period 20
        SiteTap one;
        (void)site.composite->forward(x, &one);
        const auto many = breakDown(site, tap, at::ones({2000}));
        const auto few = breakDown(site, one, at::ones({20}));
        QVERIFY(close(static_cast<double>(many[0].activeRms), static_cast<double>(few[0].activeRms), 0.3));
    }
};

QTEST_APPLESS_MAIN(TestDiagnostics)
#include "tst_diagnostics.moc"
