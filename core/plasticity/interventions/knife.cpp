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
    visitor.field("max_frozen_ratio", config.maxFrozenRatio,
                  {"leave sites alone whose frozen parameters would exceed so many times the trainable ones; 0: never"},
                  {0, 1e6});
    visitor.field("revive_all", config.reviveAll, {"operate on layers that no gradient reaches, too"});
    describe(visitor, config.compose);
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

} // namespace knife
