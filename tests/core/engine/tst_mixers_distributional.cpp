// SPDX-License-Identifier: GPL-3.0-or-later
// RiskQ, DDN, DMIX, DIQL and RMIX against plain forms of their equations over their named parameters, their draws, and
// what has to hold for every method: gradients, padding, surgery, acting step by step.
#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numbers>
#include <vector>

#include <ATen/ATen.h>
#include <QTest>

#include "core/nets/mixers/quantile_loss.h"
#include "core/nets/mixers/risk.h"
#include "core/nets/mixers/sorted_rows.h"
#include "core/plasticity/diagnostics.h"
#include "core/plasticity/surgeon.h"
#include "engine_fixtures.h"
#include "mixer_checks.h"

using namespace knife;
using namespace knife::test;

namespace {

constexpr std::int64_t kAgents = 3;
constexpr std::int64_t kActions = 4;
constexpr std::int64_t kHidden = 16;

struct Method {
    const char* name;
    const char* mixer;
};

constexpr Method kMethods[] = {
    {"riskq", "method = \"riskq\"\nquantiles = 8\nquery_hidden = 10\nembed = 6\nhead_hidden = 10\n"
              "constant_hidden = 8"},
    {"ddn", "method = \"ddn\"\nquantiles = 3\ntarget_quantiles = 5\ncosines = 16"},
    {"dmix", "method = \"dmix\"\nquantiles = 3\ntarget_quantiles = 5\ncosines = 16\nembed = 8\nhypernet_embed = 12"},
    {"diql", "method = \"diql\"\nquantiles = 3\ntarget_quantiles = 5\ncosines = 16"},
    {"rmix", "method = \"rmix\"\natoms = 10\nembed = 8\nhypernet_embed = 12\ndistribution_start = 0\n"
             "distribution_interval = 1\ndistribution_coefficient = 0.5"},
};

void addMethods() {
    QTest::addColumn<QString>("kind");
    QTest::addColumn<QString>("mixer");
    for (const char* kind : {"rnn", "mlp"}) {
        for (const Method& method : kMethods) {
            QTest::addRow("%s, %s", kind, method.name) << QString(kind) << QString(method.mixer);
        }
    }
}

Setup setupOf(const std::string& mixer, const std::string& kind = "rnn") {
    Setup setup;
    setup.mixer = mixer;
    setup.agentKind = kind;
    return setup;
}

Setup fetchSetup() {
    Setup setup;
    [&] {
        QFETCH(QString, kind);
        QFETCH(QString, mixer);
        setup = setupOf(mixer.toStdString(), kind.toStdString());
    }();
    return setup;
}

Setup setupNamed(const std::string& method, const std::string& more = {}) {
    const auto* found = std::ranges::find_if(kMethods, [&](const Method& m) { return method == m.name; });
    return setupOf(found->mixer + ("\n" + more));
}

// The rows of a network's own pass over random inputs, as a learner would show them.
JointView ownView(const Setup& setup, const FactorizedNet& net, std::int64_t steps, std::int64_t episodes,
                  std::uint64_t number = 1) {
    const at::NoGradGuard noGrad;
    const std::int64_t rows = steps * episodes;
    const at::Tensor inputs = randomTensor({steps, episodes * kAgents, setup.layout().width()}, number);
    const NetPass pass = net.pass(inputs, Keep::Nothing, nullptr);
    const auto perAgent = [&](const at::Tensor& tensor) {
        return tensor.defined() ? tensor.reshape({rows, kAgents, -1}).clone() : tensor;
    };
    const at::Tensor none = at::zeros({rows, kAgents, kActions}, at::kBool);
    return {.steps = steps,
            .episodes = episodes,
            .outputs = perAgent(pass.agent.outputs),
            .hidden = perAgent(pass.agent.hidden),
            .inputs = perAgent(inputs),
            .state = randomTensor({rows, setup.spec.stateDim}, number + 1) * 2.0,
            .unavailable = none,
            .actions = greedyActions(randomTensor({rows, kAgents, kActions}, number + 2), none),
            .further = {},
            .noise = {7, "mixer/noise", number}};
}

double furthest(const at::Tensor& a, const at::Tensor& b) {
    return a.sizes() == b.sizes() ? (a - b).abs().max().item<double>() : std::nan("");
}

// Z of every action by the head's formula as it is written: hidden [R, N, H], fractions [R, 1 or N, K] -> [R, N, A, K].
at::Tensor plainQuantiles(const FactorizedNet& net, const at::Tensor& hidden, const at::Tensor& fractions) {
    const auto value = [&](const char* name) {
        return parameterNamed(net, name).value.detach().to(at::kDouble);
    };
    const at::Tensor phiWeight = value("mixer.phi.weight");
    const at::Tensor i = at::arange(phiWeight.size(1), at::kDouble);
    const at::Tensor cosines = at::cos(fractions.to(at::kDouble).unsqueeze(3) * std::numbers::pi * i);
    const at::Tensor phi = at::relu(at::matmul(cosines, phiWeight.t()) + value("mixer.phi.bias"));
    const at::Tensor elements = hidden.to(at::kDouble).unsqueeze(2) * phi; // [R, N, K, H]
    return (at::matmul(elements, value("mixer.head.weight").t()) + value("mixer.head.bias")).transpose(2, 3);
}

at::Tensor atActions(const at::Tensor& quantiles, const at::Tensor& actions) {
    const at::Tensor index = actions.unsqueeze(2).unsqueeze(3).expand({-1, -1, 1, quantiles.size(3)});
    return quantiles.gather(2, index).squeeze(2);
}

at::Tensor fractionsOf(const JointView& view, const std::string& use, std::int64_t groups, std::int64_t count) {
    const std::string name = "mixer/noise/" + use;
    return drawFractions({view.rows(), groups, count}, {view.noise.seed, name, view.noise.index});
}

// QMIX in double precision over the parameters of `net`: q [R, N] -> [R, 1].
at::Tensor plainQmix(const FactorizedNet& net, const at::Tensor& q, const at::Tensor& state) {
    const at::Tensor w1 = plainNet(net, "mixer.hyper_w1", state).abs().view({-1, kAgents, 8});
    const at::Tensor b1 = plainNet(net, "mixer.hyper_b1", state);
    const at::Tensor w2 = plainNet(net, "mixer.hyper_w2", state).abs();
    const at::Tensor hidden = at::elu((q.to(at::kDouble).unsqueeze(2) * w1).sum(1) + b1);
    return (hidden * w2).sum(1, true) + plainNet(net, "mixer.v", state);
}

at::Tensor values(const FactorizedNet& net, const JointView& view) {
    const at::NoGradGuard noGrad;
    at::Tensor memory;
    const std::int64_t rows = view.episodes * kAgents;
    const auto inTime = [&](const at::Tensor& tensor) {
        return tensor.defined() ? tensor.reshape({view.steps, rows, -1}) : tensor;
    };
    return net.mixer()
        .actionValues(inTime(view.outputs), inTime(view.hidden), memory)
        .view({view.rows(), kAgents, kActions});
}

double huber(double u) {
    return std::abs(u) <= 1 ? u * u / 2 : std::abs(u) - 0.5;
}

double distortionSlope(const std::function<double(double)>& g, double tau) {
    return (g(tau + 1e-6) - g(tau - 1e-6)) / 2e-6;
}

// Composites at every site that takes them, and then actives that have moved away from their compensations.
void operateEverywhere(FactorizedNet& net, FactorizedNet& target) {
    Surgeon surgeon(net, target, 5);
    SurgeryPlan plan;
    for (const Site& site : net.sites().all()) {
        if (site.composite != nullptr) {
            plan.operations.push_back({site.name, {1, 4}});
        }
    }
    QVERIFY(surgeon.apply(plan, 0));
    for (const ParameterBlock& block : net.parameters().blocks()) {
        if (block.trainable) {
            block.value.add_(block.mask * randomTensor({block.size()}, 100), 0.3);
        }
    }
}

// The same episodes in a longer batch; what lies in the padding is noise.
Batch padded(const Batch& batch, std::int64_t extra) {
    Batch longer = batch;
    const auto append = [extra](const at::Tensor& tensor, const std::function<at::Tensor(at::IntArrayRef)>& make) {
        auto sizes = tensor.sizes().vec();
        sizes[0] = extra;
        return at::cat({tensor, make(sizes)});
    };
    const auto noise = [](at::IntArrayRef sizes) {
        return randomTensor(sizes.vec(), 77);
    };
    longer.steps += extra;
    longer.inputs = append(batch.inputs, noise);
    longer.state = append(batch.state, noise);
    longer.unavailable = append(batch.unavailable, [&](at::IntArrayRef sizes) { return noise(sizes) > 0; });
    longer.actions = append(batch.actions, [](at::IntArrayRef sizes) { return at::ones(sizes, at::kLong); });
    longer.valid = append(batch.valid, [](at::IntArrayRef sizes) { return at::zeros(sizes); });
    longer.reward.resize(static_cast<std::size_t>(longer.steps * longer.episodes), 5.F);
    return longer;
}

struct Measured {
    UpdateReport report;
    at::Tensor gradient;
    std::vector<SiteSnapshot> sites;
};

Measured measureBatch(Learner& learner, const Batch& batch) {
    Diagnostics diagnostics({}, learner.online().sites());
    const auto report = learner.update(batch, {&diagnostics});
    if (!report) {
        throw std::runtime_error(report.error().describe());
    }
    return {*report, learner.online().parameters().blocks().front().grad.clone(), diagnostics.frame({}).sites};
}

bool close(const at::Tensor& a, const at::Tensor& b, double tolerance) {
    const double scale = std::max(1e-3, b.abs().max().item<double>());
    return (a - b).abs().max().item<double>() <= tolerance * scale;
}

} // namespace

