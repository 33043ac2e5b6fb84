// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/operations/pair_cancel.h"

#include <algorithm>
#include <cstring>
#include <numeric>

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

bool asBorn(const CompositeBranch& branch) {
    return sameBits(*branch.activeIn, *branch.compensationIn) &&
           sameBits(*branch.activeBias, *branch.compensationBias) &&
           sameBits(*branch.activeOut, *branch.compensationOut);
}

bool asBorn(const GruBranch& branch) {
    return std::ranges::equal(branch.active.all(), branch.compensation.all(),
                              [](const Parameter* a, const Parameter* b) { return sameBits(*a, *b); });
}

template <typename Branch>
void collect(const std::string& site, const std::vector<Branch>& branches, std::vector<NetState::Branch>& out) {
    for (const Branch& branch : branches) {
        const bool frozen = std::ranges::all_of(branch.superseded, [](char superseded) { return superseded != 0; });
        if (frozen && asBorn(branch)) {
            out.push_back({site, branch.event, branch.units});
        }
    }
}

// Whether every unit of a branch learns in a later one.
bool isSuperseded(const InjectedLinear& layer, std::size_t branch) {
    const auto& branches = layer.branches();
    const auto learnsLater = [&](int unit) {
        return std::any_of(branches.begin() + static_cast<std::ptrdiff_t>(branch) + 1, branches.end(),
                           [unit](const InjectedLinear::Branch& later) {
                               return later.units.empty() || std::ranges::binary_search(later.units, unit);
                           });
    };
    std::vector<int> units = branches[branch].units;
    if (units.empty()) {
        units.resize(static_cast<std::size_t>(layer.units()));
        std::iota(units.begin(), units.end(), 0);
    }
    return std::ranges::all_of(units, learnsLater);
}

bool asBorn(const InjectedLinear::Branch& branch) {
    return sameBits(*branch.activeWeight, *branch.compensationWeight) &&
           sameBits(*branch.activeBias, *branch.compensationBias);
}

} // namespace

void cancelPairs(FactorizedNet& online, FactorizedNet& target) {
    std::vector<NetState::Branch> dropped;
    for (const Site& site : online.sites().all()) {
        if (site.composite != nullptr) {
            collect(site.name, site.composite->branches(), dropped);
        } else if (site.gru != nullptr) {
            collect(site.name, site.gru->branches(), dropped);
        }
    }
    for (const InjectedLinear* layer : online.sites().injectable()) {
        const auto& branches = layer->branches();
        for (std::size_t e = 0; e < branches.size(); ++e) {
            if (isSuperseded(*layer, e) && asBorn(branches[e])) {
                dropped.push_back({layer->name(), branches[e].event, branches[e].units});
            }
        }
    }
    if (!dropped.empty()) {
        takeOut(online, dropped);
        takeOut(target, dropped);
    }
}

} // namespace knife
