// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/net_state.h"

#include <algorithm>
#include <tuple>

#include <ATen/ATen.h>

namespace knife {

namespace {

at::Tensor copyOf(const at::Tensor& tensor) {
    return tensor.defined() ? tensor.detach().clone() : at::Tensor();
}

void restore(const at::Tensor& tensor, const at::Tensor& value) {
    if (tensor.defined()) {
        tensor.copy_(value);
    }
}

void rebuildBranches(FactorizedNet& net, const std::vector<NetState::Branch>& branches) {
    for (const Site& site : net.sites().all()) {
        if (site.composite != nullptr) {
            site.composite->dropBranches();
        }
    }
    for (InjectedLinear* layer : net.sites().injectable()) {
        layer->dropBranches();
    }
    net.parameters().truncate(1);
    for (const NetState::Branch& branch : branches) {
        TORCH_INTERNAL_ASSERT(addBranch(net, branch), branch.site);
    }
}

} // namespace

std::vector<NetState::Branch> branchesOf(const FactorizedNet& net) {
    std::vector<NetState::Branch> branches;
    for (const Site& site : net.sites().all()) {
        if (site.composite != nullptr) {
            for (const CompositeBranch& branch : site.composite->branches()) {
                branches.push_back({site.name, branch.event, branch.units});
            }
            for (const UnitClones::Event& clones : site.composite->clones().events()) {
                branches.push_back({site.name, clones.event, clones.groups.units, clones.groups.groups});
            }
        }
    }
    for (const InjectedLinear* layer : net.sites().injectable()) {
        for (const InjectedLinear::Branch& branch : layer->branches()) {
            branches.push_back({layer->name(), branch.event, {}});
        }
    }
    std::ranges::stable_sort(branches, {}, &NetState::Branch::event);
    return branches;
}

bool addBranch(FactorizedNet& net, const NetState::Branch& branch) {
    if (InjectedLinear* layer = net.sites().findInjectable(branch.site)) {
        layer->addBranchStructure(net.parameters(), branch.event);
        return branch.units.empty();
    }
    const Site* site = net.sites().find(branch.site);
    if (site == nullptr || site->composite == nullptr) {
        return false;
    }
    if (!branch.groups.empty()) {
        site->composite->addClones(net.parameters(), branch.event, {branch.units, branch.groups});
    } else {
        site->composite->addBranchStructure(net.parameters(), branch.event, branch.units);
    }
    return true;
}

NetState captureState(const FactorizedNet& net) {
    NetState state{.blocks = {}, .branches = branchesOf(net)};
    for (const ParameterBlock& block : net.parameters().blocks()) {
        state.blocks.push_back(
            {copyOf(block.value), copyOf(block.mask), copyOf(block.moment1), copyOf(block.moment2), block.anyFrozen});
    }
    return state;
}

void restoreState(FactorizedNet& net, const NetState& state) {
    const at::NoGradGuard noGrad;
    if (branchesOf(net) != state.branches) {
        rebuildBranches(net, state.branches);
    }
    for (std::size_t i = 0; i < state.blocks.size(); ++i) {
        ParameterBlock& block = net.parameters().blocks()[i];
        restore(block.value, state.blocks[i].value);
        restore(block.mask, state.blocks[i].mask);
        restore(block.moment1, state.blocks[i].moment1);
        restore(block.moment2, state.blocks[i].moment2);
        block.anyFrozen = state.blocks[i].anyFrozen;
    }
}

void takeOut(FactorizedNet& net, const std::vector<NetState::Branch>& dropped) {
    NetState state = captureState(net);
    NetState kept{.blocks = {state.blocks.front()}, .branches = {}};
    for (std::size_t i = 0; i < state.branches.size(); ++i) {
        if (std::ranges::find(dropped, state.branches[i]) == dropped.end()) {
            kept.branches.push_back(state.branches[i]);
            kept.blocks.push_back(state.blocks[1 + 2 * i]);
            kept.blocks.push_back(state.blocks[2 + 2 * i]);
        }
    }
    restoreState(net, kept);
}

} // namespace knife
