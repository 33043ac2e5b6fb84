// SPDX-License-Identifier: GPL-3.0-or-later
// Agents against their formulas, step by step against whole episodes, and how their layers are initialised.
#include <cmath>

#include <ATen/ATen.h>
#include <QTest>

#include "core/nets/initialise.h"
#include "core/plasticity/diagnostics.h"
#include "engine_fixtures.h"

using namespace knife;
using namespace knife::test;

namespace {

NetSpec specOf(const AgentConfig& config) {
    Setup setup;
    setup.agent = config;
    setup.agentKind = config.kind;
    setup.hidden = config.hidden;
    setup.mixer = "method = \"vdn\"";
    return setup.net();
}

AgentConfig agentOf(const char* kind) {
    AgentConfig config;
    config.kind = kind;
    config.hidden = 16;
    return config;
}

at::Tensor normalised(const at::Tensor& x, const at::Tensor& gain, const at::Tensor& shift) {
    const at::Tensor centred = x - x.mean(1, true);
    return gain * centred / (centred.square().mean(1, true) + 1e-5).sqrt() + shift;
}

// Parameters of a network by name, moved away from their initial values so that gains and shifts matter.
struct Values {
    const FactorizedNet& net;

    explicit Values(const FactorizedNet& shaken) : net(shaken) {
        const at::NoGradGuard noGrad;
        std::uint64_t number = 0;
        for (const Parameter& parameter : net.parameters().all()) {
            parameter.value.add_(randomTensor(parameter.value.sizes().vec(), ++number), 0.1);
        }
    }
    at::Tensor operator[](const char* name) const { return parameterNamed(net, name).value.detach(); }
    [[nodiscard]] at::Tensor linear(const at::Tensor& x, const std::string& layer) const {
        return at::linear(x, (*this)[(layer + ".weight").c_str()], (*this)[(layer + ".bias").c_str()]);
    }
    [[nodiscard]] at::Tensor gru(const at::Tensor& x, const at::Tensor& h) const {
        return at::gru_cell(x, h, (*this)["agent.gru.input.weight"], (*this)["agent.gru.recurrent.weight"],
                            (*this)["agent.gru.input.bias"], (*this)["agent.gru.recurrent.bias"]);
    }
};

double rowError(const at::Tensor& matrix, double gain) {
    const at::Tensor wide = matrix.size(0) <= matrix.size(1) ? matrix : matrix.t();
    const at::Tensor gram = at::mm(wide, wide.t()).to(at::kDouble);
    return (gram - gain * gain * at::eye(gram.size(0), at::kDouble)).abs().max().item<double>();
}

void addKinds() {
    QTest::addColumn<QString>("kind");
    for (const char* kind : {"rnn", "mlp", "rnn_layernorm", "rnn_crelu"}) {
        QTest::addRow("%s", kind) << QString(kind);
    }
}

} // namespace

