// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/network/probe.h"

#include <algorithm>

#include <ATen/ATen.h>

namespace knife {

ProbeBatch ProbeBatch::select(const std::vector<std::int64_t>& which, std::int64_t cutTo) const {
    const at::Tensor index = at::tensor(which, at::kLong).to(inputs.device());
    const auto chosen = static_cast<std::int64_t>(which.size());
    const auto part = [&](const at::Tensor& inTime, std::int64_t length) {
        return inTime.slice(0, 0, length).index_select(1, index).contiguous();
    };
    const auto rowsOf = [&](const at::Tensor& perRow) {
        return perRow.defined() ? part(perRow.view({steps, episodes, -1}), cutTo).view({cutTo * chosen, -1}) : perRow;
    };
    ProbeBatch selected{
        .seed = seed,
        .number = number,
        .steps = cutTo,
        .episodes = chosen,
        .agents = agents,
        .inputs =
            part(inputs.view({steps + 1, episodes, agents, -1}), cutTo + 1).view({cutTo + 1, chosen * agents, -1}),
        .state = part(state, cutTo + 1),
        .unavailable = part(unavailable, cutTo + 1),
        .actions = part(actions, cutTo),
        .valid = part(valid, cutTo),
        .targets = rowsOf(targets),
        .bootstrap = rowsOf(bootstrap),
        .returns = rowsOf(returns),
        .lengths = {}};
    for (const std::int64_t episode : which) {
        selected.lengths.push_back(std::min(lengths[static_cast<std::size_t>(episode)], static_cast<int>(cutTo)));
    }
    return selected;
}

at::Tensor ProbeBatch::weights() const {
    const at::Tensor column = valid.reshape({-1, 1});
    return column / column.sum();
}

at::Tensor ProbeBatch::alive() const {
    const at::Tensor available = unavailable.slice(0, 0, steps).logical_not();
    const std::int64_t choice = std::min<std::int64_t>(2, unavailable.size(3));
    return available.sum(3).ge(choice).logical_and(valid.unsqueeze(2).gt(0.5));
}

JointView viewOf(const ProbeBatch& probe, const FactorizedNet& net, const NetPass& pass) {
    const auto perAgent = [&](const at::Tensor& inTime) {
        return inTime.defined() ? inTime.slice(0, 0, probe.steps).reshape({probe.rows(), probe.agents, -1})
                                : at::Tensor();
    };
    JointView view{.steps = probe.steps,
                   .episodes = probe.episodes,
                   .outputs = perAgent(pass.agent.outputs),
                   .hidden = net.needs().hidden ? perAgent(pass.agent.hidden) : at::Tensor(),
                   .inputs = net.needs().inputs ? perAgent(probe.inputs) : at::Tensor(),
                   .state = probe.state.slice(0, 0, probe.steps).reshape({probe.rows(), -1}),
                   .unavailable = probe.unavailable.slice(0, 0, probe.steps).reshape({probe.rows(), probe.agents, -1}),
                   .actions = probe.actions.reshape({probe.rows(), probe.agents}),
                   .further = {},
                   .noise = {probe.seed, "mixer/noise", static_cast<std::uint64_t>(probe.number)}};
    for (const at::Tensor& outputs : pass.further) {
        view.further.push_back(perAgent(outputs));
    }
    return view;
}

namespace {

at::Tensor chosenBy(const FactorizedNet& net, const ProbeBatch& probe, const NetPass& pass) {
    at::Tensor memory;
    const at::Tensor values = net.mixer().choosesByOutputs()
                                  ? pass.agent.outputs
                                  : net.mixer().actionValues(pass.agent.outputs, pass.agent.hidden, memory);
    return values.reshape({probe.steps + 1, probe.episodes, probe.agents, -1});
}

} // namespace

NetReading read(const FactorizedNet& net, const ProbeBatch& probe) {
    const at::NoGradGuard noGrad;
    const NetPass pass = net.pass(probe.inputs, Keep::Nothing, nullptr);
    return {.values = chosenBy(net, probe, pass),
            .hidden = pass.agent.hidden,
            .qTot = net.mixer().expected(viewOf(probe, net, pass))};
}

NetReading read(const FactorizedNet& net, const ProbeBatch& probe, TdReading& td) {
    const at::NoGradGuard noGrad;
    td.taps = SiteTaps(net.sites().all().size());
    return read(net, probe, net.pass(probe.inputs, Keep::Nothing, &td.taps), td);
}

NetReading read(const FactorizedNet& net, const ProbeBatch& probe, const NetPass& pass, TdReading& td) {
    const at::NoGradGuard noGrad;
    td.view = viewOf(probe, net, pass);
    const MixerLoss loss = net.mixer().loss({.online = td.view,
                                             .targets = probe.targets,
                                             .bootstrap = probe.bootstrap,
                                             .weights = probe.weights(),
                                             .update = probe.number},
                                            &td.taps);
    td.joint = loss.joint;
    td.compared = loss.compared.defined() ? loss.compared : probe.targets;
    // A mixer with a fast path has the default loss and expectation: its joint value need not be mixed again.
    const bool mixed = net.mixKernel() != nullptr;
    return {.values = chosenBy(net, probe, pass),
            .hidden = pass.agent.hidden,
            .qTot = mixed ? td.joint.mean(1) : net.mixer().expected(td.view)};
}

} // namespace knife
