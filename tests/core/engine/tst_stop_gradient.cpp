// SPDX-License-Identifier: GPL-3.0-or-later
// Networks whose frozen neurons pass no gradient on (agent.stop_gradient_frozen): the values are those of any network,
// what feeds a composite learns from its active neuron alone.
#include <numeric>

#include <ATen/ATen.h>
#include <QTest>

#include "theatre.h"

using namespace knife;
using namespace knife::test;

namespace {

Setup stopping(bool stops = true) {
    Setup setup = brisk();
    setup.agent.furtherSites = {"gru", "head"};
    setup.agent.stopGradientFrozen = stops;
    setup.pool = nullptr;
    return setup;
}

SurgeryPlan onAll(const Theatre& theatre, const std::string& site) {
    std::vector<int> units(static_cast<std::size_t>(siteNamed(theatre.online(), site).units));
    std::iota(units.begin(), units.end(), 0);
    return planOf({{site, units}});
}

// Gradient of a parameter by the agents' outputs, weighed at random, before frozen entries are masked.
at::Tensor gradientOf(FactorizedNet& net, const std::string& parameter, const at::Tensor& inputs) {
    const at::AutoGradMode mode(true);
    net.parameters().zeroGradients();
    const at::Tensor outputs = net.agent().unroll(inputs, nullptr).outputs;
    outputs.backward(randomTensor(outputs.sizes().vec(), 3));
    return parameterNamed(net, parameter).grad.clone();
}

at::Tensor someInputs(const Theatre& theatre) {
    return randomTensor({5, 6, theatre.setup.layout().width()}, 8);
}

void clear(Parameter* parameter) {
    const at::NoGradGuard noGrad;
    parameter->value.zero_();
}

} // namespace

class TestStopGradient : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void surgeryChangesNoBit() {
        Theatre theatre(stopping());
        std::int64_t event = 0;
        for (const char* site : {"agent.fc1", "agent.gru", "agent.head", "mixer.v", "agent.gru", "agent.head"}) {
            theatre.train(2);
            QCOMPARE(whatChanges(theatre, planOf({{site, {1, 2}}}), event++), std::string());
        }
        theatre.train(2);
    }

    void valuesAreThoseOfAnyNetwork() {
        Theatre stops(stopping());
        Theatre passes(stopping(false));
        std::int64_t event = 0;
        for (const char* site : {"agent.gru", "agent.head", "agent.fc1", "agent.gru"}) {
            stops.operate(planOf({{site, {0, 2}}}), event);
            passes.operate(planOf({{site, {0, 2}}}), event++);
        }
        const Batch batch = stops.batch(5);
        QVERIFY(sameBits(stops.learner->probe(batch).q, passes.learner->probe(batch).q));
        QCOMPARE(stops.learner->probe(batch).loss, passes.learner->probe(batch).loss);
    }

    // With nothing but composites in the head, what is before it learns as before a head of active neurons alone.
    void headsPassOnWhatLearns() {
        Theatre theatre(stopping());
        theatre.train(2);
        theatre.operate(onAll(theatre, "agent.head"), 0);
        theatre.train(2);
        theatre.operate(planOf({{"agent.head", {1}}}), 1); // an older active neuron is knowledge
        Theatre plain(stopping());
        const at::NoGradGuard noGrad;
        const auto copy = [&](const std::string& to, const at::Tensor& value) {
            parameterNamed(plain.online(), to).value.copy_(value);
        };
        for (const Parameter* parameter : theatre.online().parameters().blocks()[0].parameters) {
            copy(parameter->name, parameter->value);
        }
        const auto& branches = siteNamed(theatre.online(), "agent.head").linear->branches();
        at::Tensor live = branches[0].activeWeight->value.detach().clone();
        live[1].copy_(branches[1].activeWeight->value[0]);
        copy("agent.head.weight", live);
        const at::Tensor inputs = someInputs(theatre);
        for (const char* name : {"agent.fc1.weight", "agent.gru.recurrent.weight"}) {
            const at::Tensor expected = gradientOf(plain.online(), name, inputs);
            QVERIFY(expected.abs().max().item<float>() > 1e-4F);
            QVERIFY(at::allclose(gradientOf(theatre.online(), name, inputs), expected, 1e-4, 1e-7));
        }
        Theatre passes(stopping(false));
        passes.train(2);
        passes.operate(onAll(passes, "agent.head"), 0);
        QVERIFY(!at::allclose(gradientOf(passes.online(), "agent.fc1.weight", inputs),
                              gradientOf(plain.online(), "agent.fc1.weight", inputs), 1e-2, 1e-5));
    }

    void gatesOfKnowledgePassNothing() {
        for (const bool stops : {true, false}) {
            Theatre theatre(stopping(stops));
            theatre.train(2);
            theatre.operate(onAll(theatre, "agent.gru"), 0);
            theatre.train(2);
            theatre.operate(planOf({{"agent.gru", {3}}}), 1);
            for (const GruBranch& branch : siteNamed(theatre.online(), "agent.gru").gru->branches()) {
                clear(branch.active.input); // no active neuron reads the layer before
            }
            const float largest =
                gradientOf(theatre.online(), "agent.fc1.weight", someInputs(theatre)).abs().max().item<float>();
            QCOMPARE(largest == 0.F, stops);
        }
    }

    void hiddenLayersPassOnWhatLearns() {
        ParameterSet parameters;
        CompositeLinear layer(parameters, "first", "second", {.in = 4, .hidden = 5, .out = 3}, 7);
        parameters.seal(Trainability::Trainable);
        layer.stopGradientOfFrozen();
        const auto born = [](std::int64_t n, std::uint64_t number) {
            return BranchValues{randomTensor({n, 4}, number), randomTensor({n}, number + 1),
                                randomTensor({3, n}, number + 2)};
        };
        layer.addComposites(parameters, 0, {1, 3}, born(2, 20), KnowledgeOut::Frozen);
        layer.addComposites(parameters, 1, {3}, born(1, 30), KnowledgeOut::Frozen);
        const at::AutoGradMode mode(true);
        const at::Tensor x = randomTensor({6, 4}, 40).requires_grad_(true);
        const at::Tensor weights = randomTensor({6, 3}, 50);
        layer.forward(x, nullptr).backward(weights);
        // Units 0, 2 and 4, the first active neuron of unit 1 and the second of unit 3.
        const at::Tensor own = at::tensor({0, 2, 4}, at::kLong);
        const auto& branches = layer.branches();
        const at::Tensor in = at::cat({layer.weight()->value.index_select(0, own),
                                       branches[0].activeIn->value.slice(0, 0, 1), branches[1].activeIn->value});
        const at::Tensor bias = at::cat({layer.bias()->value.index_select(0, own),
                                         branches[0].activeBias->value.slice(0, 0, 1), branches[1].activeBias->value});
        const at::Tensor out = at::cat({layer.out()->value.index_select(1, own),
                                        branches[0].activeOut->value.slice(1, 0, 1), branches[1].activeOut->value},
                                       1);
        const at::Tensor alone = x.detach().clone().requires_grad_(true);
        at::linear(at::relu(at::linear(alone, in, bias)), out).backward(weights);
        QVERIFY(at::allclose(x.grad(), alone.grad(), 1e-5, 1e-7));
    }
};

QTEST_APPLESS_MAIN(TestStopGradient)
#include "tst_stop_gradient.moc"
