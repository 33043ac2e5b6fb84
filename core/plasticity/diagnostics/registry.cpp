// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>
#include <array>

#include "core/plasticity/diagnostics/catalogue.h"

namespace knife {

namespace {

using Maker = UnitStatistic (*)(int units);

constexpr std::array<Maker, 4> kAlways{&makeGradNorm, &makeWeightNorm, &makeActivation, &makeDormancy};

// Diagnostics by the name that diagnostics.per_unit has for them.
struct Optional {
    const char* name;
    Maker make;
    bool (*suits)(const Site& site);
};

bool hasRows(const Site& site) {
    return site.hasRows();
}
bool hasOneRowEach(const Site& site) {
    return site.weight != nullptr;
}
bool hasConsumers(const Site& site) {
    return !site.consumers.empty();
}
bool isElu(const Site& site) {
    return site.activation == SiteActivation::Elu;
}
/// Whether a unit at 0 or below passes no gradient.
bool isRectified(const Site& site) {
    return site.activation == SiteActivation::Relu && site.gru == nullptr && site.linear == nullptr;
}
bool isAnySite(const Site&) {
    return true;
}
bool isOfAgents(const Site& site) {
    return site.scope == SiteScope::Agent;
}

constexpr std::array<Optional, 9> kOptional{{
    {"saliency", &makeSaliency, &hasRows},
    {"distance", &makeDistance, &hasOneRowEach},
    {"grama", &makeGrama, &isAnySite},
    {"efficiency", &makeEfficiency, &isOfAgents},
    {"gxd", &makeAttribution, &isAnySite},
    {"gxd", &makeCentredAttribution, &isAnySite},
    {"utility", &makeContribution, &hasConsumers},
    {"utility", &makeAdaptableContribution, &hasConsumers},
    {"saturation", &makeSaturation, &isElu},
}};

} // namespace

std::vector<UnitStatistic> makeUnitStatistics(const UnitStatisticsRequest& request) {
    const int units = request.site.units;
    const RuaRule rule = ruaRule(request.config);
    std::vector<UnitStatistic> statistics{makeRua(units, rule)};
    for (const Maker make : kAlways) {
        statistics.push_back(make(units));
    }
    if (isRectified(request.site)) {
        statistics.push_back(makeFiringShare(units));
    }
    for (const Optional& optional : kOptional) {
        const bool asked = std::ranges::find(request.config.perUnit, optional.name) != request.config.perUnit.end();
        if (asked && optional.suits(request.site)) {
            statistics.push_back(optional.make(units));
        }
    }
    const bool perAgent = request.config.perAgent && isOfAgents(request.site) && hasOneRowEach(request.site);
    for (int agent = 0; perAgent && agent < request.agents; ++agent) {
        statistics.push_back(makeAgentRua(units, agent, rule));
    }
    return statistics;
}

} // namespace knife
