// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/operations/pair_cancel.h"

#include <algorithm>
#include <cstring>

#include <ATen/ATen.h>

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

} // namespace

std::vector<NetState::Branch> cancelPairs(FactorizedNet& online, FactorizedNet& target) {
    std::vector<NetState::Branch> dropped;
    for (const Site& site : online.sites().all()) {
        if (site.composite != nullptr) {
            collect(site.name, site.composite->branches(), dropped);
        } else if (site.gru != nullptr) {
            collect(site.name, site.gru->branches(), dropped);
        }
    }
    if (!dropped.empty()) {
        takeOut(online, dropped);
        takeOut(target, dropped);
    }
    return dropped;
}

} // namespace knife
