// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/interventions/module_scope.h"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

#include "core/plasticity/interventions/surgery_policy.h"

namespace knife {

namespace {

constexpr std::string_view kAgent = "agent";

// The first `parts` words of a dotted name.
std::string beginning(std::string_view name, int parts) {
    std::size_t end = 0;
    for (int i = 0; i < parts; ++i) {
        end = name.find('.', end + (i > 0 ? 1 : 0));
        if (end == std::string_view::npos) {
            return std::string(name);
        }
    }
    return std::string(name.substr(0, end));
}

void addOnce(std::vector<std::string>& names, std::string name) {
    if (std::ranges::find(names, name) == names.end()) {
        names.push_back(std::move(name));
    }
}

// Of the network as it was built: what surgeries add lies below these names.
std::vector<std::string> networksOf(const ParameterSet& parameters) {
    std::vector<std::string> names;
    for (const Parameter* parameter : parameters.blocks().front().parameters) {
        addOnce(names, beginning(parameter->name, 1));
    }
    return names;
}

std::vector<std::string> agentLayers(const ParameterSet& parameters) {
    std::vector<std::string> names;
    for (const Parameter* parameter : parameters.blocks().front().parameters) {
        if (beginning(parameter->name, 1) == kAgent) {
            addOnce(names, beginning(parameter->name, 2));
        }
    }
    return names;
}

} // namespace

void describe(FieldVisitor& visitor, ModuleScope& scope) {
    visitor.choice("scope", scope.scope, {"which part of the network"},
                   {"head", "last_k_layers", "agent", "mixer", "all"});
    visitor.field("layers", scope.layers, {"of the agents, for scope \"last_k_layers\"", "layers"}, {1, 100});
}

std::vector<std::string> modulesOf(const ModuleScope& scope, const ParameterSet& parameters) {
    if (scope.scope == "head" || scope.scope == "last_k_layers") {
        std::vector<std::string> layers = agentLayers(parameters);
        if (scope.scope == "head") {
            std::erase_if(layers, [](const std::string& layer) { return layer != "agent.head"; });
            return layers;
        }
        const auto kept = std::min(layers.size(), static_cast<std::size_t>(scope.layers));
        layers.erase(layers.begin(), layers.end() - static_cast<std::ptrdiff_t>(kept));
        return layers;
    }
    std::vector<std::string> networks = networksOf(parameters);
    std::erase_if(networks, [&](const std::string& network) {
        return scope.scope != "all" && (network == kAgent) != (scope.scope == kAgent);
    });
    return networks;
}

Result<void> checkScope(const Section& section, const ModuleScope& scope, const ParameterSet& parameters) {
    const std::vector<std::string> modules = modulesOf(scope, parameters);
    if (scope.scope == "last_k_layers" && modules.size() < static_cast<std::size_t>(scope.layers)) {
        return tl::unexpected(section.errorAt(
            "layers", fmt::format("the agents of this network have {} layers, not {}", modules.size(), scope.layers)));
    }
    if (modules.empty()) {
        const char* reason = scope.scope == "head" ? "the agents of this method have no last layer of their own"
                                                   : "this method has no parameters there";
        return tl::unexpected(section.errorAt("scope", fmt::format("scope \"{}\": {}", scope.scope, reason)));
    }
    return {};
}

void describe(FieldVisitor& visitor, ModulePolicy& policy) {
    visitor.choice("optimiser", policy.optimiser, {"what becomes of the optimiser's moments of touched weights"},
                   {"zero", "mean_fill", "keep", "reset_all"});
    visitor.choice("target", policy.target,
                   {"the target network becomes a copy, or the same is done to its own weights"},
                   {"hard_sync", "mirror"});
}

OptimiserPolicy optimiserPolicy(const ModulePolicy& policy) {
    return optimiserPolicy(SurgeryPolicy{.sites = {}, .optimiser = policy.optimiser, .target = policy.target});
}

TargetPolicy targetPolicy(const ModulePolicy& policy) {
    return targetPolicy(SurgeryPolicy{.sites = {}, .optimiser = policy.optimiser, .target = policy.target});
}

} // namespace knife
