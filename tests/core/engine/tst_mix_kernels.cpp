// SPDX-License-Identifier: GPL-3.0-or-later
// The kernels of QPLEX and QMIX say what their mixers say: joint values, gradients of the chosen values and of every
// parameter, activations; for any sizes, with and without composites, whatever the number of threads.
#include <algorithm>

#include <ATen/ATen.h>
#include <QTest>
#include <rapidcheck.h>

#include "core/nets/fused/feed_forward_kernel.h"
#include "core/nets/mixers/mix_kernel.h"
#include "engine_fixtures.h"
#include "mixer_checks.h"

using namespace knife;
using namespace knife::test;

namespace {

// Composites at every third unit of every willing site, one event after another. The active neurons of those that
// `learned` names have learnt something since; the others are as they were born.
void operate(FactorizedNet& net, const std::vector<bool>& learned) {
    for (int event = 0; event < static_cast<int>(learned.size()); ++event) {
        for (const Site& site : net.sites().all()) {
            if (site.composite == nullptr) {
                continue;
            }
            std::vector<int> units;
            for (int unit = event % site.units; unit < site.units; unit += 3) {
                units.push_back(unit);
            }
            const auto n = static_cast<std::int64_t>(units.size());
            const CompositeLinear::Shape& shape = site.composite->shape();
            const auto number = static_cast<std::uint64_t>(event);
            site.composite->addComposites(net.parameters(), event, units,
                                          {randomTensor({n, shape.in}, 10 + number), randomTensor({n}, 20 + number),
                                           randomTensor({shape.out, n}, 30 + number)},
                                          KnowledgeOut::Frozen);
            if (learned[static_cast<std::size_t>(event)]) {
                net.parameters().blocks()[net.parameters().blocks().size() - 2].value.mul_(1.1);
            }
        }
    }
}

MixInputs inputsOf(const JointView& view, const at::Tensor& q, const at::Tensor& best) {
    return {.q = q.data_ptr<float>(),
            .best = best.data_ptr<float>(),
            .actions = view.actions.data_ptr<std::int64_t>(),
            .state = view.state.data_ptr<float>(),
            .rows = view.rows()};
}

std::vector<at::Tensor> gradientsOf(const FactorizedNet& net) {
    std::vector<at::Tensor> gradients;
    for (const ParameterBlock& block : net.parameters().blocks()) {
        gradients.push_back(block.grad.defined() ? block.grad.clone() : at::zeros({1}));
    }
    return gradients;
}

SiteTaps tapsWithGradients(std::size_t sites) {
    SiteTaps taps(sites);
    for (SiteTap& tap : taps) {
        tap.wantsGradient = true;
    }
    return taps;
}

// What the passes left in the taps: activations, and after the backward pass their gradients.
std::vector<at::Tensor> recorded(const SiteTaps& taps) {
    std::vector<at::Tensor> all;
    const auto add = [&all](const at::Tensor& values) {
        if (values.defined()) {
            all.push_back(values.clone());
        }
    };
    for (const SiteTap& tap : taps) {
        add(tap.hidden);
        add(tap.gradient);
        for (const SiteTap::Branch& branch : tap.branches) {
            add(branch.active);
            add(branch.compensation);
            add(branch.gradient);
        }
    }
    return all;
}

/// All that one pass there and back gives: the joint values, dQ, the activations with their gradients, the gradients of
/// the parameters.
struct Outcome {
    at::Tensor joint;
    at::Tensor dQ;
    std::vector<at::Tensor> activations;
    std::vector<at::Tensor> gradients;
};

Outcome byGraph(FactorizedNet& net, const JointView& view, const at::Tensor& dJoint) {
    net.parameters().zeroGradients();
    JointView leaves = view;
    leaves.outputs = view.outputs.detach().clone().requires_grad_(true);
    SiteTaps taps = tapsWithGradients(net.sites().all().size());
    const at::Tensor joint = net.mixer().mix(leaves, &taps);
    (joint * dJoint).sum().backward();
    return {joint.detach(), valuesAt(leaves.outputs.grad(), view.actions), recorded(taps), gradientsOf(net)};
}

Outcome byKernel(FactorizedNet& net, const JointView& view, const at::Tensor& dJoint) {
    net.parameters().zeroGradients();
    const at::Tensor q = valuesAt(view.outputs, view.actions).contiguous();
    const at::Tensor best = valuesAt(view.outputs, greedyActions(view.outputs, view.unavailable)).contiguous();
    SiteTaps taps = tapsWithGradients(net.sites().all().size());
    Outcome outcome{at::empty({view.rows(), net.mixer().outputs()}), at::empty_like(q), {}, {}};
    net.mixKernel()->forward(inputsOf(view, q, best), outcome.joint.data_ptr<float>(), Keep::Gradient, &taps);
    net.mixKernel()->backward(dJoint.data_ptr<float>(), outcome.dQ.data_ptr<float>());
    outcome.activations = recorded(taps);
    outcome.gradients = gradientsOf(net);
    return outcome;
}

// Sums of terms near 1 may cancel: what rounding leaves is measured against the terms.
std::string difference(const char* what, const at::Tensor& a, const at::Tensor& b, double tolerance) {
    if (a.sizes() != b.sizes()) {
        return std::string(what) + ": other sizes";
    }
    const double scale = std::max(1.0, b.abs().max().item<double>());
    const double error = (a - b).abs().max().item<double>();
    return error <= tolerance * scale ? "" : QString("%1: %2 of %3").arg(what).arg(error).arg(scale).toStdString();
}

// What differs between kernel and graph, or nothing.
std::string complaint(const Outcome& kernel, const Outcome& graph) {
    std::string wrong =
        difference("joint", kernel.joint, graph.joint, 1e-5) + difference("dQ", kernel.dQ, graph.dQ, 1e-5);
    if (kernel.activations.size() != graph.activations.size() || kernel.gradients.size() != graph.gradients.size()) {
        return wrong + "other number of activations or gradients";
    }
    for (std::size_t i = 0; i < graph.activations.size(); ++i) {
        wrong += difference("activations", kernel.activations[i], graph.activations[i], 1e-5);
    }
    for (std::size_t i = 0; i < graph.gradients.size(); ++i) {
        wrong += difference("gradients", kernel.gradients[i], graph.gradients[i], 2e-5);
    }
    return wrong;
}

Setup setupOf(const std::string& mixer, int threads) {
    Setup setup;
    setup.mixer = mixer;
    setup.pool = std::make_shared<WorkerPool>(threads);
    return setup;
}

// Gradients of padded steps are 0.
at::Tensor someGradient(std::int64_t rows) {
    at::Tensor gradient = randomTensor({rows, 1}, 3);
    gradient.slice(0, rows - rows / 3, rows).zero_();
    return gradient;
}

std::string flag(bool value) {
    return value ? "true" : "false";
}

std::string anyQplex() {
    return "method = \"qplex\"\nhypernet_embed = " + std::to_string(*rc::gen::inRange(1, 20)) +
           "\nnum_kernel = " + std::to_string(*rc::gen::inRange(1, 5)) +
           "\nadv_hypernet_layers = " + std::to_string(*rc::gen::inRange(1, 4)) +
           "\nadv_hypernet_embed = " + std::to_string(*rc::gen::inRange(1, 20)) +
           "\nweighted_head = " + flag(*rc::gen::arbitrary<bool>()) +
           "\nis_minus_one = " + flag(*rc::gen::arbitrary<bool>()) +
           "\nis_stop_gradient = " + flag(*rc::gen::arbitrary<bool>());
}

std::string anyQmix() {
    return "method = \"qmix\"\nembed = " + std::to_string(*rc::gen::inRange(1, 20)) +
           "\nhypernet_layers = " + std::to_string(*rc::gen::inRange(1, 3)) +
           "\nhypernet_embed = " + std::to_string(*rc::gen::inRange(1, 20));
}

void checkAgreement(const std::string& mixer) {
    Setup setup = setupOf(mixer, 1);
    setup.spec.nAgents = *rc::gen::inRange(1, 6);
    setup.spec.nActions = *rc::gen::inRange(1, 6);
    setup.spec.stateDim = *rc::gen::inRange(1, 12);
    setup.seed = *rc::gen::inRange<std::uint64_t>(1, 1000);
    const auto net = buildNet(setup.net());
    RC_ASSERT(net->mixKernel() != nullptr);
    operate(*net, *rc::gen::resize(5, rc::gen::arbitrary<std::vector<bool>>()));
    const std::int64_t rows = *rc::gen::element<std::int64_t>(1, 3, 31, 64, 100, 600);
    const JointView view = someView(setup, *net, rows, setup.seed);
    const at::Tensor dJoint = someGradient(rows);
    const Outcome graph = byGraph(*net, view, dJoint);
    const std::string first = complaint(byKernel(*net, view, dJoint), graph);
    RC_ASSERT(first == "");
    // Buffers of a smaller pass in between leave nothing behind.
    (void)byKernel(*net, someView(setup, *net, 5, 9), someGradient(5));
    const std::string again = complaint(byKernel(*net, view, dJoint), graph);
    RC_ASSERT(again == "");
}

// What differs between a net with these hidden layers and its kernel, or nothing.
std::string complaintOfDepth(const std::vector<std::int64_t>& hidden) {
    ParameterSet parameters;
    SiteList sites;
    const FeedForward net({parameters, sites, 7}, "net", {.in = 6, .hidden = hidden, .out = 3});
    parameters.seal(Trainability::Trainable);
    const std::int64_t rows = 40;
    const at::Tensor x = randomTensor({rows, 6}, 1);
    const at::Tensor dy = randomTensor({rows, 3}, 2);
    SiteTaps taps = tapsWithGradients(sites.all().size());
    const at::Tensor y = net.forward(x, &taps);
    (y * dy).sum().backward();
    const Outcome graph{y.detach(), dy, recorded(taps), {parameters.blocks().front().grad.clone()}};
    parameters.zeroGradients();
    FeedForwardKernel kernel(net);
    Outcome outcome{at::empty({rows, 3}), dy, {}, {}};
    kernel.load(rows, {rows}, 1);
    kernel.forward(rows, 0, x.data_ptr<float>(), outcome.joint.data_ptr<float>());
    SiteTaps seen = tapsWithGradients(sites.all().size());
    kernel.tap(seen, rows);
    kernel.beginBackward(1);
    kernel.backward(rows, 0, 0, x.data_ptr<float>(), dy.data_ptr<float>());
    kernel.endBackward();
    outcome.activations = recorded(seen);
    outcome.gradients = {parameters.blocks().front().grad.clone()};
    return complaint(outcome, graph);
}

} // namespace

