// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/interventions/step_scope.h"

#include <algorithm>
#include <set>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/nets/module_parameters.h"

namespace knife {

namespace {

bool isBelow(std::string_view name, const std::string& module) {
    return name.starts_with(module) && (name.size() == module.size() || name[module.size()] == '.');
}

bool anyAbove(const std::vector<std::string>& modules, const std::string& name) {
    return std::ranges::any_of(modules, [&](const std::string& module) { return isBelow(name, module); });
}

// "agent.head.bias" -> "agent.head.weight", "agent.fc1.event0.active_bias" -> "agent.fc1.event0.active_in".
std::vector<std::string> matricesBeside(const std::string& bias) {
    const std::string stem = bias.substr(0, bias.size() - std::string_view("bias").size());
    return {stem + "weight", stem + "in"};
}

} // namespace

ParameterKind kindOf(const Parameter& parameter) {
    if (parameter.value.dim() >= 2) {
        return ParameterKind::Matrix;
    }
    const std::string_view name = parameter.name;
    return name.ends_with(".gain") || name.ends_with(".shift") ? ParameterKind::Norm : ParameterKind::Bias;
}

void describe(FieldVisitor& visitor, StepScope& scope) {
    visitor.field("modules", scope.modules,
                  {"names of parameters, or beginnings of names (agent, mixer.v); empty: all"});
    visitor.field("except", scope.except, {"names of parameters, or beginnings of names, that are left alone"});
}

bool covers(const StepScope& scope, const Parameter& parameter) {
    return (scope.modules.empty() || anyAbove(scope.modules, parameter.name)) &&
           !anyAbove(scope.except, parameter.name);
}

Result<void> checkScope(const Section& section, const StepScope& scope, const FactorizedNet& net) {
    const auto check = [&](const char* key, const std::vector<std::string>& names) -> Result<void> {
        for (const std::string& name : names) {
            if (parametersOf(net.parameters(), name).empty()) {
                std::set<std::string> known;
                for (const Parameter& parameter : net.parameters().all()) {
                    known.insert(parameter.name.substr(0, parameter.name.rfind('.')));
                }
                return tl::unexpected(
                    section.errorAt(key, fmt::format("this network has no parameters \"{}\"; it has {}", name,
                                                     fmt::join(known, ", "))));
            }
        }
        return {};
    };
    if (auto known = check("modules", scope.modules); !known) {
        return known;
    }
    return check("except", scope.except);
}

std::int64_t fanIn(const Parameter& parameter, const FactorizedNet& net) {
    for (const Site& site : net.sites().all()) {
        if (site.composite == nullptr) {
            continue;
        }
        for (const CompositeBranch& branch : site.composite->branches()) {
            if (branch.activeOut == &parameter) {
                return site.composite->shape().hidden; // it is read beside the units it came from
            }
        }
    }
    if (kindOf(parameter) == ParameterKind::Matrix) {
        return parameter.value.size(-1);
    }
    if (!parameter.name.ends_with("bias")) {
        return 0;
    }
    const auto& all = net.parameters().all();
    for (const std::string& name : matricesBeside(parameter.name)) {
        if (const auto matrix = std::ranges::find(all, name, &Parameter::name); matrix != all.end()) {
            return matrix->value.size(-1);
        }
    }
    return 0;
}

} // namespace knife
