// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/network/features.h"

#include <ATen/ATen.h>

namespace knife {

namespace {

constexpr const char* kMemory = "agent.memory";

// Which of the rows are real, at most kFeatureRows of them in equal steps.
at::Tensor rowsToTake(const at::Tensor& real) {
    const at::Tensor all = at::nonzero(real.reshape({-1})).squeeze(1);
    const std::int64_t count = all.size(0);
    if (count <= kFeatureRows) {
        return all;
    }
    const at::Tensor steps = at::arange(kFeatureRows, all.options()) * count;
    return all.index_select(0, at::floor_divide(steps, kFeatureRows));
}

} // namespace

at::Tensor liveActivations(const Site& site, const SiteTap& tap) {
    if (site.composite == nullptr || tap.branches.empty()) {
        return tap.hidden;
    }
    at::Tensor live = tap.hidden.clone();
    for (std::size_t e = 0; e < tap.branches.size(); ++e) {
        const CompositeBranch& branch = site.composite->branches()[e];
        for (std::size_t k = 0; k < branch.units.size(); ++k) {
            if (branch.superseded[k] == 0) {
                live.select(1, branch.units[k]).copy_(tap.branches[e].active.select(1, static_cast<std::int64_t>(k)));
            }
        }
    }
    return live;
}

std::vector<Features> featuresOf(const FactorizedNet& net, const ProbeBatch& probe, const NetReading& reading,
                                 const SiteTaps& taps) {
    const at::NoGradGuard noGrad;
    const at::Tensor agentRows = rowsToTake(probe.alive());
    const at::Tensor mixerRows = rowsToTake(probe.valid.gt(0.5));
    std::vector<Features> features;
    for (std::size_t i = 0; i < taps.size(); ++i) {
        const Site& site = net.sites().all()[i];
        if (taps[i].hidden.defined()) {
            const at::Tensor& rows = site.scope == SiteScope::Agent ? agentRows : mixerRows;
            features.push_back({site.name, liveActivations(site, taps[i]).index_select(0, rows)});
        }
    }
    if (reading.hidden.defined() && net.sites().find(kMemory) == nullptr) {
        const at::Tensor memory = reading.hidden.reshape({-1, reading.hidden.size(-1)});
        features.push_back({kMemory, memory.index_select(0, agentRows)});
    }
    return features;
}

std::vector<at::Tensor> siteInputs(const FactorizedNet& net, const ProbeBatch& probe) {
    const at::NoGradGuard noGrad;
    TdReading td;
    td.taps = SiteTaps(net.sites().all().size());
    for (SiteTap& tap : td.taps) {
        tap.wantsGradient = true; // and with it the input
    }
    (void)read(net, probe, net.pass(probe.inputs, Keep::Nothing, &td.taps), td);
    const at::Tensor mixerRows = rowsToTake(probe.valid.gt(0.5));
    const at::Tensor agentRows = rowsToTake(probe.valid.gt(0.5).unsqueeze(2).expand({-1, -1, probe.agents}));
    std::vector<at::Tensor> inputs;
    for (std::size_t i = 0; i < td.taps.size(); ++i) {
        const bool ofAgents = net.sites().all()[i].scope == SiteScope::Agent;
        const at::Tensor& input = td.taps[i].input;
        inputs.push_back(input.defined() ? input.index_select(0, ofAgents ? agentRows : mixerRows) : input);
    }
    return inputs;
}

} // namespace knife