class TestMixersDistributional : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void wangsWeightsAreTheGoldenOnes() {
        const at::Tensor weights = riskWeights({}, 4);
        const at::Tensor golden = at::tensor({0.4472F, 0.2397F, 0.1486F, 0.0796F});
        QVERIFY(furthest(weights, golden) < 5e-5);
        QVERIFY(furthest(riskWeights({.seeking = true}, 4), golden.flip(0)) < 5e-5);
    }

    void weightsAreSlopesOfTheDistortion() {
        constexpr std::int64_t kQuantiles = 16;
        const at::Tensor wang = riskWeights({.measure = "wang", .wang = 0.4}, kQuantiles);
        const at::Tensor cpw = riskWeights({.measure = "cpw", .cpw = 0.6}, kQuantiles);
        const auto normal = [](double z) {
            return 0.5 * std::erfc(-z / std::numbers::sqrt2);
        };
        const auto inverse = [](double p) {
            return at::special_ndtri(at::full({}, p, at::kDouble)).item<double>();
        };
        for (std::int64_t k = 0; k < kQuantiles; ++k) {
            const double tau = (2.0 * double(k) + 1) / (2.0 * kQuantiles);
            const double byWang = distortionSlope([&](double t) { return normal(inverse(t) + 0.4); }, tau);
            const double byCpw = distortionSlope(
                [](double t) { return std::pow(t, 0.6) / std::pow(std::pow(t, 0.6) + std::pow(1 - t, 0.6), 1 / 0.6); },
                tau);
            QVERIFY(std::abs(wang[k].item<double>() - byWang / kQuantiles) < 1e-5);
            QVERIFY(std::abs(cpw[k].item<double>() - byCpw / kQuantiles) < 1e-5);
        }
    }

    void neutralMeasuresAreTheMean_data() {
        QTest::addColumn<QString>("measure");
        for (const char* measure : {"neutral", "wang", "cvar", "cpw"}) {
            QTest::addRow("%s", measure) << measure;
        }
    }
    void neutralMeasuresAreTheMean() {
        QFETCH(QString, measure);
        const RiskConfig config{.measure = measure.toStdString(), .wang = 0.0, .cvar = 1.0, .cpw = 1.0};
        for (const std::int64_t quantiles : {1, 4, 32}) {
            QVERIFY(furthest(riskWeights(config, quantiles), at::full({quantiles}, 1.0 / double(quantiles))) < 1e-6);
        }
    }

    void cvarIsTheMeanOfTheTailAndVarOneQuantile() {
        const at::Tensor half = at::tensor({0.5F, 0.5F, 0.F, 0.F, 0.F, 0.F, 0.F, 0.F});
        QVERIFY(sameBits(riskWeights({.measure = "cvar", .cvar = 0.25}, 8), half));
        QVERIFY(sameBits(riskWeights({.measure = "cvar", .cvar = 0.25, .seeking = true}, 8), half.flip(0)));
        // Slopes end at 5; a share below the first quantile still holds that one.
        QVERIFY(std::abs(riskWeights({.measure = "cvar", .cvar = 0.01}, 8)[0].item<double>() - 5.0 / 8) < 1e-6);
        for (const auto& [p, index] : {std::pair{0.0, 0}, {0.37, 0}, {0.38, 1}, {0.99, 3}, {1.0, 3}}) {
            const at::Tensor weights = riskWeights({.measure = "var", .var = p}, 4);
            QCOMPARE(weights[index].item<float>(), 1.F);
            QCOMPARE(weights.sum().item<float>(), 1.F);
        }
    }

    void quantileHuberEqualsADoubleLoop() {
        const at::Tensor value = (randomTensor({5, 2, 3}, 1) * 3.0).requires_grad_(true);
        const at::Tensor tau = (randomTensor({5, 2, 3}, 2) + 1.0) / 2.0;
        const at::Tensor target = randomTensor({5, 2, 4}, 3) * 3.0;
        const at::Tensor loss = quantileHuber(value, tau, target);
        QCOMPARE(loss.sizes().vec(), (std::vector<std::int64_t>{5, 2}));
        loss.sum().backward();
        const auto entry = [](const at::Tensor& tensor, std::int64_t row, std::int64_t k) {
            return tensor.detach().view({10, -1})[row][k].item<double>();
        };
        for (std::int64_t row = 0; row < 10; ++row) {
            double expected = 0.0;
            for (std::int64_t i = 0; i < 3; ++i) {
                double slope = 0.0;
                for (std::int64_t j = 0; j < 4; ++j) {
                    const double u = entry(target, row, j) - entry(value, row, i);
                    const double weight = std::abs(entry(tau, row, i) - (u <= 0 ? 1.0 : 0.0));
                    expected += weight * huber(u) / 4;
                    slope -= weight * std::clamp(u, -1.0, 1.0) / 4;
                }
                QVERIFY(std::abs(entry(value.grad(), row, i) - slope) < 1e-5);
            }
            QVERIFY(std::abs(loss.detach().view({10})[row].item<double>() - expected) < 1e-5);
        }
    }

    void fractionsAreDrawnRowByRow() {
        const at::Tensor few = drawFractions({10, 1, 3}, {4, "test", 2});
        const at::Tensor more = drawFractions({20, 1, 3}, {4, "test", 2});
        QVERIFY(sameBits(more.slice(0, 0, 10), few));
        QVERIFY(few.min().item<float>() > 0.F && few.max().item<float>() < 1.F);
        QVERIFY(std::abs(drawFractions({4000}, {4, "test", 3}).mean().item<double>() - 0.5) < 0.02);
        QVERIFY(sameBits(midpoints(2), at::tensor({0.25F, 0.75F})));
    }

    void sortedRowsAreThoseOfLibTorch() {
        at::Tensor rows = randomTensor({40, 3, 9}, 1);
        rows[0].fill_(0.F);   // ties
        rows[1][0][4] = -0.F; // and signed zeros
        rows[2] *= std::numeric_limits<float>::infinity();
        rows.requires_grad_(true);
        const at::Tensor sorted = sortedRows(rows);
        QVERIFY(at::equal(sorted, std::get<0>(rows.sort(-1))));
        const at::Tensor weights = randomTensor({9}, 2);
        (sorted.slice(0, 3) * weights).sum().backward();
        const at::Tensor gradient = rows.grad().clone();
        rows.mutable_grad().zero_();
        (std::get<0>(rows.sort(-1)).slice(0, 3) * weights).sum().backward();
        QVERIFY(sameBits(gradient, rows.grad()));
        const at::Tensor finite = rows.detach().slice(0, 3);
        const at::Tensor order = std::get<0>(finite.sort(-1));
        QVERIFY(furthest(weighSorted(finite, weights), (order * weights).sum(-1)) < 1e-6);
        const at::Tensor counts = (at::arange(37 * 3) % 9 + 1).view({37, 3});
        const at::Tensor inTail = at::arange(9) < counts.unsqueeze(2);
        QVERIFY(furthest(tailMeans(finite, counts), (order * inTail).sum(-1) / counts) < 1e-6);
    }

    void rowsThatAreNotNumbersStayNotNumbers() {
        at::Tensor rows = randomTensor({1, 64}, 1);
        rows.slice(1, 10, 30).fill_(std::nanf(""));
        QVERIFY(at::isnan(sortedRows(rows)).sum().item<std::int64_t>() == 20);
        QVERIFY(at::isnan(weighSorted(rows, at::ones({64}))).all().item<bool>());
        QVERIFY(at::isnan(tailMeans(rows, at::full({1}, 64, at::kLong))).all().item<bool>());
    }

    void dfacMethodsEqualTheirFormulas() {
        for (const auto& [method, groups] : {std::pair{"ddn", 1}, {"dmix", 1}, {"diql", 3}}) {
            const Setup setup = setupNamed(method);
            const auto net = buildNet(setup.net());
            const JointView view = ownView(setup, *net, 4, 5);
            const at::NoGradGuard noGrad;
            for (const auto& [use, count] : {std::pair{"online", 3}, {"target", 5}}) {
                const at::Tensor fractions = fractionsOf(view, use, groups, count);
                const at::Tensor z = atActions(plainQuantiles(*net, view.hidden, fractions), view.actions);
                const at::Tensor mean = z.mean(2);
                at::Tensor expected = z.flatten(1);
                if (std::string(method) == "ddn") {
                    expected = z.sum(1);
                } else if (std::string(method) == "dmix") {
                    expected = plainQmix(*net, mean, view.state) + (z - mean.unsqueeze(2)).sum(1);
                }
                const at::Tensor got =
                    std::string(use) == "online" ? net->mixer().mix(view, nullptr) : net->mixer().bootstrap(view);
                QVERIFY2(furthest(got, expected) < 1e-5, method);
            }
            const at::Tensor acting = midpoints(32).expand({view.rows(), groups, 32});
            const at::Tensor means = plainQuantiles(*net, view.hidden, acting).mean(3);
            QVERIFY2(furthest(values(*net, view), means) < 1e-5, method);
        }
    }

    void dmixMeansToQmixOfMeans() {
        const Setup setup = setupNamed("dmix");
        const auto net = buildNet(setup.net());
        const JointView view = ownView(setup, *net, 4, 5);
        const at::NoGradGuard noGrad;
        const at::Tensor z =
            atActions(plainQuantiles(*net, view.hidden, fractionsOf(view, "online", 1, 3)), view.actions);
        const at::Tensor expected = plainQmix(*net, z.mean(2), view.state);
        QVERIFY(furthest(net->mixer().mix(view, nullptr).mean(1, true), expected) < 1e-5);
        const at::Tensor chosen = valuesAt(values(*net, view), view.actions);
        QVERIFY(furthest(net->mixer().expected(view).unsqueeze(1), plainQmix(*net, chosen, view.state)) < 1e-5);
    }

    // An agent's bias shifts all its quantiles, so its derivative is that of Q_tot by the agent's mean.
    void dmixIsMonotone() {
        for (std::uint64_t seed = 1; seed <= 10; ++seed) {
            Setup setup = setupNamed("dmix");
            setup.seed = seed;
            const auto net = buildNet(setup.net());
            const auto target = buildNet(setup.net());
            for (const bool operated : {false, true}) {
                if (operated) {
                    operateEverywhere(*net, *target);
                }
                const JointView all = ownView(setup, *net, 1, 12, seed);
                for (std::int64_t row = 0; row < all.rows(); ++row) {
                    JointView one = all;
                    one.episodes = 1;
                    one.hidden = all.hidden.slice(0, row, row + 1) * 10.0;
                    one.state = all.state.slice(0, row, row + 1) * 3.0;
                    one.actions = at::tensor({0, 1, 2}, at::kLong).unsqueeze(0);
                    net->parameters().zeroGradients();
                    net->mixer().mix(one, nullptr).mean().backward();
                    const at::Tensor slope = parameterNamed(*net, "mixer.head.bias").grad;
                    QVERIFY(slope.slice(0, 0, kAgents).min().item<float>() >= -1e-6F);
                    QVERIFY(slope.max().item<float>() > 0.F);
                    QCOMPARE(slope[3].item<float>(), 0.F);
                }
            }
        }
    }

    void equalNoiseGivesEqualDraws() {
        for (const char* method : {"ddn", "dmix", "diql"}) {
            const Setup setup = setupNamed(method, "acting_quantiles = 16");
            const auto net = buildNet(setup.net());
            const at::NoGradGuard noGrad;
            const JointView view = ownView(setup, *net, 3, 4);
            JointView other = view;
            other.noise.index += 1;
            const Mixer& mixer = net->mixer();
            QVERIFY(sameBits(mixer.mix(view, nullptr), mixer.mix(view, nullptr)));
            QVERIFY(sameBits(mixer.bootstrap(view), mixer.bootstrap(view)));
            QVERIFY((mixer.mix(view, nullptr) != mixer.mix(other, nullptr)).all().item<bool>());
            QVERIFY((mixer.bootstrap(view) != mixer.bootstrap(other)).all().item<bool>());
            // What is acted by and reported draws nothing.
            QVERIFY(sameBits(mixer.expected(view), mixer.expected(other)));
            QVERIFY(sameBits(values(*net, view), values(*net, other)));
        }
    }

    void trainedAndBootstrappedFractionsDiffer() {
        const Setup setup = setupOf("method = \"ddn\"\nquantiles = 4\ntarget_quantiles = 4");
        const auto net = buildNet(setup.net());
        const at::NoGradGuard noGrad;
        const JointView view = ownView(setup, *net, 3, 4);
        QVERIFY((net->mixer().mix(view, nullptr) != net->mixer().bootstrap(view)).all().item<bool>());
    }

    void riskqEqualsItsFormula() {
        const Setup setup = setupNamed("riskq");
        const auto net = buildNet(setup.net());
        const at::NoGradGuard noGrad;
        const JointView view = ownView(setup, *net, 4, 5);
        const at::Tensor quantiles = view.outputs.view({-1, kAgents, kActions, 8});
        const at::Tensor theta = std::get<0>(atActions(quantiles, view.actions).sort(2)).to(at::kDouble);
        const at::Tensor query = plainNet(*net, "mixer.query", view.state).unsqueeze(1);
        const at::Tensor key = plainNet(*net, "mixer.key", view.inputs.slice(2, 0, setup.spec.obsDim));
        const at::Tensor alpha = at::softmax((query * key).sum(2) / std::sqrt(6.0), 1);
        const at::Tensor w = plainNet(*net, "mixer.head", view.state).abs();
        const at::Tensor expected =
            ((w * alpha).unsqueeze(2) * theta).sum(1) + plainNet(*net, "mixer.constant", view.state);
        const at::Tensor got = net->mixer().mix(view, nullptr);
        QVERIFY(furthest(got, expected) < 1e-5);
        QVERIFY((got.diff() >= 0).all().item<bool>()); // quantiles of the joint return are sorted too
        QVERIFY(furthest(net->mixer().bootstrap(view), got) == 0.0);
        const at::Tensor psi = (std::get<0>(quantiles.sort(3)) * riskWeights({}, 8)).sum(3);
        QVERIFY(furthest(values(*net, view), psi) < 1e-6);
    }

    void neutralRiskqChoosesByTheMean() {
        const Setup setup = setupNamed("riskq", "risk = \"neutral\"");
        const auto net = buildNet(setup.net());
        const JointView view = ownView(setup, *net, 4, 5);
        const at::Tensor mean = view.outputs.view({-1, kAgents, kActions, 8}).mean(3);
        QVERIFY(furthest(values(*net, view), mean) < 1e-6);
    }

    void riskqAgentsAgreeOnTheJointActionOfLargestRiskValue_data() {
        QTest::addColumn<QString>("risk");
        for (const char* risk : {"wang", "cvar", "cpw", "var", "neutral"}) {
            QTest::addRow("%s", risk) << risk;
        }
    }
    void riskqAgentsAgreeOnTheJointActionOfLargestRiskValue() {
        QFETCH(QString, risk);
        Setup setup = setupNamed("riskq", "risk = \"" + risk.toStdString() + "\"");
        const at::Tensor weights = riskWeights({.measure = risk.toStdString()}, 8);
        for (setup.seed = 1; setup.seed <= 10; ++setup.seed) {
            const auto net = buildNet(setup.net());
            const at::NoGradGuard noGrad;
            const JointView view = ownView(setup, *net, 1, 1, setup.seed);
            const at::Tensor actions =
                at::cartesian_prod({at::arange(kActions), at::arange(kActions), at::arange(kActions)});
            JointView all = view.at(actions);
            all.episodes = actions.size(0);
            for (at::Tensor* tensor : {&all.outputs, &all.inputs, &all.state}) {
                auto sizes = tensor->sizes().vec();
                sizes[0] = all.episodes;
                *tensor = tensor->expand(sizes).contiguous();
            }
            const at::Tensor psi = (net->mixer().mix(all, nullptr) * weights).sum(1);
            const at::Tensor agreed = values(*net, view).argmax(2)[0];
            QVERIFY(sameBits(actions[psi.argmax().item<std::int64_t>()], agreed));
        }
    }

    void rmixOfAFixedLevelMixesTails() {
        struct Case {
            double level;
            std::int64_t atoms;
            std::int64_t count;
        };
        // 0.07 * 100 is a little more than 7 in floating point.
        for (const Case& c : {Case{1.0, 10, 10}, {0.3, 10, 3}, {0.31, 10, 4}, {0.01, 10, 1}, {0.07, 100, 7}}) {
            const std::string level = std::to_string(c.level);
            const Setup setup =
                setupOf("method = \"rmix\"\nembed = 8\nhypernet_embed = 12\natoms = " + std::to_string(c.atoms) +
                        "\nrisk_level = " + level);
            const auto net = buildNet(setup.net());
            const at::NoGradGuard noGrad;
            const JointView view = ownView(setup, *net, 4, 5);
            const at::Tensor sorted = std::get<0>(view.outputs.view({-1, kAgents, kActions, c.atoms}).sort(3));
            const at::Tensor tails = sorted.slice(3, 0, c.count).mean(3);
            QVERIFY2(furthest(values(*net, view), tails) < 1e-6, level.c_str());
            const at::Tensor expected = plainQmix(*net, valuesAt(tails, view.actions), view.state);
            QVERIFY2(furthest(net->mixer().mix(view, nullptr), expected) < 1e-5, level.c_str());
        }
    }

    void rmixPredictsLevelsByItsScore() {
        const Setup setup = setupNamed("rmix");
        const auto net = buildNet(setup.net());
        const at::NoGradGuard noGrad;
        const JointView view = ownView(setup, *net, 6, 5);
        const auto value = [&](const char* name) {
            return parameterNamed(*net, std::string("mixer.risk.") + name).value.detach();
        };
        const at::Tensor hidden = view.hidden.view({6, 15, kHidden});
        at::Tensor h = at::zeros({15, kHidden});
        std::vector<at::Tensor> levels;
        for (std::int64_t t = 0; t < 6; ++t) {
            h = at::gru_cell(hidden[t], h, value("gru.input.weight"), value("gru.recurrent.weight"),
                             value("gru.input.bias"), value("gru.recurrent.bias"));
            const at::Tensor history = at::mm(h, value("history.weight").t()).view({15, kAgents, 10});
            const at::Tensor current =
                at::mm(view.outputs.view({6, 15, -1})[t], value("current.weight").t()).view({15, 1, kAgents});
            levels.push_back((at::bmm(current, history).squeeze(1) / std::sqrt(double(kHidden))).argmax(1) + 1);
        }
        const at::Tensor count = at::stack(levels).view({30, kAgents, 1, 1});
        QVERIFY(count.max().item<std::int64_t>() > count.min().item<std::int64_t>()); // or this would see little
        const at::Tensor sorted = std::get<0>(view.outputs.view({-1, kAgents, kActions, 10}).sort(3));
        const at::Tensor inTail = (at::arange(10) < count).to(at::kFloat);
        QVERIFY(furthest(values(*net, view), (sorted * inTail).sum(3) / count.squeeze(3)) < 1e-6);
    }

    void rmixBootstrapsFromItsMixtureToo() {
        const Setup setup = setupNamed("rmix");
        const auto net = buildNet(setup.net());
        const at::NoGradGuard noGrad;
        const JointView view = ownView(setup, *net, 4, 5);
        const at::Tensor sorted =
            std::get<0>(atActions(view.outputs.view({-1, kAgents, kActions, 10}), view.actions).sort(2));
        const at::Tensor weights = plainNet(*net, "mixer.mixture", view.state).abs();
        const at::Tensor mixture = ((weights / weights.sum(1, true)).unsqueeze(2) * sorted).sum(1);
        const at::Tensor columns = net->mixer().bootstrap(view);
        QVERIFY(sameBits(columns.slice(1, 0, 1), net->mixer().mix(view, nullptr)));
        QVERIFY(furthest(columns.slice(1, 1), mixture) < 1e-5);
    }

    void lossesRegressTheQuantilesAtTheirFractions() {
        for (const auto& [method, groups] : {std::pair{"riskq", 1}, {"ddn", 1}, {"dmix", 1}, {"diql", 3}}) {
            const Setup setup = setupNamed(method);
            const auto net = buildNet(setup.net());
            const at::NoGradGuard noGrad;
            const JointView view = ownView(setup, *net, 4, 5);
            const at::Tensor columns = net->mixer().bootstrap(view);
            const at::Tensor weights = at::softmax(randomTensor({view.rows(), 1}, 8), 0);
            const LossInput input{.online = view,
                                  .targets = randomTensor(columns.sizes().vec(), 9) * 2.0,
                                  .bootstrap = columns,
                                  .weights = weights,
                                  .update = 0};
            const MixerLoss loss = net->mixer().loss(input, nullptr);
            const at::Tensor joint = net->mixer().mix(view, nullptr);
            QVERIFY2(sameBits(loss.joint, joint), method);
            const bool drawn = std::string(method) != "riskq";
            const std::int64_t quantiles = joint.size(1) / groups;
            const at::Tensor tau =
                drawn ? fractionsOf(view, "online", groups, quantiles) : midpoints(8).expand({view.rows(), 1, 8});
            const at::Tensor u =
                input.targets.view({view.rows(), groups, 1, -1}) - joint.view({view.rows(), groups, quantiles, 1});
            const at::Tensor huberLoss = at::where(u.abs() <= 1.0, u.square() / 2, u.abs() - 0.5);
            const at::Tensor perRow = ((tau.unsqueeze(3) - (u <= 0).to(at::kFloat)).abs() * huberLoss).mean(3).sum(2);
            const double expected = (perRow.mean(1, true) * weights).sum().item<double>();
            QVERIFY2(std::abs(loss.total.item<double>() - expected) < 1e-5, method);
        }
    }

    void rmixTrainsDistributionsFromTheirStartOn() {
        const Setup setup = setupNamed("rmix");
        Setup later = setup;
        later.mixer = "method = \"rmix\"\natoms = 10\nembed = 8\nhypernet_embed = 12\ndistribution_start = 6\n"
                      "distribution_interval = 3\ndistribution_coefficient = 0.5";
        const auto always = setup.learner();
        const auto sometimes = later.learner();
        Batch batch = setup.batch(randomEpisodes(setup.spec, {4, 6, 2, 5}));
        const double withTerm = always->probe(batch).loss;
        const double without = sometimes->probe(batch).loss;
        QVERIFY(without < withTerm);
        for (const auto& [number, due] : {std::pair{3, false}, {5, false}, {6, true}, {7, false}, {9, true}}) {
            batch.number = number;
            QCOMPARE(sometimes->probe(batch).loss, due ? withTerm : without);
        }
    }

    void valuesNeverFallWhenAQuantileRises() {
        for (const char* method : {"riskq", "rmix"}) {
            for (std::uint64_t seed = 1; seed <= 5; ++seed) {
                Setup setup = setupNamed(method);
                setup.seed = seed;
                const auto net = buildNet(setup.net());
                JointView view = ownView(setup, *net, 4, 5, seed);
                view.outputs = (view.outputs * 10.0).requires_grad_(true);
                net->mixer().mix(view, nullptr).sum().backward();
                QVERIFY(view.outputs.grad().min().item<float>() >= 0.F);
                QVERIFY(view.outputs.grad().max().item<float>() > 0.F);
            }
        }
    }

    void sitesAreRegisteredAndSayWhyTheyRefuse_data() {
        QTest::addColumn<QString>("mixer");
        QTest::addColumn<QStringList>("sites");
        const QStringList qmix = {"mixer.hyper_w1", "mixer.hyper_w2", "mixer.v", "mixer.mix!"};
        const QList<QStringList> sites = {{"mixer.query", "mixer.head", "mixer.constant"},
                                          {"mixer.phi!"},
                                          QStringList{"mixer.phi!"} + qmix,
                                          {"mixer.phi!"},
                                          qmix + QStringList{"mixer.mixture"}};
        for (qsizetype i = 0; i < sites.size(); ++i) {
            QTest::addRow("%s", kMethods[i].name) << kMethods[i].mixer << QStringList{"agent.fc1"} + sites[i];
        }
    }
    // A refusing site ends in "!".
    void sitesAreRegisteredAndSayWhyTheyRefuse() {
        QFETCH(QString, mixer);
        QFETCH(QStringList, sites);
        const auto net = buildNet(setupOf(mixer.toStdString()).net());
        QStringList found;
        for (const Site& site : net->sites().all()) {
            found << QString::fromStdString(site.name) + (site.composite == nullptr ? "!" : "");
            QCOMPARE(site.refusal.empty(), site.composite != nullptr);
        }
        QCOMPARE(found, sites);
    }

    void gradientsEqualSlopesOfTheLoss_data() { addMethods(); }
    void gradientsEqualSlopesOfTheLoss() {
        const Setup setup = fetchSetup();
        const std::string complaint = gradientComplaint(setup, [](const std::string&) { return true; });
        QVERIFY2(complaint.empty(), complaint.c_str());
    }

    void paddingChangesNothing_data() { addMethods(); }
    void paddingChangesNothing() {
        Setup setup = fetchSetup();
        setup.learning.lr = 0.0;
        setup.learning.gradClip = 1e30;
        setup.learning.tdLambda = 0.6;
        const auto learner = setup.learner();
        shakeTarget(*learner);
        const Batch batch = setup.batch(randomEpisodes(setup.spec, {4, 6, 2, 5}));
        const Measured expected = measureBatch(*learner, batch);
        for (const std::int64_t extra : {1, 3, 9}) {
            const Measured got = measureBatch(*learner, padded(batch, extra));
            QVERIFY(std::abs(got.report.loss - expected.report.loss) < 1e-6);
            QVERIFY(std::abs(got.report.qTotMean - expected.report.qTotMean) < 1e-6);
            QVERIFY(std::abs(got.report.targetMean - expected.report.targetMean) < 1e-6);
            QVERIFY(close(got.gradient, expected.gradient, 2e-6));
            for (std::size_t i = 0; i < expected.sites.size(); ++i) {
                for (const UnitDiagnostic& diagnostic : expected.sites[i].diagnostics) {
                    const at::Tensor before = at::tensor(diagnostic.values).nan_to_num(-1.0);
                    const at::Tensor after = at::tensor(got.sites[i].find(diagnostic.name)->values).nan_to_num(-1.0);
                    QVERIFY2(close(after, before, 1e-5), (expected.sites[i].name + " " + diagnostic.name).c_str());
                }
            }
        }
    }

    // Methods that draw fractions by the rows of a batch do not add up over batches.
    void aLongerCompanionChangesNothing_data() {
        QTest::addColumn<QString>("mixer");
        for (const Method& method : {kMethods[0], kMethods[4]}) {
            QTest::addRow("%s", method.name) << method.mixer;
        }
    }
    void aLongerCompanionChangesNothing() {
        QFETCH(QString, mixer);
        const std::string complaint = paddingComplaint(setupOf(mixer.toStdString()));
        QVERIFY2(complaint.empty(), complaint.c_str());
    }

    void surgeryChangesNoBit_data() { addMethods(); }
    void surgeryChangesNoBit() {
        const std::string complaint = surgeryComplaint(fetchSetup());
        QVERIFY2(complaint.empty(), complaint.c_str());
    }

    void stepByStepEqualsTheSequence_data() { addMethods(); }
    void stepByStepEqualsTheSequence() {
        const Setup setup = fetchSetup();
        const auto net = buildNet(setup.net());
        const auto target = buildNet(setup.net());
        operateEverywhere(*net, *target);
        const at::NoGradGuard noGrad;
        const at::Tensor inputs = randomTensor({9, 6, setup.layout().width()}, 4);
        const NetPass pass = net->pass(inputs, Keep::Nothing, nullptr);
        at::Tensor memory;
        const at::Tensor sequence = net->mixer().actionValues(pass.agent.outputs, pass.agent.hidden, memory);
        QCOMPARE(sequence.sizes().vec(), (std::vector<std::int64_t>{9, 6, kActions}));
        ActMemory acting = net->initialMemory(6);
        for (std::int64_t t = 0; t < inputs.size(0); ++t) {
            QVERIFY(furthest(net->act(inputs.select(0, t), acting), sequence.select(0, t)) < 1e-5);
        }
    }

    void updatesFitOneBatchAndRepeatBitForBit_data() { addMethods(); }
    void updatesFitOneBatchAndRepeatBitForBit() {
        Setup setup = fetchSetup();
        setup.learning.optimiser = "adam";
        setup.learning.lr = 5e-3;
        const auto first = setup.learner();
        const auto second = setup.learner();
        const Batch batch = setup.batch(randomEpisodes(setup.spec, {3, 5, 7}));
        const double before = first->probe(batch).loss;
        for (int i = 0; i < 100; ++i) {
            Diagnostics diagnostics({}, second->online().sites());
            QVERIFY(first->update(batch));
            QVERIFY(second->update(batch, {&diagnostics}));
        }
        const double after = first->probe(batch).loss;
        QVERIFY2(after < 0.5 * before, qPrintable(QString("%1 to %2").arg(before).arg(after)));
        QVERIFY(sameBits(first->online().parameters(), second->online().parameters()));
    }

    void defaultsAreThoseOfTheSources() {
        const auto resolved = [](const std::string& method) {
            const auto section = resolveMixer(sectionOf("method = \"" + method + "\"", "mixer"));
            return section ? section->toToml() : std::string();
        };
        const auto has = [&](const std::string& method, const std::string& line) {
            return resolved(method).find(line + "\n") != std::string::npos || resolved(method).ends_with(line);
        };
        QVERIFY(has("riskq", "quantiles = 32") && has("riskq", "risk = \"wang\"") && has("riskq", "wang = 0.75"));
        for (const char* method : {"ddn", "diql"}) {
            QVERIFY(has(method, "quantiles = 1") && has(method, "target_quantiles = 1"));
        }
        QVERIFY(has("dmix", "quantiles = 8") && has("dmix", "target_quantiles = 8"));
        QVERIFY(has("dmix", "acting_quantiles = 32") && has("dmix", "cosines = 64") && has("dmix", "embed = 32"));
        QVERIFY(has("rmix", "atoms = 100") && has("rmix", "risk_levels = 10") && has("rmix", "embed = 64"));
    }
};

QTEST_APPLESS_MAIN(TestMixersDistributional)
#include "tst_mixers_distributional.moc"