class TestAgents : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void layerNormAgentEqualsItsFormula() {
        const auto net = buildNet(specOf(agentOf("rnn_layernorm")));
        const Values values(*net);
        const at::Tensor inputs = randomTensor({9, 6, Setup().layout().width()}, 3);
        at::Tensor h = at::zeros({6, 16});
        std::vector<at::Tensor> expected;
        for (const at::Tensor& x : inputs.unbind(0)) {
            const at::Tensor z = normalised(values.linear(x, "agent.fc1"), values["agent.fc1.norm.gain"],
                                            values["agent.fc1.norm.shift"]);
            h = values.gru(at::relu(z), h);
            const at::Tensor read = normalised(h, values["agent.head.norm.gain"], values["agent.head.norm.shift"]);
            expected.push_back(values.linear(read, "agent.head"));
        }
        QVERIFY(at::allclose(net->agent().unroll(inputs, nullptr).outputs, at::stack(expected), 0.0, 1e-5));
    }

    void creluAgentEqualsItsFormula_data() {
        QTest::addColumn<QString>("width");
        QTest::addRow("hidden") << "hidden";
        QTest::addRow("equal parameters") << "equal_parameters";
    }
    void creluAgentEqualsItsFormula() {
        QFETCH(QString, width);
        AgentConfig config = agentOf("rnn_crelu");
        config.creluWidth = width.toStdString();
        const auto net = buildNet(specOf(config));
        const Values values(*net);
        const at::Tensor inputs = randomTensor({9, 6, Setup().layout().width()}, 3);
        at::Tensor h = at::zeros({6, 16});
        std::vector<at::Tensor> expected;
        for (const at::Tensor& x : inputs.unbind(0)) {
            const at::Tensor z = values.linear(x, "agent.fc1");
            h = values.gru(at::cat({z.clamp_min(0.0), z.neg().clamp_min(0.0)}, 1), h);
            expected.push_back(values.linear(h, "agent.head"));
        }
        SiteTaps taps(net->sites().all().size());
        QVERIFY(at::allclose(net->agent().unroll(inputs, &taps).outputs, at::stack(expected), 0.0, 1e-5));
        const at::Tensor z = values.linear(inputs.reshape({54, -1}), "agent.fc1");
        QVERIFY(at::allclose(taps.front().hidden, z.abs(), 0.0, 1e-5));
    }

    void feedForwardAgentEqualsItsFormula() {
        const auto net = buildNet(specOf(agentOf("mlp")));
        const Values values(*net);
        const at::Tensor inputs = randomTensor({9, 6, Setup().layout().width()}, 3);
        const at::Tensor hidden = at::relu(values.linear(at::relu(values.linear(inputs, "agent.fc1")), "agent.fc2"));
        const AgentPass pass = net->agent().unroll(inputs, nullptr);
        QVERIFY(at::allclose(pass.hidden, hidden, 0.0, 1e-5));
        QVERIFY(at::allclose(pass.outputs, values.linear(hidden, "agent.head"), 0.0, 1e-5));
    }

    void stepByStepEqualsTheUnroll_data() { addKinds(); }
    void stepByStepEqualsTheUnroll() {
        QFETCH(QString, kind);
        const NetSpec spec = specOf(agentOf(kind.toUtf8().constData()));
        const auto net = buildNet(spec);
        const at::Tensor inputs = randomTensor({9, 6, spec.input}, 4);
        const AgentPass whole = net->agent().unroll(inputs, nullptr);
        at::Tensor memory = net->agent().initialMemory(6);
        for (std::int64_t t = 0; t < inputs.size(0); ++t) {
            const AgentPass step = net->agent().act(inputs.select(0, t), memory);
            QVERIFY(at::allclose(step.outputs, whole.outputs.select(0, t), 0.0, 1e-6));
            QVERIFY(at::allclose(step.hidden, whole.hidden.select(0, t), 0.0, 1e-6));
        }
    }

    void parameterCounts_data() {
        QTest::addColumn<QString>("kind");
        QTest::addColumn<QString>("width");
        QTest::addColumn<int>("count");
        constexpr int kPlain = 29'579; // input 60, hidden 64, 11 actions
        QTest::addRow("rnn") << "rnn"
                             << "hidden" << kPlain;
        QTest::addRow("mlp") << "mlp"
                             << "hidden" << 60 * 64 + 64 + 64 * 64 + 64 + 64 * 11 + 11;
        QTest::addRow("rnn_layernorm") << "rnn_layernorm"
                                       << "hidden" << kPlain + 4 * 64;
        QTest::addRow("rnn_crelu") << "rnn_crelu"
                                   << "hidden" << kPlain + 3 * 64 * 64;
        // 64 (61 + 192) / (61 + 384) = 36.4 units: 36 * 445 instead of 64 * 253
        QTest::addRow("rnn_crelu, equal") << "rnn_crelu"
                                          << "equal_parameters" << kPlain - 64 * 253 + 36 * 445;
    }
    void parameterCounts() {
        QFETCH(QString, kind);
        QFETCH(QString, width);
        QFETCH(int, count);
        AgentConfig config = agentOf(kind.toUtf8().constData());
        config.hidden = 64;
        config.creluWidth = width.toStdString();
        const auto net = buildNet({.agent = config,
                                   .input = 60,
                                   .mixer = sectionOf("method = \"vdn\"", "mixer"),
                                   .mixerShape = {.agents = 5, .actions = 11, .state = 48},
                                   .seed = 1,
                                   .pool = {}});
        QCOMPARE(net->parameters().count(Trainability::Trainable), std::int64_t{count});
    }

    void normalisedAndDoubledLayersRefuseCompositesWithTheReason_data() {
        QTest::addColumn<QString>("kind");
        QTest::addColumn<QString>("reason");
        QTest::addRow("rnn_layernorm") << "rnn_layernorm"
                                       << "normalised over all its units";
        QTest::addRow("rnn_crelu") << "rnn_crelu"
                                   << "CReLU";
    }
    void normalisedAndDoubledLayersRefuseCompositesWithTheReason() {
        QFETCH(QString, kind);
        QFETCH(QString, reason);
        const auto net = buildNet(specOf(agentOf(kind.toUtf8().constData())));
        const Site& site = siteNamed(*net, "agent.fc1");
        QVERIFY(site.composite == nullptr);
        QVERIFY2(QString::fromStdString(site.refusal).contains(reason), site.refusal.c_str());
        QCOMPARE(site.weight->value.size(0), std::int64_t{site.units});
    }

    void everyAgentLearns_data() { addKinds(); }
    void everyAgentLearns() {
        QFETCH(QString, kind);
        Setup setup;
        setup.agentKind = kind.toStdString();
        setup.agent.init = "orthogonal";
        setup.learning.optimiser = "adam";
        setup.learning.lr = 5e-3;
        const auto learner = setup.learner();
        const Batch batch = setup.batch(randomEpisodes(setup.spec, {3, 5, 7}));
        Diagnostics diagnostics({}, learner->online().sites());
        const double before = learner->probe(batch).loss;
        for (int i = 0; i < 100; ++i) {
            QVERIFY(learner->update(batch, {&diagnostics}));
        }
        QVERIFY(learner->probe(batch).loss < 0.6 * before);
        for (const Parameter& parameter : learner->online().parameters().all()) {
            QVERIFY2(at::count_nonzero(parameter.grad).item<std::int64_t>() > 0, parameter.name.c_str());
        }
    }

    void orthogonalMatricesAreOrthogonal_data() {
        QTest::addColumn<int>("rows");
        QTest::addColumn<int>("columns");
        QTest::addColumn<double>("gain");
        QTest::addRow("square") << 16 << 16 << 1.0;
        QTest::addRow("wide") << 5 << 40 << 0.01;
        QTest::addRow("tall") << 64 << 7 << 2.0;
        QTest::addRow("one row") << 1 << 9 << 1.0;
        QTest::addRow("one entry") << 1 << 1 << 3.0;
    }
    void orthogonalMatricesAreOrthogonal() {
        QFETCH(int, rows);
        QFETCH(int, columns);
        QFETCH(double, gain);
        const at::Tensor first = drawOrthogonal(rows, columns, gain, {1, "test", 0});
        QCOMPARE(first.sizes().vec(), (std::vector<std::int64_t>{rows, columns}));
        QVERIFY(rowError(first, gain) < 1e-5 * gain * gain);
        QVERIFY(sameBits(first, drawOrthogonal(rows, columns, gain, {1, "test", 0})));
        double sum = 0.0; // entries have mean 0: signs are not fixed by the decomposition
        for (std::uint64_t index = 0; index < 200; ++index) {
            sum += drawOrthogonal(rows, columns, gain, {1, "test", index})[0][0].item<double>() / gain;
        }
        QVERIFY(std::abs(sum / 200) < 0.3);
    }

    void orthogonalInitialisationIsForFullyConnectedLayersAlone_data() { addKinds(); }
    void orthogonalInitialisationIsForFullyConnectedLayersAlone() {
        QFETCH(QString, kind);
        AgentConfig config = agentOf(kind.toUtf8().constData());
        const auto uniform = buildNet(specOf(config));
        config.init = "orthogonal";
        config.headGain = 0.01;
        const auto net = buildNet(specOf(config));
        for (const Parameter& parameter : net->parameters().all()) {
            const std::string& name = parameter.name;
            const bool recurrent = name.find(".gru.") != std::string::npos || name.find(".norm.") != std::string::npos;
            if (recurrent) {
                QVERIFY2(sameBits(parameter.value, parameterNamed(*uniform, name).value), name.c_str());
            } else if (parameter.value.dim() == 1) {
                QVERIFY2(at::count_nonzero(parameter.value).item<std::int64_t>() == 0, name.c_str());
            } else {
                const double gain = name == "agent.head.weight" ? 0.01 : 1.0;
                QVERIFY2(rowError(parameter.value.detach(), gain) < 1e-5 * gain * gain, name.c_str());
            }
        }
    }

    void theHeadsGainScalesUniformWeightsToo() {
        AgentConfig config = agentOf("rnn");
        const auto plain = buildNet(specOf(config));
        config.headGain = 0.5;
        const auto scaled = buildNet(specOf(config));
        for (const Parameter& parameter : scaled->parameters().all()) {
            const at::Tensor before = parameterNamed(*plain, parameter.name).value.detach();
            const bool head = parameter.name == "agent.head.weight";
            QVERIFY2(sameBits(parameter.value, head ? before * 0.5 : before), parameter.name.c_str());
        }
    }

    void layersBeforeTheGruAreAChoiceOfOneKind_data() { addKinds(); }
    void layersBeforeTheGruAreAChoiceOfOneKind() {
        QFETCH(QString, kind);
        AgentConfig config = agentOf(kind.toUtf8().constData());
        config.fcLayers = 2;
        const auto net = FactorizedNet::build(specOf(config));
        QCOMPARE(net.has_value(), kind == "rnn");
        if (!net) {
            QVERIFY(net.error().code == ErrorCode::Usage);
            QVERIFY(net.error().message.find("agent.fc_layers") != std::string::npos);
        }
    }

    void theWidthOfCreluIsAChoiceOfOneKind_data() { addKinds(); }
    void theWidthOfCreluIsAChoiceOfOneKind() {
        QFETCH(QString, kind);
        AgentConfig config = agentOf(kind.toUtf8().constData());
        config.creluWidth = "equal_parameters";
        const auto net = FactorizedNet::build(specOf(config));
        QCOMPARE(net.has_value(), kind == "rnn_crelu");
        if (!net) {
            QVERIFY(net.error().code == ErrorCode::Usage);
            QVERIFY(net.error().message.find("agent.crelu_width") != std::string::npos);
        }
    }

    void aHeadThatIsTheMixersHasNoGain_data() {
        QTest::addColumn<QString>("method");
        QTest::addColumn<bool>("ownHead");
        for (const auto& [method, ownHead] :
             {std::pair{"ddn", false}, {"dmix", false}, {"diql", false}, {"rmix", true}, {"riskq", true}}) {
            QTest::addRow("%s", method) << QString(method) << ownHead;
        }
    }
    void aHeadThatIsTheMixersHasNoGain() {
        QFETCH(QString, method);
        QFETCH(bool, ownHead);
        AgentConfig config = agentOf("rnn");
        NetSpec spec = specOf(config);
        spec.mixer = sectionOf("method = \"" + method.toStdString() + "\"", "mixer");
        QVERIFY(FactorizedNet::build(spec).has_value());
        spec.agent.headGain = 0.01;
        const auto net = FactorizedNet::build(spec);
        QCOMPARE(net.has_value(), ownHead);
        if (!net) {
            QVERIFY(net.error().code == ErrorCode::Usage);
            QVERIFY(net.error().message.find("agent.head_gain") != std::string::npos);
        }
    }
};

QTEST_APPLESS_MAIN(TestAgents)
#include "tst_agents.moc"
