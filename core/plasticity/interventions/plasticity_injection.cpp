// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/interventions/plasticity_injection.h"

#include <numeric>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "core/config/method_section.h"
#include "core/plasticity/interventions/surgery_policy.h"

namespace knife {

namespace {

bool isCovered(const std::string& scope, const std::string& name) {
    if (scope == "agent_head") {
        return name == "agent.head";
    }
    return scope == "all" || name.starts_with("agent.") == (scope == "agent");
}

SurgeryPlan injectionPlan(const PlasticityInjectionConfig& config, const FactorizedNet& net) {
    const SurgeryPolicy policy{.sites = {}, .optimiser = config.optimiser, .target = config.target};
    SurgeryPlan plan;
    plan.intervention = "plasticity_injection";
    plan.operation = "inject";
    plan.settings = writeSection("", config.inject).toToml();
    plan.optimiser = optimiserPolicy(policy);
    plan.target = targetPolicy(policy);
    for (const Site& site : net.sites().all()) {
        if (site.composite != nullptr && isCovered(config.scope, site.name)) {
            std::vector<int> units(static_cast<std::size_t>(site.units));
            std::iota(units.begin(), units.end(), 0);
            plan.operations.push_back({.site = site.name, .units = std::move(units)});
        }
    }
    for (const InjectedLinear* layer : net.sites().injectable()) {
        if (isCovered(config.scope, layer->name())) {
            plan.modules.push_back(layer->name());
        }
    }
    return plan;
}

} // namespace

void describe(FieldVisitor& visitor, PlasticityInjectionConfig& config) {
    describe(visitor, config.when);
    visitor.choice("scope", config.scope, {"which layers plasticity is injected into"},
                   {"agent_head", "agent", "mixer", "all"});
    visitor.choice("optimiser", config.optimiser, {"what the optimiser's moments of the new weights start at"},
                   {"mean_fill", "zero", "keep", "reset_all"});
    visitor.choice("target", config.target, {"what happens to the target network"}, {"mirror", "hard_sync"});
    describe(visitor, config.inject);
}

SurgeryPlan PlasticityInjection::propose(const InterventionView& view) const {
    return injectionPlan(m_config, view.net);
}

Result<std::unique_ptr<Intervention>> makePlasticityInjection(const Section& section, const FactorizedNet& net) {
    auto config = readMethod<PlasticityInjectionConfig>(section);
    if (!config) {
        return tl::unexpected(config.error());
    }
    if (injectionPlan(*config, net).empty()) {
        return tl::unexpected(section.errorAt(
            "scope",
            fmt::format("scope \"{}\": this network has no layer there that accepts an injection", config->scope)));
    }
    return std::make_unique<PlasticityInjection>(std::move(*config));
}

} // namespace knife
