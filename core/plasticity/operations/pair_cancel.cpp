// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/operations/pair_cancel.h"

#include <algorithm>
#include <cstring>

#include <ATen/ATen.h>

#include "core/plasticity/net_state.h"

namespace knife {

namespace {

bool sameBits(const Parameter& a, const Parameter& b) {
    const at::Tensor first = a.value.detach().cpu().contiguous();
    const at::Tensor second = b.value.detach().cpu().contiguous();
    return std::memcmp(first.data_ptr<float>(), second.data_ptr<float>(),
                       static_cast<std::size_t>(first.numel()) * sizeof(float)) == 0;
}

bool cancels(const CompositeBranch& branch) {
    return std::ranges::all_of(branch.superseded, [](char superseded) { return superseded != 0; }) &&
           sameBits(*branch.activeIn, *branch.compensationIn) &&
           sameBits(*branch.activeBias, *branch.compensationBias) &&
           sameBits(*branch.activeOut, *branch.compensationOut);
}

bool cancels(const InjectedLinear::Branch& branch) {
    return sameBits(*branch.activeWeight, *branch.compensationWeight) &&
           sameBits(*branch.activeBias, *branch.compensationBias);
}

} // namespace

void cancelPairs(FactorizedNet& online, FactorizedNet& target) {
    std::vector<NetState::Branch> dropped;
    for (const Site& site : online.sites().all()) {
        if (site.composite == nullptr) {
            continue;
        }
        for (const CompositeBranch& branch : site.composite->branches()) {
            if (cancels(branch)) {
                dropped.push_back({site.name, branch.event, branch.units});
            }
        }
    }
    for (const InjectedLinear* layer : online.sites().injectable()) {
        const auto& branches = layer->branches();
        for (std::size_t e = 0; e + 1 < branches.size(); ++e) { // the newest one learns
            if (cancels(branches[e])) {
                dropped.push_back({layer->name(), branches[e].event, {}});
            }
        }
    }
    if (!dropped.empty()) {
        takeOut(online, dropped);
        takeOut(target, dropped);
    }
}

} // namespace knife
