// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/operations/split_units.h"

#include <algorithm>

#include <ATen/ATen.h>
#include <fmt/format.h>

namespace knife {

namespace {

AgentGroups groupsOf(const SiteOperation& operation) {
    return {operation.units, operation.groups};
}

void settleClones(const UnitClones::Event& clones, const Parameter& weight, OptimiserPolicy policy) {
    const Parameter& rows = *clones.rows;
    if (policy == OptimiserPolicy::MeanFill) {
        rows.moment2.copy_(weight.moment2.mean(0, /*keepdim=*/true).expand_as(rows.moment2));
    } else if (policy == OptimiserPolicy::Keep) {
        const at::Tensor owners = at::tensor(clones.owners, at::kLong).to(weight.value.device());
        rows.moment1.copy_(weight.moment1.index_select(0, owners));
        rows.moment2.copy_(weight.moment2.index_select(0, owners));
    }
}

} // namespace

void describe(FieldVisitor&, SplitUnitsSettings&) {}

std::string refuseSplitting(const Site& site) {
    if (site.scope != SiteScope::Agent) {
        return site.name + " is no layer of agents, so there are no agents between which its units could be split";
    }
    if (site.composite == nullptr) {
        return site.name + " cannot give agents rows of their own; only layers that accept composites can";
    }
    return {};
}

bool isPlain(const CompositeLinear& layer, int unit) {
    return !layer.clones().has(unit) && std::ranges::none_of(layer.branches(), [unit](const CompositeBranch& branch) {
        return std::ranges::binary_search(branch.units, unit);
    });
}

Result<void> SplitUnits::check(const SurgeryPlan& plan, const FactorizedNet& net) const {
    if (!plan.modules.empty()) {
        return fail(ErrorCode::Usage, "units are split; the plan names whole modules");
    }
    const std::int64_t agents = net.spec().mixerShape.agents;
    for (const SiteOperation& operation : plan.operations) {
        const Site& site = *net.sites().find(operation.site);
        if (std::string refusal = refuseSplitting(site); !refusal.empty()) {
            return fail(ErrorCode::Unsupported, std::move(refusal));
        }
        if (!areSound(groupsOf(operation), agents)) {
            return fail(ErrorCode::Usage, fmt::format("site \"{}\" needs a group, from 0 on, for each of {} agents and "
                                                      "every unit, and at least two groups",
                                                      site.name, agents));
        }
        const auto taken =
            std::ranges::find_if_not(operation.units, [&](int unit) { return isPlain(*site.composite, unit); });
        if (taken != operation.units.end()) {
            return fail(ErrorCode::Unsupported,
                        fmt::format("unit {} of site \"{}\" is a composite or has been split", *taken, site.name));
        }
    }
    return {};
}

void SplitUnits::apply(FactorizedNet& net, const SurgeryPlan& plan, const SurgeryDraws& draws) const {
    visitOperated(net, plan, [&](const Site& site, const SiteOperation& operation) {
        site.composite->addClones(net.parameters(), draws.event, groupsOf(operation));
        if (net.parameters().use() == ParameterUse::Trained) {
            settleClones(site.composite->clones().events().back(), *site.weight, plan.optimiser);
        }
    });
}

std::vector<SiteReceipt> SplitUnits::receipts(const FactorizedNet& net, const SurgeryPlan& plan) const {
    std::vector<SiteReceipt> receipts;
    for (const SiteOperation& operation : plan.operations) {
        const std::int64_t added =
            groupsOf(operation).clones() * net.sites().find(operation.site)->composite->shape().in;
        receipts.push_back({.site = operation.site,
                            .units = operation.units,
                            .kind = "split",
                            .ruaBefore = {},
                            .trainableParameters = added});
    }
    return receipts;
}

} // namespace knife
