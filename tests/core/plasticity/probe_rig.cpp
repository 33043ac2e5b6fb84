// SPDX-License-Identifier: GPL-3.0-or-later
#include "probe_rig.h"

#include <stdexcept>

#include <ATen/ATen.h>

namespace knife::test {

namespace {

RunPlan planOf(const Setup& setup, const DiagnosticsConfig& config) {
    RunPlan plan;
    plan.experiment.agent = setup.agent;
    plan.experiment.learning = setup.learning;
    plan.experiment.diagnostics = config;
    plan.spec = setup.spec;
    return plan;
}

} // namespace

ProbeRig::ProbeRig(const Setup& setup, const Episodes& episodes, const DiagnosticsConfig& config)
    : m_setup(setup), m_config(config), m_spec(setup.net()), m_learner(setup.learner()) {
    for (const auto& episode : episodes) {
        m_replay.add(episode);
    }
    m_probe = std::make_unique<NetworkProbe>(planOf(setup, config), m_spec, *m_learner, m_replay);
}

std::map<std::string, double> ProbeRig::measure(const std::string& diagnostic) {
    return measure(diagnostic, batch());
}

std::map<std::string, double> ProbeRig::measure(const std::string& diagnostic, const ProbeBatch& probe) {
    TdReading td;
    const NetReading reading = read(m_learner->online(), probe, td);
    const LearningConfig learning = m_setup.learning;
    const auto newOptimiser = [learning] {
        return [optimiser = Optimiser(learning)](ParameterSet& parameters) mutable {
            const at::NoGradGuard noGrad;
            optimiser.step(parameters);
        };
    };
    const auto values = makeNetworkDiagnostic(diagnostic, m_config)
                            ->measure({.spec = m_spec,
                                       .online = m_learner->online(),
                                       .target = m_learner->target(),
                                       .probe = probe,
                                       .reading = reading,
                                       .td = td,
                                       .update = 0,
                                       .seed = m_spec.seed,
                                       .newOptimiser = newOptimiser});
    if (!values) {
        throw std::runtime_error(values.error().describe());
    }
    std::map<std::string, double> byName;
    for (const NetworkValue& value : *values) {
        if (!byName.emplace(value.name, value.value).second) {
            throw std::runtime_error(value.name + " is there twice");
        }
    }
    return byName;
}

ProbeBatch padded(const ProbeBatch& probe, std::int64_t steps) {
    const auto after = [&](const at::Tensor& inTime, double filling) {
        auto sizes = inTime.sizes().vec();
        sizes[0] = steps;
        return at::cat({inTime, at::full(sizes, filling, inTime.options())});
    };
    const auto afterRows = [&](const at::Tensor& perRow, double filling) {
        return after(perRow.view({probe.steps, probe.episodes, -1}), filling)
            .view({(probe.steps + steps) * probe.episodes, -1});
    };
    ProbeBatch longer = probe;
    longer.steps += steps;
    longer.inputs = after(probe.inputs, 7.0);
    longer.state = after(probe.state, -3.0);
    longer.unavailable = after(probe.unavailable, 0.0);
    longer.actions = after(probe.actions, 0.0);
    longer.valid = after(probe.valid, 0.0);
    longer.targets = afterRows(probe.targets, 0.0);
    longer.bootstrap = afterRows(probe.bootstrap, 0.0);
    longer.returns = afterRows(probe.returns, 0.0);
    return longer;
}

void addComposites(FactorizedNet& net, const std::string& site, std::int64_t event, const std::vector<int>& units) {
    const at::NoGradGuard noGrad;
    CompositeLinear& layer = *siteNamed(net, site).composite;
    const at::Tensor index = at::tensor(std::vector<std::int64_t>(units.begin(), units.end()), at::kLong);
    layer.addComposites(net.parameters(), event, units,
                        {layer.weight()->value.index_select(0, index), layer.bias()->value.index_select(0, index),
                         layer.out()->value.index_select(1, index)},
                        KnowledgeOut::Frozen);
}

} // namespace knife::test
