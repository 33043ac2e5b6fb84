// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/interventions/knife.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/config/method_section.h"
#include "core/plasticity/interventions/unit_reset.h"
#include "core/plasticity/operations/consolidate.h"

namespace knife {

void describe(FieldVisitor& visitor, KnifeConfig& config) {
    describe(visitor, config.when);
    describe(visitor, config.policy);
    visitor.field("persistence", config.persistence,
                  {"windows in a row that a unit must have been stagnant", "windows"}, {1, 1000});
    visitor.field("max_fraction", config.maxFraction,
                  {"largest share of a site's units per surgery, but one unit at least; 0: none"}, {0, 1});
    visitor.field("max_frozen_ratio", config.maxFrozenRatio,
                  {"leave sites alone whose frozen parameters would exceed so many times the trainable ones; 0: never"},
                  {0, 1e6});
    visitor.field("revive_all", config.reviveAll, {"operate on layers that no gradient reaches, too"});
    describe(visitor, config.compose);
    visitor.choice("consolidation", config.consolidation, {"how frozen neurons are made fewer before a surgery"},
                   {"none", "prune", "lstsq", "distill"});
    visitor.choice(
        "at_limit", config.atLimit,
        {"what becomes of a site that would exceed max_frozen_ratio; with \"consolidate\" frozen neurons are "
         "made fewer only then"},
        {"skip", "consolidate"});
    describeFit(visitor, config.fit);
    visitor.choice("volatile_action", config.volatileAction, {"what becomes of volatile units"},
                   {"none", "shrink", "reset"});
    visitor.field("volatile_factor", config.shrink.factor,
                  {"on incoming weights and biases, for volatile_action \"shrink\""}, {0, 1});
}

std::string refuseComposites(const Site& site) {
    return site.acceptsComposites() ? std::string() : site.refusal;
}

std::vector<int> Knife::stagnantUnits(const Diagnostics& diagnostics, std::size_t site, int units) const {
    const std::vector<float>& rua = diagnostics.lastRua(site);
    if (!m_config.reviveAll && std::ranges::all_of(rua, [](float value) { return value == 0.F; })) {
        return {}; // no gradient reached the layer at all: a fault of the signal, not of its units
    }
    std::vector<int> stagnant;
    for (int unit = 0; unit < units; ++unit) {
        if (diagnostics.stagnantWindows(site, unit) >= m_config.persistence) {
            stagnant.push_back(unit);
        }
    }
    const double share = m_config.maxFraction * static_cast<double>(units);
    const auto cap = static_cast<std::size_t>(share > 0.0 ? std::max(share, 1.0) : 0.0);
    if (stagnant.size() > cap) {
        std::ranges::stable_sort(stagnant, {}, [&](int unit) { return rua[static_cast<std::size_t>(unit)]; });
        stagnant.resize(cap);
        std::ranges::sort(stagnant);
    }
    return stagnant;
}

bool Knife::mayGrow(const Site& site, std::size_t units) const {
    if (m_config.maxFrozenRatio == 0.0) {
        return true;
    }
    std::size_t operated = units;
    visitHolder(site, [&](const auto& holder) {
        for (const auto& branch : holder.branches()) {
            operated += branch.units.empty() ? static_cast<std::size_t>(site.units) : branch.units.size();
        }
    });
    // Every operated unit leaves a knowledge and a compensation neuron; the number of trainable ones stays.
    return 2.0 * static_cast<double>(operated) <= m_config.maxFrozenRatio * static_cast<double>(site.units);
}

std::vector<SurgeryPlan> Knife::prepare(const InterventionView& view) const {
    return {consolidation(view), calming(view)};
}

SurgeryPlan Knife::consolidation(const InterventionView& view) const {
    SurgeryPlan plan;
    if (m_config.consolidation == "none") {
        return plan;
    }
    ConsolidateSettings fit = m_config.fit;
    fit.policy = m_config.consolidation;
    plan.operation = "consolidate";
    plan.optimiser = OptimiserPolicy::Keep; // nothing that learns is rewritten
    plan.target = targetPolicy(m_config.policy);
    plan.settings = writeSection({}, fit).toToml();
    const SiteList& sites = view.net.sites();
    for (const std::size_t i : chosenSites(m_config.policy, sites, &refuseComposites)) {
        const Site& site = sites.all()[i];
        const std::size_t wanted = stagnantUnits(view.diagnostics, i, site.units).size();
        const bool due = m_config.atLimit == "skip" || (wanted > 0 && !mayGrow(site, wanted));
        std::vector<int> units = compositeUnits(site);
        if (due && !units.empty() && refuseConsolidation(site, view.net).empty()) {
            plan.operations.push_back({.site = site.name, .units = std::move(units), .values = {}, .partners = {}});
        }
    }
    return plan;
}

SurgeryPlan Knife::calming(const InterventionView& view) const {
    if (m_config.volatileAction == "none") {
        return {};
    }
    SurgeryPlan plan = resetPlan("knife", m_config.policy, {});
    if (m_config.volatileAction == "shrink") {
        plan.operation = "shrink_units";
        plan.settings = writeSection({}, m_config.shrink).toToml();
    }
    const SiteList& sites = view.net.sites();
    for (const std::size_t i : chosenSites(m_config.policy, sites, &refuseComposites)) {
        std::vector<int> units = view.diagnostics.volatileUnits(i);
        if (!units.empty() && refuseResets(sites.all()[i]).empty()) {
            plan.operations.push_back(
                {.site = sites.all()[i].name, .units = std::move(units), .values = {}, .partners = {}});
        }
    }
    return plan;
}

SurgeryPlan Knife::propose(const InterventionView& view) const {
    SurgeryPlan plan;
    plan.intervention = "knife";
    plan.operation = "compose";
    plan.optimiser = optimiserPolicy(m_config.policy);
    plan.target = targetPolicy(m_config.policy);
    plan.settings = writeSection({}, m_config.compose).toToml();
    const SiteList& sites = view.net.sites();
    for (const std::size_t i : chosenSites(m_config.policy, sites, &refuseComposites)) {
        const Site& site = sites.all()[i];
        std::vector<int> units = stagnantUnits(view.diagnostics, i, site.units);
        if (!units.empty() && mayGrow(site, units.size())) {
            plan.operations.push_back({.site = site.name, .units = std::move(units), .values = {}, .partners = {}});
        }
    }
    return plan;
}

Result<std::unique_ptr<Intervention>> makeKnife(const Section& section, const FactorizedNet& net) {
    const auto config = readMethod<KnifeConfig>(section);
    if (!config) {
        return tl::unexpected(config.error());
    }
    if (config->policy.target == "none") {
        return tl::unexpected(section.errorAt("target", "composites add parameters, so the target network cannot be "
                                                        "left out of the surgery; mirrored, its own function does not "
                                                        "change before its next copy"));
    }
    if (config->consolidation != "none" && config->compose.knowledgeOut == "trainable") {
        return tl::unexpected(section.errorAt("consolidation", "knowledge that goes on learning (knowledge_out = "
                                                               "\"trainable\") cannot be consolidated"));
    }
    if (config->atLimit == "consolidate" && (config->consolidation == "none" || config->maxFrozenRatio == 0.0)) {
        return tl::unexpected(
            section.errorAt("at_limit", "\"consolidate\" needs a limit, max_frozen_ratio, and a way, consolidation"));
    }
    if (auto known = checkSites(section, config->policy, net.sites(), &refuseComposites); !known) {
        return tl::unexpected(known.error());
    }
    for (const std::size_t i : chosenSites(config->policy, net.sites(), &refuseComposites)) {
        const Site& site = net.sites().all()[i];
        if (config->compose.draw.in == "initial" && site.composite == nullptr) {
            return tl::unexpected(section.errorAt(
                "incoming", fmt::format("\"initial\" is for units of hidden layers, not for those of {}", site.name)));
        }
    }
    return std::make_unique<Knife>(*config);
}

} // namespace knife
