// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>
#include <cmath>
#include <map>

#include <ATen/ATen.h>
#include <QTest>

#include "core/learning/joint_values.h"
#include "core/plasticity/surgeon.h"
#include "engine_fixtures.h"

using namespace knife;
using namespace knife::test;

namespace {

const char* const kTwoLayerQmix = "method = \"qmix\"\nembed = 8\nhypernet_embed = 12";
const char* const kOneLayerQmix = "method = \"qmix\"\nembed = 8\nhypernet_layers = 1";

NetSpec specOf(const std::string& agentKind, const std::string& mixer, std::uint64_t seed = 1) {
    Setup setup;
    setup.agentKind = agentKind;
    setup.mixer = mixer;
    setup.seed = seed;
    return setup.net();
}

std::int64_t trainable(const FactorizedNet& net) {
    return net.parameters().count(Trainability::Trainable);
}

// Composites at every site that takes them, and then actives that have moved far away from their compensations.
void operateEverywhere(FactorizedNet& net, FactorizedNet& target, int events) {
    Surgeon surgeon(net, target, 5);
    for (int event = 0; event < events; ++event) {
        SurgeryPlan plan;
        for (const Site& site : net.sites().all()) {
            if (site.composite != nullptr) {
                plan.operations.push_back({site.name, {event % 3, 4 + event % 2}});
            }
        }
        QVERIFY(surgeon.apply(plan, event));
        for (const ParameterBlock& block : net.parameters().blocks()) {
            if (block.trainable) {
                block.value.add_(block.mask * randomTensor({block.size()}, static_cast<std::uint64_t>(100 + event)),
                                 2.0);
            }
        }
    }
}

at::Tensor gradientByQ(const FactorizedNet& net, const at::Tensor& q, const at::Tensor& state) {
    const at::Tensor leaf = q.detach().clone().requires_grad_(true);
    net.mixer().mix(chosenValues(leaf, state), nullptr).sum().backward();
    return leaf.grad();
}

// Rows of action values that reach into both branches of the mixer's ELU.
void checkMonotone(const FactorizedNet& net) {
    for (std::uint64_t number = 0; number < 20; ++number) {
        const at::Tensor q = randomTensor({64, 3}, number).mul(std::pow(10.0, double(number % 4)));
        const at::Tensor state = randomTensor({64, 6}, 50 + number).mul(3.0);
        const at::Tensor gradient = gradientByQ(net, q, state);
        QVERIFY(at::isfinite(gradient).all().item<bool>());
        QVERIFY2(gradient.min().item<float>() >= 0.F, "Q_tot falls when an agent's value rises");
        QVERIFY(gradient.max().item<float>() > 0.F);
    }
}

// The best joint action is made of each agent's best action.
void checkGreedyAgrees(const FactorizedNet& net, const Setup& setup, std::uint64_t number) {
    const at::Tensor obs = randomTensor({setup.spec.nAgents * setup.spec.obsDim}, number);
    const at::Tensor state = randomTensor({setup.spec.stateDim}, 500 + number);
    const JointValues values =
        jointValues(net, setup.layout(), {obs.data_ptr<float>(), static_cast<std::size_t>(obs.numel())},
                    {state.data_ptr<float>(), static_cast<std::size_t>(state.numel())});
    QCOMPARE(values.q.size(), std::size_t(3));
    QCOMPARE(values.qTot.size(), std::size_t(4 * 4 * 4));
    std::size_t joint = 0;
    for (const auto& q : values.q) {
        joint = joint * q.size() + static_cast<std::size_t>(std::ranges::max_element(q) - q.begin());
    }
    QCOMPARE(values.qTot[joint], *std::ranges::max_element(values.qTot));
}

} // namespace

