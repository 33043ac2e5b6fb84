// SPDX-License-Identifier: GPL-3.0-or-later
// QPLEX and Qatten against plain loops over their named parameters, and what their forms promise.
#include <cmath>

#include <ATen/ATen.h>
#include <QTest>
#include <fmt/format.h>

#include "mixer_checks.h"

using namespace knife;
using namespace knife::test;

namespace {

constexpr std::int64_t kAgents = 3;
constexpr std::int64_t kActions = 4;
constexpr std::int64_t kRows = 40;

const std::string kQplex = "method = \"qplex\"\nhypernet_embed = 8\nnum_kernel = 2\nadv_hypernet_embed = 8\n";
const std::string kQatten =
    "method = \"qatten\"\nheads = 2\nquery_hidden = 8\nembed = 6\nhead_hidden = 8\nconstant_hidden = 8\n";

Setup setupOf(const std::string& mixer, std::uint64_t seed = 1) {
    Setup setup;
    setup.mixer = mixer;
    setup.seed = seed;
    return setup;
}

void addMixers() {
    QTest::addColumn<std::string>("mixer");
    QTest::addRow("qplex") << kQplex;
    QTest::addRow("qplex, two layers") << kQplex + "adv_hypernet_layers = 2";
    QTest::addRow("qplex, three layers") << kQplex + "adv_hypernet_layers = 3";
    QTest::addRow("qatten") << kQatten;
    QTest::addRow("qatten, heads added up") << kQatten + "weighted = false";
}

double entry(const at::Tensor& tensor, std::int64_t row, std::int64_t column) {
    return tensor[row][column].item<double>();
}

double logistic(double x) {
    return 1.0 / (1.0 + std::exp(-x));
}

struct QplexForm {
    bool weightedHead = true;
    bool isMinusOne = true;
};

// What the equations of one agent give in one row.
struct Duel {
    double q = 0.0;      ///< Q_a
    double v = 0.0;      ///< V_a
    double w = 0.0;      ///< w_a
    double lambda = 0.0; ///< lambda_a
};

std::vector<std::vector<Duel>> plainQplex(const FactorizedNet& net, const JointView& view, const QplexForm& form) {
    at::Tensor hot = at::zeros({view.rows(), kAgents * kActions});
    for (std::int64_t row = 0; row < view.rows(); ++row) {
        for (std::int64_t a = 0; a < kAgents; ++a) {
            hot[row][a * kActions + view.actions[row][a].item<std::int64_t>()] = 1.0;
        }
    }
    const at::Tensor stateAndActions = at::cat({view.state, hot}, 1);
    const at::Tensor w = plainNet(net, "mixer.hyper_w", view.state);
    const at::Tensor v = plainNet(net, "mixer.hyper_v", view.state);
    std::vector<at::Tensor> key;
    std::vector<at::Tensor> agents;
    std::vector<at::Tensor> action;
    for (int k = 0; k < 2; ++k) {
        key.push_back(plainNet(net, fmt::format("mixer.key{}", k), view.state));
        agents.push_back(plainNet(net, fmt::format("mixer.agents{}", k), view.state));
        action.push_back(plainNet(net, fmt::format("mixer.action{}", k), stateAndActions));
    }
    std::vector<std::vector<Duel>> rows;
    for (std::int64_t row = 0; row < view.rows(); ++row) {
        rows.emplace_back();
        for (std::int64_t a = 0; a < kAgents; ++a) {
            double best = -1e30;
            for (std::int64_t u = 0; u < kActions; ++u) {
                if (!view.unavailable[row][a][u].item<bool>()) {
                    best = std::max(best, view.outputs[row][a][u].item<double>());
                }
            }
            const double chosen = view.outputs[row][a][view.actions[row][a].item<std::int64_t>()].item<double>();
            Duel duel{.q = chosen, .v = best, .w = 1.0};
            if (form.weightedHead) {
                duel.w = std::abs(entry(w, row, a)) + 1e-10;
                duel.q = duel.w * chosen + entry(v, row, a);
                duel.v = duel.w * best + entry(v, row, a);
            }
            for (std::size_t k = 0; k < 2; ++k) {
                duel.lambda += (std::abs(entry(key[k], row, 0)) + 1e-10) * logistic(entry(agents[k], row, a)) *
                               logistic(entry(action[k], row, a));
            }
            rows.back().push_back(duel);
        }
    }
    return rows;
}

// The largest of all joint values belongs to the agents' own best actions, and to these only.
void checkGreedyAgrees(const FactorizedNet& net, const Setup& setup, std::uint64_t number) {
    const JointView all = everyJointAction(someView(setup, net, 1, number));
    const at::Tensor values = net.mixer().mix(all, nullptr).squeeze(1);
    const at::Tensor greedy = greedyActions(all.outputs, all.unavailable);
    const auto best = values.argmax().item<std::int64_t>();
    QVERIFY(at::equal(all.actions[best], greedy[best]));
    QCOMPARE((values == values[best]).sum().item<std::int64_t>(), std::int64_t(1));
}

// Weights far from their first draw.
void shake(FactorizedNet& net, std::uint64_t number) {
    for (ParameterBlock& block : net.parameters().blocks()) {
        block.value.add_(randomTensor({block.size()}, number), 1.5);
    }
}

at::Tensor gradientByValues(const FactorizedNet& net, JointView view) {
    view.outputs = view.outputs.detach().clone().requires_grad_(true);
    net.mixer().mix(view, nullptr).sum().backward();
    return view.outputs.grad();
}

} // namespace

