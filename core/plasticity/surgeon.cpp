// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/surgeon.h"

#include <algorithm>
#include <utility>

#include <ATen/ATen.h>
#include <fmt/format.h>

#include "core/nets/module_parameters.h"

namespace knife {

namespace {

Result<void> checkUnits(const SiteOperation& operation, const Site& site) {
    for (std::size_t i = 0; i < operation.units.size(); ++i) {
        const int unit = operation.units[i];
        if (unit < 0 || unit >= site.units) {
            return fail(ErrorCode::Usage,
                        fmt::format("site \"{}\" has units 0 to {}, not {}", site.name, site.units - 1, unit));
        }
        if (i > 0 && operation.units[i - 1] >= unit) {
            return fail(ErrorCode::Usage, fmt::format("units of site \"{}\" must ascend without repeats", site.name));
        }
    }
    const auto fits = [&](std::size_t size) {
        return size == 0 || size == operation.units.size();
    };
    if (!fits(operation.values.size()) || !fits(operation.partners.size())) {
        return fail(ErrorCode::Usage,
                    fmt::format("site \"{}\" needs one value and one partner per unit, or none", site.name));
    }
    return {};
}

Result<void> checkPlaces(const SurgeryPlan& plan, const FactorizedNet& net) {
    std::vector<std::string> seen;
    for (const SiteOperation& operation : plan.operations) {
        const Site* site = net.sites().find(operation.site);
        if (site == nullptr) {
            return fail(ErrorCode::Usage, fmt::format("the network has no site \"{}\"", operation.site));
        }
        if (std::ranges::find(seen, operation.site) != seen.end()) {
            return fail(ErrorCode::Usage, fmt::format("the plan names site \"{}\" twice", operation.site));
        }
        seen.push_back(operation.site);
        if (auto sound = checkUnits(operation, *site); !sound) {
            return sound;
        }
    }
    for (const std::string& module : plan.modules) {
        if (parametersOf(net.parameters(), module).empty()) {
            return fail(ErrorCode::Usage, fmt::format("the network has no parameters \"{}\"", module));
        }
    }
    return {};
}

void clearMoments(ParameterSet& parameters) {
    for (ParameterBlock& block : parameters.blocks()) {
        if (block.moment1.defined()) {
            block.moment1.zero_();
            block.moment2.zero_();
        }
    }
}

} // namespace

Surgeon::Surgeon(FactorizedNet& online, FactorizedNet& target, std::uint64_t seed)
    : m_online(online), m_target(target), m_seed(seed) {}

Result<std::unique_ptr<Operation>> Surgeon::checked(const SurgeryPlan& plan) const {
    if (plan.empty()) {
        return fail(ErrorCode::Usage, "the surgery plan names no units");
    }
    if (auto sound = checkPlaces(plan, m_online); !sound) {
        return tl::unexpected(sound.error());
    }
    auto operation = makeOperation(plan);
    if (!operation) {
        return operation;
    }
    if (auto possible = (*operation)->check(plan, m_online); !possible) {
        return tl::unexpected(possible.error());
    }
    if ((*operation)->addsParameters() && plan.target == TargetPolicy::None) {
        return fail(ErrorCode::Usage, "this surgery adds parameters, so the target network cannot be left out of it");
    }
    return operation;
}

Result<void> Surgeon::check(const SurgeryPlan& plan) const {
    return checked(plan).map([](const std::unique_ptr<Operation>&) {});
}

Result<std::vector<SiteReceipt>> Surgeon::apply(const SurgeryPlan& plan, std::int64_t event) {
    const auto operation = checked(plan);
    if (!operation) {
        return tl::unexpected(operation.error());
    }
    const at::NoGradGuard noGrad;
    Undo undo{.online = remember(m_online), .target = remember(m_target)};
    const SurgeryDraws draws{.seed = m_seed, .event = event};
    (*operation)->apply(m_online, plan, draws);
    if (plan.target != TargetPolicy::None) {
        (*operation)->apply(m_target, plan, draws);
    }
    if (plan.target == TargetPolicy::HardSync) {
        m_target.parameters().copyValuesFrom(m_online.parameters());
    }
    if (plan.optimiser == OptimiserPolicy::ResetAll) {
        clearMoments(m_online.parameters());
    }
    m_undo = std::move(undo);
    return (*operation)->receipts(m_online, plan);
}

Surgeon::NetState Surgeon::remember(const FactorizedNet& net) {
    NetState state;
    const auto copy = [](const at::Tensor& tensor) {
        return tensor.defined() ? tensor.detach().clone() : at::Tensor();
    };
    for (const ParameterBlock& block : net.parameters().blocks()) {
        state.blocks.push_back(
            {copy(block.value), copy(block.mask), copy(block.moment1), copy(block.moment2), block.anyFrozen});
    }
    for (const Site& site : net.sites().all()) {
        state.branches.push_back(site.composite != nullptr ? site.composite->branches().size() : 0);
    }
    return state;
}

void Surgeon::revert(FactorizedNet& net, const NetState& state) {
    const auto& sites = net.sites().all();
    for (std::size_t i = sites.size(); i-- > 0;) {
        while (sites[i].composite != nullptr && sites[i].composite->branches().size() > state.branches[i]) {
            sites[i].composite->dropNewestBranch();
        }
    }
    net.parameters().truncate(state.blocks.size());
    const auto restore = [](const at::Tensor& tensor, const at::Tensor& value) {
        if (tensor.defined()) {
            tensor.copy_(value);
        }
    };
    for (std::size_t i = 0; i < state.blocks.size(); ++i) {
        ParameterBlock& block = net.parameters().blocks()[i];
        restore(block.value, state.blocks[i].value);
        restore(block.mask, state.blocks[i].mask);
        restore(block.moment1, state.blocks[i].moment1);
        restore(block.moment2, state.blocks[i].moment2);
        block.anyFrozen = state.blocks[i].anyFrozen;
    }
}

bool Surgeon::undo() {
    if (!m_undo) {
        return false;
    }
    const at::NoGradGuard noGrad;
    revert(m_online, m_undo->online);
    revert(m_target, m_undo->target);
    m_undo.reset();
    return true;
}

} // namespace knife
