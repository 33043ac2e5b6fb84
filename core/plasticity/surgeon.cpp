// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/surgeon.h"

#include <algorithm>
#include <utility>

#include <ATen/ATen.h>
#include <fmt/format.h>

#include "core/nets/module_parameters.h"
#include "core/plasticity/operations/pair_cancel.h"

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

// Every neuron of a branch stands for two frozen ones: its compensation, and the knowledge whose place it takes. A
// clone stands for the row that it was born as.
std::int64_t frozenBehind(const NetState::Branch& branch, const FactorizedNet& net) {
    if (!branch.groups.empty()) {
        const AgentGroups groups{branch.units, branch.groups};
        return groups.clones() * net.sites().find(branch.site)->composite->shape().in;
    }
    if (const InjectedLinear* layer = net.sites().findInjectable(branch.site)) {
        const std::int64_t units =
            branch.units.empty() ? layer->units() : static_cast<std::int64_t>(branch.units.size());
        return 2 * layer->parametersPerUnit() * units;
    }
    std::int64_t perUnit = 0;
    visitHolder(*net.sites().find(branch.site), [&](const auto& holder) { perUnit = holder.parametersPerUnit(); });
    return 2 * perUnit * static_cast<std::int64_t>(branch.units.size());
}

void countFrozen(const std::vector<NetState::Branch>& before, const FactorizedNet& net,
                 std::vector<SiteReceipt>& receipts) {
    const auto frozenAt = [&net](const std::vector<NetState::Branch>& branches, const std::string& place) {
        std::int64_t count = 0;
        for (const NetState::Branch& branch : branches) {
            count += branch.site == place ? frozenBehind(branch, net) : 0;
        }
        return count;
    };
    const std::vector<NetState::Branch> after = branchesOf(net);
    for (SiteReceipt& receipt : receipts) {
        receipt.frozenParameters = frozenAt(after, receipt.site) - frozenAt(before, receipt.site);
    }
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

Surgeon::Surgeon(FactorizedNet& online, FactorizedNet& target, std::uint64_t seed, SiteInputsOf inputs)
    : m_online(online), m_target(target), m_seed(seed), m_inputs(std::move(inputs)) {}

Result<std::unique_ptr<Operation>> Surgeon::checked(const SurgeryPlan& plan) const {
    if (plan.empty()) {
        return fail(ErrorCode::Usage, "the surgery plan names no units");
    }
    if (auto sound = checkPlaces(plan, m_online); !sound) {
        return tl::unexpected(sound.error());
    }
    auto operation = makeOperation(plan, m_inputs);
    if (!operation) {
        return operation;
    }
    if (auto possible = (*operation)->check(plan, m_online); !possible) {
        return tl::unexpected(possible.error());
    }
    if ((*operation)->changesStructure() && plan.target == TargetPolicy::None) {
        return fail(ErrorCode::Usage,
                    "this surgery adds or removes parameters, so the target network cannot be left out of it");
    }
    return operation;
}

Result<void> Surgeon::check(const SurgeryPlan& plan) const {
    return checked(plan).map([](const std::unique_ptr<Operation>&) {});
}

bool Surgeon::startsUnitsAnew(const SurgeryPlan& plan) const {
    const auto operation = makeOperation(plan, m_inputs);
    return !operation || (*operation)->startsUnitsAnew();
}

Result<std::vector<SiteReceipt>> Surgeon::apply(const SurgeryPlan& plan, std::int64_t event) {
    const auto operation = checked(plan);
    if (!operation) {
        return tl::unexpected(operation.error());
    }
    const at::NoGradGuard noGrad;
    Undo undo{.online = captureState(m_online), .target = captureState(m_target)};
    const SurgeryDraws draws{.seed = m_seed, .event = event};
    (*operation)->applyToBoth(m_online, plan.target == TargetPolicy::None ? nullptr : &m_target, plan, draws);
    std::vector<SiteReceipt> receipts = (*operation)->receipts(m_online, plan);
    if ((*operation)->changesStructure()) {
        cancelPairs(m_online, m_target);
        countFrozen(undo.online.branches, m_online, receipts);
    }
    std::erase_if(receipts, [&](const SiteReceipt& receipt) { return (*operation)->leftAlone(receipt); });
    if (receipts.empty()) {
        return receipts;
    }
    if (plan.target == TargetPolicy::HardSync) {
        m_target.parameters().copyValuesFrom(m_online.parameters());
    }
    if (plan.optimiser == OptimiserPolicy::ResetAll) {
        clearMoments(m_online.parameters());
    }
    m_undo = std::move(undo);
    return receipts;
}

bool Surgeon::undo() {
    if (!m_undo) {
        return false;
    }
    restoreState(m_online, m_undo->online);
    restoreState(m_target, m_undo->target);
    m_undo.reset();
    return true;
}

} // namespace knife