class TestMixersAttention : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void qplexEqualsItsFormula_data() {
        QTest::addColumn<std::string>("options");
        QTest::addColumn<bool>("weightedHead");
        QTest::addColumn<bool>("isMinusOne");
        for (int layers = 1; layers <= 3; ++layers) {
            QTest::addRow("%d layers", layers) << fmt::format("adv_hypernet_layers = {}", layers) << true << true;
        }
        QTest::addRow("values as they are") << std::string("weighted_head = false") << false << true;
        QTest::addRow("lambda alone") << std::string("is_minus_one = false") << true << false;
    }
    void qplexEqualsItsFormula() {
        QFETCH(std::string, options);
        QFETCH(bool, weightedHead);
        QFETCH(bool, isMinusOne);
        const Setup setup = setupOf(kQplex + options);
        const auto net = buildNet(setup.net());
        const JointView view = someView(setup, *net, kRows, 10);
        const at::Tensor joint = net->mixer().mix(view, nullptr);
        QCOMPARE(joint.sizes().vec(), (std::vector<std::int64_t>{kRows, 1}));
        QVERIFY(sameBits(net->mixer().bootstrap(view), joint));
        const auto rows = plainQplex(*net, view, {weightedHead, isMinusOne});
        for (std::int64_t row = 0; row < kRows; ++row) {
            double expected = 0.0;
            for (const Duel& duel : rows[static_cast<std::size_t>(row)]) {
                QVERIFY(duel.lambda > 0.0);
                expected +=
                    isMinusOne ? duel.v + duel.lambda * (duel.q - duel.v) : duel.q + duel.lambda * (duel.q - duel.v);
            }
            const double got = entry(joint, row, 0);
            QVERIFY2(std::abs(got - expected) < 1e-5 * std::max(1.0, std::abs(expected)),
                     qPrintable(QString("%1 instead of %2").arg(got).arg(expected)));
        }
    }

    void qplexAtTheGreedyActionIsTheSumOfV() {
        for (std::uint64_t seed = 1; seed <= 10; ++seed) {
            const Setup setup = setupOf(kQplex, seed);
            const auto net = buildNet(setup.net());
            shake(*net, seed);
            const JointView view = someView(setup, *net, kRows, seed);
            const at::Tensor greedy = greedyActions(view.outputs, view.unavailable);
            const at::Tensor joint = net->mixer().mix(view.at(greedy), nullptr).detach();
            // No rounding comes in: at the greedy action Q_a and V_a are the same product and sum.
            const auto head = [&](const std::string& name) {
                const auto value = [&](const std::string& parameter) {
                    return parameterNamed(*net, name + parameter).value.detach();
                };
                const at::Tensor hidden = at::relu(at::linear(view.state, value(".weight"), value(".bias")));
                return at::linear(hidden, value(".out.weight"), value(".out.bias"));
            };
            const at::Tensor best = view.outputs.masked_fill(view.unavailable, -1e9).amax(2);
            const at::Tensor v = (head("mixer.hyper_w").abs() + 1e-10) * best + head("mixer.hyper_v");
            QVERIFY(at::equal(joint.squeeze(1), v.sum(1)));
        }
    }

    // Of what QPLEX makes of the agents' state values alone.
    void qplexRisesWithTheStateValues() {
        for (std::uint64_t seed = 1; seed <= 10; ++seed) {
            const Setup setup = setupOf(kQplex, seed);
            const auto net = buildNet(setup.net());
            shake(*net, seed);
            const JointView view = someView(setup, *net, kRows, seed);
            const at::Tensor greedy = greedyActions(view.outputs, view.unavailable);
            const at::Tensor gradient = gradientByValues(*net, view.at(greedy));
            QVERIFY(valuesAt(gradient, greedy).min().item<float>() > 0.F);
        }
    }

    void qplexCarriesNoGradientThroughTheAdvantage() {
        for (const bool stop : {true, false}) {
            const Setup setup = setupOf(kQplex + (stop ? "" : "is_stop_gradient = false"));
            const auto net = buildNet(setup.net());
            const JointView view = someView(setup, *net, kRows, 20);
            const at::Tensor gradient = gradientByValues(*net, view);
            const auto rows = plainQplex(*net, view, {});
            at::Tensor expected = at::zeros_like(gradient);
            for (std::int64_t row = 0; row < kRows; ++row) {
                for (std::int64_t a = 0; a < kAgents; ++a) {
                    const Duel& duel = rows[static_cast<std::size_t>(row)][static_cast<std::size_t>(a)];
                    // The maximum itself never carries one.
                    expected[row][a][view.actions[row][a].item<std::int64_t>()] = stop ? duel.w : duel.w * duel.lambda;
                }
            }
            QVERIFY(at::allclose(gradient, expected, 1e-4, 1e-6));
        }
    }

    void qplexLosesHalfTheSquare() {
        const Setup setup = setupOf(kQplex);
        const auto net = buildNet(setup.net());
        const LossInput input = someLoss(someView(setup, *net, kRows, 30), 40);
        const MixerLoss loss = net->mixer().loss(input, nullptr);
        const at::Tensor expected = (net->mixer().mix(input.online, nullptr) - input.targets).square().mean() / 2;
        QVERIFY(at::allclose(loss.total, expected));
    }

    void qattenEqualsItsFormula_data() {
        QTest::addColumn<bool>("weighted");
        QTest::addColumn<int>("agentState");
        QTest::addRow("keys of observations") << true << 0;
        QTest::addRow("keys of slices of the state") << true << 2;
        QTest::addRow("slices before the rest of the state") << true << 1;
        QTest::addRow("heads added up") << false << 0;
    }
    void qattenEqualsItsFormula() {
        QFETCH(bool, weighted);
        QFETCH(int, agentState);
        const Setup setup = setupOf(kQatten + (weighted ? "" : "weighted = false"));
        NetSpec spec = setup.net();
        spec.mixerShape.agentState = agentState;
        const auto net = buildNet(spec);
        QCOMPARE(net->needs().inputs, agentState == 0);
        JointView view = someView(setup, *net, kRows, 50);
        if (agentState > 0) {
            view.inputs = at::Tensor();
        }
        const at::Tensor joint = net->mixer().mix(view, nullptr);
        const at::Tensor constant = plainNet(*net, "mixer.constant", view.state);
        const at::Tensor headWeights = weighted ? plainNet(*net, "mixer.head", view.state) : at::ones({kRows, 2});
        for (std::int64_t row = 0; row < kRows; ++row) {
            double expected = entry(constant, row, 0);
            for (std::int64_t h = 0; h < 2; ++h) {
                const at::Tensor query = plainNet(*net, fmt::format("mixer.query{}", h), view.state[row].unsqueeze(0));
                double sum = 0.0;
                double valueSum = 0.0;
                for (std::int64_t a = 0; a < kAgents; ++a) {
                    const at::Tensor own = agentState > 0
                                               ? view.state[row].slice(0, a * agentState, (a + 1) * agentState)
                                               : view.inputs[row][a].slice(0, 0, setup.spec.obsDim);
                    const at::Tensor key = plainNet(*net, fmt::format("mixer.key{}", h), own.unsqueeze(0));
                    const double weight = std::exp((query * key).sum().item<double>() / std::sqrt(6.0));
                    sum += weight;
                    valueSum += weight * view.outputs[row][a][view.actions[row][a].item<std::int64_t>()].item<double>();
                }
                expected += std::abs(entry(headWeights, row, h)) * valueSum / sum;
            }
            QVERIFY(std::abs(entry(joint, row, 0) - expected) < 1e-5 * std::max(1.0, std::abs(expected)));
        }
    }

    void qattenIsMonotone() {
        for (std::uint64_t seed = 1; seed <= 10; ++seed) {
            const Setup setup = setupOf(kQatten, seed);
            const auto net = buildNet(setup.net());
            shake(*net, seed);
            const JointView view = someView(setup, *net, kRows, seed);
            const at::Tensor gradient = gradientByValues(*net, view);
            QVERIFY(valuesAt(gradient, view.actions).min().item<float>() > 0.F);
            QVERIFY(gradient.min().item<float>() == 0.F); // actions that were not chosen
        }
    }

    // Attention sums to one: a common rise of all values comes out times the heads' weights.
    void qattenPassesACommonRiseThrough() {
        const Setup setup = setupOf(kQatten + "weighted = false");
        const auto net = buildNet(setup.net());
        JointView view = someView(setup, *net, kRows, 60);
        const at::Tensor before = net->mixer().mix(view, nullptr);
        view.outputs = view.outputs + 5.0;
        QVERIFY(at::allclose(net->mixer().mix(view, nullptr) - before, at::full({kRows, 1}, 2 * 5.0), 1e-5));
    }

    void agentsAgreeOnTheGreedyJointAction_data() { addMixers(); }
    void agentsAgreeOnTheGreedyJointAction() {
        QFETCH(std::string, mixer);
        for (std::uint64_t seed = 1; seed <= 20; ++seed) {
            const Setup setup = setupOf(mixer, seed);
            const auto net = buildNet(setup.net());
            checkGreedyAgrees(*net, setup, seed);
            shake(*net, seed);
            checkGreedyAgrees(*net, setup, 100 + seed);
        }
    }

    void gradientsEqualFiniteDifferences_data() { addMixers(); }
    void gradientsEqualFiniteDifferences() {
        QFETCH(std::string, mixer);
        const bool qplex = mixer.starts_with(kQplex);
        // Of QPLEX's terms only these carry the whole gradient of the loss; where it is let through, all of the mixer.
        const std::string complaint = gradientComplaint(setupOf(mixer), [&](const std::string& name) {
            return !qplex || (name.starts_with("mixer.") && !name.starts_with("mixer.hyper_w"));
        });
        QVERIFY2(complaint.empty(), complaint.c_str());
        if (qplex) {
            const std::string open = gradientComplaint(setupOf(mixer + "\nis_stop_gradient = false"),
                                                       [](const auto& name) { return name.starts_with("mixer."); });
            QVERIFY2(open.empty(), open.c_str());
        }
    }

    void paddingChangesNothing_data() { addMixers(); }
    void paddingChangesNothing() {
        QFETCH(std::string, mixer);
        const std::string complaint = paddingComplaint(setupOf(mixer));
        QVERIFY2(complaint.empty(), complaint.c_str());
    }

    void surgeryChangesNoBit_data() { addMixers(); }
    void surgeryChangesNoBit() {
        QFETCH(std::string, mixer);
        const std::string complaint = surgeryComplaint(setupOf(mixer));
        QVERIFY2(complaint.empty(), complaint.c_str());
    }

    void sitesHaveTheirNames() {
        const auto qplex = buildNet(setupOf(kQplex + "adv_hypernet_layers = 3").net());
        for (const char* site : {"mixer.hyper_w", "mixer.hyper_v", "mixer.key0", "mixer.agents1", "mixer.action1"}) {
            QVERIFY(siteNamed(*qplex, site).composite != nullptr);
        }
        QVERIFY(siteNamed(*qplex, "mixer.key0.fc2").composite == nullptr);
        const auto qatten = buildNet(setupOf(kQatten).net());
        for (const char* site : {"mixer.query0", "mixer.query1", "mixer.head", "mixer.constant"}) {
            QVERIFY(siteNamed(*qatten, site).composite != nullptr);
        }
    }
};

QTEST_APPLESS_MAIN(TestMixersAttention)
#include "tst_mixers_attention.moc"
