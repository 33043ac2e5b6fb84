// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/interventions/knife.h"

#include <algorithm>

namespace knife {

void describe(FieldVisitor& visitor, KnifeConfig& config) {
    describe(visitor, config.when);
    describe(visitor, config.policy);
    visitor.field("persistence", config.persistence,
                  {"windows in a row that a unit must have been stagnant", "windows"}, {1, 1000});
    visitor.field("max_fraction", config.maxFraction, {"largest share of a site's units per surgery"}, {0, 1});
}

std::string refuseComposites(const Site& site) {
    return site.composite == nullptr ? site.refusal : std::string();
}

std::vector<int> Knife::stagnantUnits(const Diagnostics& diagnostics, std::size_t site, int units) const {
    const std::vector<float>& rua = diagnostics.lastRua(site);
    if (std::ranges::all_of(rua, [](float value) { return value == 0.F; })) {
        return {}; // no gradient reached the layer at all: a fault of the signal, not of its units
    }
    std::vector<int> stagnant;
    for (int unit = 0; unit < units; ++unit) {
        if (diagnostics.stagnantWindows(site, unit) >= m_config.persistence) {
            stagnant.push_back(unit);
        }
    }
    const auto cap = static_cast<std::size_t>(m_config.maxFraction * static_cast<double>(units));
    if (stagnant.size() > cap) {
        std::ranges::stable_sort(stagnant, {}, [&](int unit) { return rua[static_cast<std::size_t>(unit)]; });
        stagnant.resize(cap);
        std::ranges::sort(stagnant);
    }
    return stagnant;
}

SurgeryPlan Knife::propose(const InterventionView& view) const {
    SurgeryPlan plan;
    plan.intervention = "knife";
    plan.operation = "compose";
    plan.optimiser = optimiserPolicy(m_config.policy);
    plan.target = targetPolicy(m_config.policy);
    const SiteList& sites = view.net.sites();
    for (const std::size_t i : chosenSites(m_config.policy, sites, &refuseComposites)) {
        const Site& site = sites.all()[i];
        std::vector<int> units = stagnantUnits(view.diagnostics, i, site.units);
        if (!units.empty()) {
            plan.operations.push_back({.site = site.name, .units = std::move(units), .values = {}, .partners = {}});
        }
    }
    return plan;
}

} // namespace knife
