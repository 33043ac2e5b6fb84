// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/operations/consolidate.h"

#include <algorithm>

#include <ATen/ATen.h>
#include <fmt/format.h>

#include "core/plasticity/operations/frozen_neurons.h"

namespace knife {

namespace {

// What of a site's frozen neurons a plan leaves, by their numbers in frozenNeurons().
struct Choice {
    std::vector<std::int64_t> fitted; ///< those of the plan's units
    std::vector<std::int64_t> kept;   ///< of those, numbers within `fitted`
    std::vector<std::int64_t> others; ///< of other units: they stay as they are
};

std::vector<std::int64_t> numbers(const FrozenNeurons& frozen, const std::vector<int>& units, bool ofUnits) {
    std::vector<std::int64_t> found;
    for (std::size_t i = 0; i < frozen.size(); ++i) {
        if (std::ranges::binary_search(units, frozen.owners[i]) == ofUnits) {
            found.push_back(static_cast<std::int64_t>(i));
        }
    }
    return found;
}

// Places that an earlier consolidation left empty need no room.
void dropEmpty(const FrozenNeurons& frozen, std::vector<std::int64_t>& which) {
    const at::Tensor used = frozen.neurons.out.ne(0.0).any(0);
    std::erase_if(which, [&](std::int64_t i) { return !used[i].item<bool>(); });
}

Choice chooseAt(const CompositeLinear& layer, const at::Tensor& read, const std::vector<int>& units,
                const ConsolidateSettings& settings) {
    const FrozenNeurons frozen = frozenNeurons(layer);
    Choice choice{.fitted = numbers(frozen, units, true), .kept = {}, .others = numbers(frozen, units, false)};
    dropEmpty(frozen, choice.others);
    const double outputRms = layer.forward(read, nullptr).to(at::kDouble).square().mean().sqrt().item<double>();
    choice.kept = neuronsToKeep(read.cpu().to(at::kDouble), choose(frozen, choice.fitted).neurons, outputRms, settings);
    return choice;
}

void consolidateAt(FactorizedNet& net, const Site& site, const at::Tensor& read, const Choice& choice,
                   const ConsolidateSettings& settings) {
    const FrozenNeurons frozen = frozenNeurons(*site.composite);
    const FrozenNeurons fitted = choose(frozen, choice.fitted);
    FrozenNeurons kept = choose(fitted, choice.kept);
    FrozenFit fit = fitFrozen(read.cpu().to(at::kDouble), fitted.neurons, choice.kept, settings);
    kept.neurons = std::move(fit.neurons);
    keepFrozen(net, site, join(kept, choose(frozen, choice.others)), fit.shift);
}

std::size_t indexOf(const FactorizedNet& net, const Site& site) {
    return static_cast<std::size_t>(&site - net.sites().all().data());
}

bool knowledgeLearns(const CompositeLinear& layer, const std::vector<int>& composites) {
    return layer.out()->mask.defined() && std::ranges::any_of(composites, [&](int unit) {
               return layer.out()->mask.select(1, unit).ne(0.0).any().item<bool>();
           });
}

} // namespace

std::vector<int> compositeUnits(const Site& site) {
    const bool fits = site.composite != nullptr && site.composite->clones().empty();
    return fits ? compositesOf(*site.composite) : std::vector<int>();
}

std::string refuseConsolidation(const Site& site, const FactorizedNet& net) {
    if (site.composite == nullptr) {
        return fmt::format("only composites of hidden layers can be consolidated; {} is none", site.name);
    }
    if (!site.composite->clones().empty()) {
        return fmt::format("{} has units that are split between agents, so that what it gives depends on who asks and "
                           "cannot be fitted once",
                           site.name);
    }
    const bool readByGates = std::ranges::any_of(net.sites().all(), [&site](const Site& reader) {
        return reader.gru != nullptr && reader.gru->feeder() == site.composite && !reader.gru->branches().empty();
    });
    if (readByGates) {
        return fmt::format("composites of the GRU cell read units of {}, which a fit of its output would change",
                           site.name);
    }
    if (knowledgeLearns(*site.composite, compositeUnits(site))) {
        return fmt::format("the knowledge of {} goes on learning, so it cannot be fitted once", site.name);
    }
    return {};
}

Result<void> Consolidate::check(const SurgeryPlan& plan, const FactorizedNet& net) const {
    if (!plan.modules.empty()) {
        return fail(ErrorCode::Usage, "\"consolidate\" works on units; the plan names whole modules");
    }
    const SiteInputs seen = m_inputs ? m_inputs(net) : SiteInputs{};
    if (seen.empty()) {
        return fail(ErrorCode::Unsupported, "there are no episodes yet that frozen neurons could be fitted to");
    }
    for (const SiteOperation& operation : plan.operations) {
        const Site& site = *net.sites().find(operation.site);
        if (const std::string refusal = refuseConsolidation(site, net); !refusal.empty()) {
            return fail(ErrorCode::Unsupported, refusal);
        }
        const std::vector<int> composites = compositeUnits(site);
        for (const int unit : operation.units) {
            if (!std::ranges::binary_search(composites, unit)) {
                return fail(ErrorCode::Usage, fmt::format("unit {} of {} is no composite", unit, site.name));
            }
        }
        if (!seen[indexOf(net, site)].defined()) {
            return fail(ErrorCode::Unsupported, fmt::format("what {} reads is not recorded", site.name));
        }
    }
    return {};
}

void Consolidate::applyToBoth(FactorizedNet& online, FactorizedNet* target, const SurgeryPlan& plan,
                              const SurgeryDraws&) const {
    const SiteInputs seen = m_inputs(online);
    const SiteInputs seenByTarget = target != nullptr ? m_inputs(*target) : SiteInputs{};
    visitOperated(online, plan, [&](const Site& site, const SiteOperation& operation) {
        const std::size_t i = indexOf(online, site);
        const Choice choice = chooseAt(*site.composite, seen[i], operation.units, m_settings);
        if (columnsFor(choice.kept.size() + choice.others.size()) >= columnsOf(*site.composite)) {
            return; // nothing would become smaller
        }
        consolidateAt(online, site, seen[i], choice, m_settings);
        if (target != nullptr) {
            consolidateAt(*target, target->sites().all()[i], seenByTarget[i], choice, m_settings);
        }
    });
}

std::vector<SiteReceipt> Consolidate::receipts(const FactorizedNet& net, const SurgeryPlan& plan) const {
    std::vector<SiteReceipt> receipts;
    visitOperated(net, plan, [&](const Site& site, const SiteOperation& operation) {
        receipts.push_back({.site = site.name, .units = operation.units, .kind = "consolidated", .ruaBefore = {}});
    });
    return receipts;
}

} // namespace knife