class TestMixKernels : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void qplexAgreesWithItsGraph() {
        QVERIFY(rc::check([] { checkAgreement(anyQplex()); }));
    }

    void qmixAgreesWithItsGraph() {
        QVERIFY(rc::check([] { checkAgreement(anyQmix()); }));
    }

    void netsOfAnyDepthAgree() {
        for (const std::vector<std::int64_t>& hidden :
             std::vector<std::vector<std::int64_t>>{{}, {5}, {5, 9}, {5, 9, 4}, {5, 9, 4, 8}, {5, 5, 5, 5, 5}}) {
            const std::string wrong = complaintOfDepth(hidden);
            QVERIFY2(wrong.empty(), wrong.c_str());
        }
    }

    void threadsChangeNoBit() {
        const std::string mixer = "method = \"qplex\"\nadv_hypernet_layers = 3\nadv_hypernet_embed = 12";
        std::vector<Outcome> outcomes;
        for (const int threads : {1, 2, 3}) {
            const Setup setup = setupOf(mixer, threads);
            const auto net = buildNet(setup.net());
            operate(*net, {true, false, true});
            outcomes.push_back(byKernel(*net, someView(setup, *net, 700, 1), someGradient(700)));
        }
        for (const Outcome& other : outcomes) {
            QVERIFY(sameBits(other.joint, outcomes.front().joint));
            QVERIFY(sameBits(other.dQ, outcomes.front().dQ));
            for (std::size_t i = 0; i < other.gradients.size(); ++i) {
                QVERIFY(sameBits(other.gradients[i], outcomes.front().gradients[i]));
            }
        }
    }

    // The joint values do not depend on what else a pass is asked to remember.
    void rememberingChangesNoBit() {
        const Setup setup = setupOf("method = \"qplex\"\nadv_hypernet_layers = 2", 1);
        const auto net = buildNet(setup.net());
        const JointView view = someView(setup, *net, 700, 1);
        const Outcome kept = byKernel(*net, view, someGradient(700));
        const at::Tensor q = valuesAt(view.outputs, view.actions).contiguous();
        const at::Tensor best = valuesAt(view.outputs, greedyActions(view.outputs, view.unavailable)).contiguous();
        const at::Tensor joint = at::empty({700, 1});
        net->mixKernel()->forward(inputsOf(view, q, best), joint.data_ptr<float>(), Keep::Nothing, nullptr);
        QVERIFY(sameBits(joint, kept.joint));
    }

    // Those of branches, too: an active neuron that leaves its compensation in one parameter has learned.
    void everyParameterOfQplexMatters() {
        const Setup setup = setupOf("method = \"qplex\"\nadv_hypernet_layers = 3\nadv_hypernet_embed = 12", 1);
        const auto net = buildNet(setup.net());
        operate(*net, {true, false});
        const JointView view = someView(setup, *net, 40, 1);
        const at::Tensor before = byKernel(*net, view, someGradient(40)).joint;
        for (const Parameter& parameter : net->parameters().all()) {
            if (parameter.name.rfind("mixer.", 0) != 0) {
                continue;
            }
            const at::NoGradGuard noGrad;
            at::Tensor value = parameter.value;
            value.add_(0.5);
            QVERIFY2(!sameBits(byKernel(*net, view, someGradient(40)).joint, before), parameter.name.c_str());
            value.sub_(0.5);
        }
    }
};

QTEST_APPLESS_MAIN(TestMixKernels)
#include "tst_mix_kernels.moc"
