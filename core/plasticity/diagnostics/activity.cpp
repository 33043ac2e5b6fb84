// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/diagnostics/catalogue.h"

#include <utility>

#include <fmt/format.h>

namespace knife {

namespace {

using Values = UnitStatistic::Values;

UnitStatistic::Memory memoryOf(const RuaRule& rule) {
    UnitStatistic::Memory memory;
    memory.normOfMean = rule.average == RuaRule::Average::NormOfMean;
    switch (rule.window) {
    case RuaRule::Window::Window:
    case RuaRule::Window::SinceSurgery: // a surgery ends the window
        break;
    case RuaRule::Window::Ema:
        memory.until = UnitStatistic::Boundary::Never;
        memory.decay = rule.beta;
        break;
    case RuaRule::Window::Lifetime:
        memory.until = UnitStatistic::Boundary::Never;
        break;
    case RuaRule::Window::SinceTaskStart:
        memory.until = UnitStatistic::Boundary::Task;
        break;
    }
    return memory;
}

UnitStatistic::Quantity activityBy(const RuaRule& rule) {
    return rule.average == RuaRule::Average::NormOfMean
               ? [](const SiteMeasurement& m) { return Values(m.direction); }
               : [](const SiteMeasurement& m) { return Values(m.activity); };
}

UnitStatistic::Finish relativeTo(RuaRule::Normaliser normaliser) {
    return [normaliser](std::vector<float>& means) {
        normalise(normaliser, means);
    };
}

} // namespace

UnitStatistic makeRua(int units, const RuaRule& rule) {
    std::vector<UnitStatistic::Reading> readings{{"rua", relativeTo(rule.normaliser)}, {"activity"}};
    return {std::move(readings), activityBy(rule), units, memoryOf(rule)};
}

UnitStatistic makeAgentRua(int units, int agent, const RuaRule& rule) {
    const auto index = static_cast<std::size_t>(agent);
    return {fmt::format("rua_agent{}", agent),
            [index](const SiteMeasurement& m) {
                return index < m.agentActivity.size() ? Values(m.agentActivity[index]) : Values();
            },
            relativeTo(rule.normaliser), units};
}

} // namespace knife
