// SPDX-License-Identifier: GPL-3.0-or-later
#include "theatre.h"

#include <cmath>
#include <stdexcept>

#include <ATen/ATen.h>

#include "core/plasticity/network/features.h"

namespace knife::test {

void Theatre::train(int updates, const UpdateListeners& listeners) {
    for (int i = 0; i < updates; ++i) {
        Batch next = batch(trained);
        next.number = static_cast<std::int64_t>(trained++);
        if (auto updated = learner->update(next, listeners); !updated) {
            throw std::runtime_error(updated.error().describe());
        }
        surgeon.forgetUndo();
    }
}

std::vector<SiteReceipt> Theatre::operate(const SurgeryPlan& plan, std::int64_t event) {
    auto receipts = surgeon.apply(plan, event);
    if (!receipts) {
        throw std::runtime_error(receipts.error().describe());
    }
    return *receipts;
}

SiteInputsOf Theatre::readBy(const Setup& setup, const Learner& learner) {
    return [setup, &learner](const FactorizedNet& net) {
        const Batch batch = setup.batch(randomEpisodes(setup.spec, std::vector<int>(40, 8), 77));
        const Learner::Targets targets =
            learner.targets(batch, learner.online().pass(batch.inputs, Keep::Nothing, nullptr));
        return siteInputs(net, {.seed = setup.seed,
                                .number = 0,
                                .steps = batch.steps,
                                .episodes = batch.episodes,
                                .agents = batch.agents,
                                .inputs = batch.inputs,
                                .state = batch.state,
                                .unavailable = batch.unavailable,
                                .actions = batch.actions,
                                .valid = batch.valid,
                                .targets = targets.values,
                                .bootstrap = targets.bootstrap.slice(0, 0, batch.steps * batch.episodes),
                                .returns = {},
                                .lengths = batch.lengths});
    };
}

OutputChange Theatre::measure(const SurgeryPlan& plan, std::int64_t event) {
    const Batch held = batch(900 + static_cast<std::uint64_t>(event));
    const Probe before = learner->probe(held);
    operate(plan, event);
    return Learner::difference(before, learner->probe(held));
}

std::vector<const Site*> Theatre::willing() const {
    std::vector<const Site*> sites;
    for (const Site& site : learner->online().sites().all()) {
        if (site.composite != nullptr) {
            sites.push_back(&site);
        }
    }
    return sites;
}

Setup brisk(const std::string& kind, const std::string& mixer) {
    Setup setup;
    setup.agentKind = kind;
    setup.mixer = mixer;
    setup.learning.lr = 5e-3;
    setup.learning.tdLambda = 0.6;
    return setup;
}

std::string complaint(const OutputChange& change, const std::string& where) {
    return where + ": q " + std::to_string(change.q) + ", q_tot " + std::to_string(change.qTot) + ", target " +
           std::to_string(change.targetQTot) + ", loss " + std::to_string(change.loss);
}

Theatre measuringRoom(const Theatre& trained) {
    Setup setup = trained.setup;
    setup.learning.doubleQ = false; // its choice would jump with the online network
    setup.learning.gradClip = 1e30;
    setup.learning.lr = 0.0;
    Theatre theatre(setup);
    theatre.online().parameters().copyValuesFrom(trained.online().parameters());
    return theatre;
}

std::string wrongSlope(const Theatre& theatre, const Parameter& parameter, const Batch& batch) {
    at::Tensor direction = randomTensor(parameter.value.sizes().vec(), 12);
    direction.div_(direction.norm());
    const double slope = (parameter.grad * direction).sum().item<double>();
    constexpr double kStep = 1e-3; // small beside the distance to the next kink of a ReLU
    const at::Tensor value = parameter.value.detach();
    const auto lossAt = [&](double step) {
        value.add_(direction, step);
        const double loss = theatre.learner->probe(batch).loss;
        value.add_(direction, -step);
        return loss;
    };
    const double expected = (lossAt(kStep) - lossAt(-kStep)) / (2 * kStep);
    const double allowed = 0.02 * std::abs(expected) + 2e-4 * theatre.learner->probe(batch).loss;
    return std::abs(slope - expected) < allowed
               ? std::string()
               : parameter.name + ": " + std::to_string(slope) + " instead of " + std::to_string(expected);
}

std::string whatChanges(Theatre& theatre, const SurgeryPlan& plan, std::int64_t event) {
    const Batch batch = theatre.batch(900 + static_cast<std::uint64_t>(event));
    const std::int64_t agents = theatre.setup.spec.nAgents;
    const at::Tensor rows = randomTensor({agents, theatre.setup.layout().width()}, 6);
    const auto act = [&] {
        const at::NoGradGuard noGrad;
        at::Tensor memory = theatre.online().agent().initialMemory(agents);
        return theatre.online().agent().act(rows, memory).outputs;
    };
    const Probe before = theatre.learner->probe(batch);
    const at::Tensor actedBefore = act();
    const auto receipts = theatre.operate(plan, event);
    const Probe after = theatre.learner->probe(batch);
    const std::string where =
        (plan.operations.empty() ? plan.modules : std::vector<std::string>{plan.operations.front().site}).front() +
        ", event " + std::to_string(event);
    if (receipts.size() != plan.operations.size() + plan.modules.size()) {
        return where + ": " + std::to_string(receipts.size()) + " receipts";
    }
    const OutputChange change = Learner::difference(before, after);
    if (change.max() != 0.0) { // NaN included
        return complaint(change, where);
    }
    const bool same = sameBits(before.q, after.q) && sameBits(before.qTot, after.qTot) &&
                      sameBits(before.targetQTot, after.targetQTot) && before.loss == after.loss;
    return same && sameBits(actedBefore, act()) ? std::string() : where + ": other bits";
}

} // namespace knife::test
