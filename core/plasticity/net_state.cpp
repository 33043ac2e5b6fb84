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

// Calls visit(name, holder) for all that holds composites, in the order of parameter blocks of one event: sites, then
// layers. A layer whose units are a site is a layer.
template <typename Visit>
void eachHolder(const FactorizedNet& net, const Visit& visit) {
    for (const Site& site : net.sites().all()) {
        if (site.linear == nullptr) {
            visitHolder(site, [&](auto& holder) { visit(site.name, holder); });
        }
    }
    for (InjectedLinear* layer : net.sites().injectable()) {
        visit(layer->name(), *layer);
    }
}

void rebuildBranches(FactorizedNet& net, const std::vector<NetState::Branch>& branches) {
    eachHolder(net, [](const std::string&, auto& holder) { holder.dropBranches(); });
    net.parameters().truncate(1);
    for (const NetState::Branch& branch : branches) {
        TORCH_INTERNAL_ASSERT(addBranch(net, branch), branch.site);
    }
}

} // namespace

std::vector<NetState::Branch> branchesOf(const FactorizedNet& net) {
    std::vector<NetState::Branch> branches;
    eachHolder(net, [&](const std::string& name, const auto& holder) {
        for (const auto& branch : holder.branches()) {
            branches.push_back({name, branch.event, branch.units});
        }
    });
    for (const Site& site : net.sites().all()) {
        if (site.composite == nullptr) {
            continue;
        }
        for (const UnitClones::Event& clones : site.composite->clones().events()) {
            branches.push_back({site.name, clones.event, clones.groups.units, clones.groups.groups});
        }
    }
    std::ranges::stable_sort(branches, {}, &NetState::Branch::event);
    return branches;
}

bool addBranch(FactorizedNet& net, const NetState::Branch& branch) {
    if (InjectedLinear* layer = net.sites().findInjectable(branch.site)) {
        layer->addBranchStructure(net.parameters(), branch.event, branch.units);
        return true;
    }
    const Site* site = net.sites().find(branch.site);
    if (site == nullptr || !site->acceptsComposites()) {
        return false;
    }
    if (!branch.groups.empty()) {
        if (site->composite == nullptr) {
            return false;
        }
        site->composite->addClones(net.parameters(), branch.event, {branch.units, branch.groups});
        return true;
    }
    visitHolder(*site, [&](auto& holder) { holder.addBranchStructure(net.parameters(), branch.event, branch.units); });
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
