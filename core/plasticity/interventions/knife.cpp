// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/interventions/knife.h"

#include <algorithm>

namespace knife {

void describe(FieldVisitor& visitor, KnifeConfig& config) {
    describe(visitor, config.when);
    visitor.field("sites", config.sites, {"sites to operate on; empty: all that accept composites"});
    visitor.field("persistence", config.persistence,
                  {"windows in a row that a unit must have been stagnant", "windows"}, {1, 1000});
    visitor.field("max_fraction", config.maxFraction, {"largest share of a site's units per surgery"}, {0, 1});
    visitor.choice("optimiser", config.optimiser, {"second moments of new weights"}, {"mean_fill", "zero"});
    visitor.choice("target", config.target, {"what happens to the target network"}, {"mirror", "hard_sync"});
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

SurgeryPlan Knife::propose(const Diagnostics& diagnostics, const SiteList& sites) const {
    SurgeryPlan plan;
    plan.intervention = "knife";
    plan.optimiser = m_config.optimiser == "zero" ? OptimiserPolicy::Zero : OptimiserPolicy::MeanFill;
    plan.target = m_config.target == "hard_sync" ? TargetPolicy::HardSync : TargetPolicy::Mirror;
    for (std::size_t i = 0; i < sites.all().size(); ++i) {
        const Site& site = sites.all()[i];
        const bool chosen =
            m_config.sites.empty() || std::ranges::find(m_config.sites, site.name) != m_config.sites.end();
        if (site.composite == nullptr || !chosen) {
            continue;
        }
        std::vector<int> units = stagnantUnits(diagnostics, i, site.units);
        if (!units.empty()) {
            plan.operations.push_back({site.name, std::move(units)});
        }
    }
    return plan;
}

} // namespace knife