class TestNetworks : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void parameterCountsAreThoseOfTheReferences() {
        AgentConfig config;
        config.kind = "rnn";
        config.hidden = 64;
        const auto build = [&config](const std::string& mixer) {
            return trainable(*buildNet({.agent = config,
                                        .input = 60,
                                        .mixer = sectionOf(mixer, "mixer"),
                                        .mixerShape = {.agents = 5, .actions = 11, .state = 48},
                                        .seed = 1,
                                        .pool = {}}));
        };
        const std::int64_t agent = build("method = \"vdn\"");
        QCOMPARE(agent, std::int64_t(29'579));
        QCOMPARE(build("method = \"iql\""), agent);
        QCOMPARE(build("method = \"qmix\"") - agent, std::int64_t(21'921));
        QCOMPARE(build("method = \"qmix\"\nhypernet_layers = 1") - agent, std::int64_t(12'577));
    }

    void initialValuesFillTheUniformRange() {
        const auto net = buildNet(specOf("rnn", kTwoLayerQmix));
        const std::int64_t input = Setup().layout().width();
        const std::map<std::string, std::int64_t> fanIn = {
            {"agent.fc1.weight", input},        {"agent.fc1.bias", input},         {"agent.gru.input.weight", 16},
            {"agent.gru.recurrent.weight", 16}, {"agent.head.weight", 16},         {"mixer.hyper_w1.weight", 6},
            {"mixer.hyper_b1.weight", 6},       {"mixer.hyper_w1.out.weight", 12},
        };
        for (const auto& [name, fan] : fanIn) {
            const at::Tensor value = parameterNamed(*net, name).value;
            const double bound = 1.0 / std::sqrt(double(fan));
            const double largest = value.abs().max().item<double>();
            QVERIFY2(largest <= bound && largest > 0.8 * bound, name.c_str());
            const double spread = value.square().mean().item<double>() / (bound * bound / 3.0);
            QVERIFY2(spread > 0.5 && spread < 1.6, name.c_str());
        }
    }

    void theSeedAloneDecidesTheInitialValues() {
        const auto first = buildNet(specOf("rnn", kTwoLayerQmix, 7));
        const auto again = buildNet(specOf("rnn", kTwoLayerQmix, 7));
        const auto other = buildNet(specOf("rnn", kTwoLayerQmix, 8));
        QVERIFY(sameBits(first->parameters(), again->parameters()));
        QVERIFY(!sameBits(first->parameters(), other->parameters()));
        // Another mixer leaves the agent's draws alone.
        const auto vdn = buildNet(specOf("rnn", "method = \"vdn\"", 7));
        for (const Parameter& parameter : vdn->parameters().all()) {
            QVERIFY(sameBits(parameter.value, parameterNamed(*first, parameter.name).value));
        }
    }

    void recurrentUnrollEqualsTorchsCell() {
        const auto net = buildNet(specOf("rnn", "method = \"vdn\""));
        const auto value = [&](const char* name) {
            return parameterNamed(*net, name).value;
        };
        const at::Tensor inputs = randomTensor({9, 6, Setup().layout().width()}, 3);
        at::Tensor h = at::zeros({6, 16});
        std::vector<at::Tensor> expected;
        for (std::int64_t t = 0; t < inputs.size(0); ++t) {
            const at::Tensor x =
                at::relu(at::linear(inputs.select(0, t), value("agent.fc1.weight"), value("agent.fc1.bias")));
            h = at::gru_cell(x, h, value("agent.gru.input.weight"), value("agent.gru.recurrent.weight"),
                             value("agent.gru.input.bias"), value("agent.gru.recurrent.bias"));
            expected.push_back(at::linear(h, value("agent.head.weight"), value("agent.head.bias")));
        }
        const at::Tensor q = net->agent().unroll(inputs, nullptr).outputs;
        QVERIFY(at::allclose(q, at::stack(expected), 0.0, 1e-6));
    }

    void stepByStepEqualsTheUnroll_data() {
        QTest::addColumn<QString>("kind");
        QTest::addColumn<int>("events");
        for (const char* kind : {"rnn", "mlp"}) {
            QTest::addRow("%s", kind) << QString(kind) << 0;
            QTest::addRow("%s with composites", kind) << QString(kind) << 3;
        }
    }
    void stepByStepEqualsTheUnroll() {
        QFETCH(QString, kind);
        QFETCH(int, events);
        const NetSpec spec = specOf(kind.toStdString(), "method = \"vdn\"");
        const auto net = buildNet(spec);
        const auto target = buildNet(spec);
        operateEverywhere(*net, *target, events);
        const at::Tensor inputs = randomTensor({9, 6, spec.input}, 4);
        const at::Tensor q = net->agent().unroll(inputs, nullptr).outputs;
        QCOMPARE(q.sizes().vec(), (std::vector<std::int64_t>{9, 6, 4}));
        const double scale = std::max(1.0, q.abs().max().item<double>()); // kernels of unequal shape round differently
        at::Tensor memory = net->agent().initialMemory(6);
        for (std::int64_t t = 0; t < inputs.size(0); ++t) {
            const at::Tensor step = net->agent().act(inputs.select(0, t), memory).outputs;
            const double error = (step - q.select(0, t)).abs().max().item<double>();
            QVERIFY2(error <= 1e-6 * scale, qPrintable(QString("off by %1 of %2").arg(error).arg(scale)));
        }
    }

    void feedForwardAgentForgetsTheStepsBefore() {
        const NetSpec spec = specOf("mlp", "method = \"vdn\"");
        const auto net = buildNet(spec);
        at::Tensor inputs = randomTensor({4, 6, spec.input}, 4);
        const at::Tensor before = net->agent().unroll(inputs, nullptr).outputs.select(0, 3).clone();
        inputs.select(0, 1).zero_();
        QVERIFY(sameBits(net->agent().unroll(inputs, nullptr).outputs.select(0, 3), before));
    }

    void qmixEqualsItsFormula() {
        const auto net = buildNet(specOf("rnn", kOneLayerQmix));
        const auto value = [&](const char* name) {
            return parameterNamed(*net, name).value;
        };
        const at::Tensor q = randomTensor({1, 3}, 1);
        const at::Tensor state = randomTensor({1, 6}, 2);
        const at::Tensor w1 =
            at::linear(state, value("mixer.hyper_w1.weight"), value("mixer.hyper_w1.bias")).abs().view({3, 8});
        const at::Tensor b1 = at::linear(state, value("mixer.hyper_b1.weight"), value("mixer.hyper_b1.bias"));
        const at::Tensor w2 = at::linear(state, value("mixer.hyper_w2.weight"), value("mixer.hyper_w2.bias")).abs();
        const at::Tensor v = at::linear(at::relu(at::linear(state, value("mixer.v.weight"), value("mixer.v.bias"))),
                                        value("mixer.v.out.weight"), value("mixer.v.out.bias"));
        const at::Tensor expected = at::mm(at::elu(at::mm(q, w1) + b1), w2.t()) + v;
        QVERIFY(at::allclose(net->mixer().mix(chosenValues(q, state), nullptr), expected, 1e-5, 1e-6));
    }

    void vdnSumsAndIqlPassesThrough() {
        const at::Tensor q = randomTensor({20, 3}, 1);
        const at::Tensor state = randomTensor({20, 6}, 2);
        const auto vdn = buildNet(specOf("rnn", "method = \"vdn\""));
        const auto iql = buildNet(specOf("rnn", "method = \"iql\""));
        QVERIFY(at::allclose(vdn->mixer().mix(chosenValues(q, state), nullptr), q.sum(1, true), 0.0, 1e-6));
        QVERIFY(sameBits(iql->mixer().mix(chosenValues(q, state), nullptr), q));
        QCOMPARE(vdn->mixer().outputs(), std::int64_t(1));
        QCOMPARE(iql->mixer().outputs(), std::int64_t(3));
    }

    void qmixIsMonotone_data() {
        QTest::addColumn<QString>("mixer");
        QTest::addRow("two layers") << QString(kTwoLayerQmix);
        QTest::addRow("one layer") << QString(kOneLayerQmix);
    }
    void qmixIsMonotone() {
        QFETCH(QString, mixer);
        for (std::uint64_t seed = 1; seed <= 5; ++seed) {
            const NetSpec spec = specOf("rnn", mixer.toStdString(), seed);
            const auto net = buildNet(spec);
            const auto target = buildNet(spec);
            checkMonotone(*net);
            operateEverywhere(*net, *target, 4);
            checkMonotone(*net);
        }
    }

    void agentsAgreeOnTheGreedyJointAction_data() {
        QTest::addColumn<QString>("mixer");
        QTest::addRow("qmix, two layers") << QString(kTwoLayerQmix);
        QTest::addRow("qmix, one layer") << QString(kOneLayerQmix);
        QTest::addRow("vdn") << QString("method = \"vdn\"");
        QTest::addRow("iql") << QString("method = \"iql\"");
    }
    void agentsAgreeOnTheGreedyJointAction() {
        QFETCH(QString, mixer);
        Setup setup;
        setup.mixer = mixer.toStdString();
        for (setup.seed = 1; setup.seed <= 10; ++setup.seed) {
            const auto net = buildNet(setup.net());
            const auto target = buildNet(setup.net());
            checkGreedyAgrees(*net, setup, setup.seed);
            operateEverywhere(*net, *target, 3);
            checkGreedyAgrees(*net, setup, setup.seed);
        }
    }

    void jointValuesOfTooManyJointActionsAreLeftOut() {
        Setup setup;
        setup.spec.nAgents = 7; // 4^7 > 4096
        const auto net = buildNet(setup.net());
        const std::vector<float> obs(static_cast<std::size_t>(7 * setup.spec.obsDim), 0.5F);
        const std::vector<float> state(static_cast<std::size_t>(setup.spec.stateDim), 0.5F);
        const JointValues values = jointValues(*net, setup.layout(), obs, state);
        QCOMPARE(values.q.size(), std::size_t(7));
        QVERIFY(values.qTot.empty());
    }

    void sitesAreRegisteredAndSayWhyTheyRefuse_data() {
        QTest::addColumn<QString>("kind");
        QTest::addColumn<QString>("mixer");
        QTest::addColumn<QStringList>("sites");
        const QStringList deep = {"mixer.hyper_w1", "mixer.hyper_w2", "mixer.v", "mixer.mix!"};
        const QStringList flat = {"mixer.v", "mixer.mix!"};
        const QStringList rnn = {"agent.fc1"};
        const QStringList mlp = {"agent.fc1", "agent.fc2!"};
        QTest::addRow("rnn, two layers") << "rnn" << kTwoLayerQmix << rnn + deep;
        QTest::addRow("rnn, one layer") << "rnn" << kOneLayerQmix << rnn + flat;
        QTest::addRow("mlp, two layers") << "mlp" << kTwoLayerQmix << mlp + deep;
        QTest::addRow("rnn, vdn") << "rnn"
                                  << "method = \"vdn\"" << rnn;
        QTest::addRow("mlp, iql") << "mlp"
                                  << "method = \"iql\"" << mlp;
    }
    // A refusing site ends in "!".
    void sitesAreRegisteredAndSayWhyTheyRefuse() {
        QFETCH(QString, kind);
        QFETCH(QString, mixer);
        QFETCH(QStringList, sites);
        const auto net = buildNet(specOf(kind.toStdString(), mixer.toStdString()));
        QStringList found;
        for (const Site& site : net->sites().all()) {
            const bool refuses = site.composite == nullptr;
            found << QString::fromStdString(site.name) + (refuses ? "!" : "");
            QCOMPARE(site.refusal.empty(), !refuses);
            QVERIFY(site.units > 0);
            QCOMPARE(site.scope == SiteScope::Agent, site.name.starts_with("agent."));
            if (site.weight != nullptr) {
                QCOMPARE(site.weight->value.size(0), std::int64_t(site.units));
            }
        }
        QCOMPARE(found, sites);
    }

    // The table in packaging/doc/methods.md.
    void sitesBesideTheAgentsAreTheDocumentedOnes_data() {
        QTest::addColumn<QString>("mixer");
        QTest::addColumn<QString>("sites");
        const QString qmix = " mixer.hyper_w1 mixer.hyper_w2 mixer.v mixer.mix";
        const auto central = [](const QString& net) {
            return QString(" %1.fc1 %1.mixer %1.mixer.fc2 %1.mixer.fc3 %1.v").arg(net);
        };
        const auto row = [](const QString& method, const QString& sites, const QString& options = {}) {
            QTest::addRow("%s %s", qPrintable(method), qPrintable(options))
                << "method = \"" + method + "\"\n" + options << sites;
        };
        const QString qtran = "mixer.q mixer.q.fc2 mixer.v mixer.v.fc2";
        row("iql", "");
        row("vdn", "");
        row("qmix", qmix);
        row("qmix", "mixer.v mixer.mix", "hypernet_layers = 1");
        row("qatten", "mixer.query0 mixer.query1 mixer.head mixer.constant", "heads = 2");
        row("qplex", "mixer.hyper_w mixer.hyper_v", "num_kernel = 1\nadv_hypernet_layers = 1");
        row("qplex", "mixer.hyper_w mixer.hyper_v mixer.key0 mixer.agents0 mixer.action0",
            "num_kernel = 1\nadv_hypernet_layers = 2");
        for (const char* method : {"qtran_base", "qtran_alt"}) {
            row(method, qtran + " mixer.encoder", "arch = \"qtran_paper\"\ndepth = 2");
            row(method, qtran, "arch = \"coma_critic\"\ndepth = 2");
            row(method, "mixer.q mixer.v", "arch = \"coma_critic\"\ndepth = 1");
        }
        row("cw_qmix", qmix + central("central"));
        row("ow_qmix", qmix + central("central"));
        row("resq", qmix + central("central") + central("residual"));
        row("riskq", "mixer.query mixer.head mixer.constant");
        row("ddn", "mixer.phi");
        row("dmix", "mixer.phi" + qmix);
        row("diql", "mixer.phi");
        row("rmix", qmix + " mixer.mixture");
    }
    void sitesBesideTheAgentsAreTheDocumentedOnes() {
        QFETCH(QString, mixer);
        QFETCH(QString, sites);
        const auto net = buildNet(specOf("rnn", mixer.toStdString()));
        QStringList found;
        for (const Site& site : net->sites().all()) {
            if (!site.name.starts_with("agent.")) {
                found << QString::fromStdString(site.name);
            }
        }
        QStringList expected = sites.split(' ', Qt::SkipEmptyParts);
        found.sort();
        expected.sort();
        QCOMPARE(found, expected);
    }

    void refusalsNameTheirReason() {
        const auto net = buildNet(specOf("mlp", kTwoLayerQmix));
        QVERIFY(siteNamed(*net, "mixer.mix").refusal.find("monotonicity") != std::string::npos);
        QVERIFY(siteNamed(*net, "agent.fc2").refusal.find("agent.fc1") != std::string::npos);
        QVERIFY(siteNamed(*net, "mixer.mix").weight == nullptr);
    }

    void activationsOfEverySiteAreTapped() {
        const Setup setup;
        const auto net = buildNet(setup.net());
        SiteTaps taps(net->sites().all().size());
        const at::Tensor q = net->agent().unroll(randomTensor({3, 4, setup.layout().width()}, 1), &taps).outputs;
        const at::Tensor qTot = net->mixer().mix(chosenValues(randomTensor({5, 3}, 2), randomTensor({5, 6}, 3)), &taps);
        for (std::size_t i = 0; i < taps.size(); ++i) {
            const Site& site = net->sites().all()[i];
            const std::int64_t rows = site.scope == SiteScope::Agent ? 12 : 5;
            QCOMPARE(taps[i].hidden.sizes().vec(), (std::vector<std::int64_t>{rows, site.units}));
            QVERIFY(!taps[i].hidden.requires_grad());
        }
    }

    void unknownKindsAndKeysAreRefused() {
        NetSpec spec = specOf("lstm", "method = \"vdn\"");
        auto agent = FactorizedNet::build(spec);
        QVERIFY(!agent);
        QVERIFY(agent.error().code == ErrorCode::Usage);
        QVERIFY(agent.error().message.find("known: rnn") != std::string::npos);
        for (const char* mixer : {"method = \"qmx\"", "method = \"vdn\"\nembed = 3", "embed = 0",
                                  "method = \"qmix\"\nhypernet_layers = 3", "method = 3"}) {
            spec = specOf("rnn", mixer);
            const auto refused = FactorizedNet::build(spec);
            QVERIFY2(!refused, mixer);
            QVERIFY(refused.error().code == ErrorCode::Usage);
        }
    }
};

QTEST_APPLESS_MAIN(TestNetworks)
#include "tst_networks.moc"
