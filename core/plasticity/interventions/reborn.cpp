// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/interventions/reborn.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <span>
#include <utility>

namespace knife {

namespace {

double measuredMean(const std::vector<float>& values) {
    double sum = 0.0;
    double count = 0.0;
    for (const float value : values) {
        if (!std::isnan(value)) {
            sum += static_cast<double>(value);
            count += 1.0;
        }
    }
    return count > 0.0 ? sum / count : 0.0;
}

} // namespace

void describe(FieldVisitor& visitor, RebornConfig& config) {
    describe(visitor, config.when);
    describe(visitor, config.policy);
    visitor.field("dormant_below", config.dormantBelow,
                  {"a unit is dormant up to so many times its layer's mean activation"}, {0, 1});
    visitor.field("overactive_above", config.overactiveAbove,
                  {"a unit is over-active above so many times its layer's mean activation"}, {1, 1e6});
    visitor.field("max_partners", config.maxPartners,
                  {"dormant units that one over-active unit is shared with", "units"}, {1, 1000});
    describe(visitor, config.share);
}

SiteOperation Reborn::match(const Site& site, const std::vector<float>& activation, CounterRng rng) const {
    const double mean = measuredMean(activation);
    std::vector<int> dormant;
    std::vector<int> donors;
    for (std::size_t unit = 0; mean > 0.0 && unit < activation.size(); ++unit) {
        const auto score = static_cast<double>(activation[unit]);
        if (isSplit(site, static_cast<int>(unit))) {
            continue;
        }
        if (score <= m_config.dormantBelow * mean) {
            dormant.push_back(static_cast<int>(unit));
        } else if (score > m_config.overactiveAbove * mean) {
            donors.push_back(static_cast<int>(unit));
        }
    }
    SiteOperation operation{.site = site.name, .units = dormant};
    operation.partners.assign(dormant.size(), -1);
    std::map<int, std::int64_t> partners;
    std::vector<std::size_t> order(dormant.size());
    for (std::size_t i = 0; i < order.size(); ++i) {
        order[i] = i;
    }
    rng.shuffle(std::span(order));
    for (const std::size_t i : order) {
        if (donors.empty()) {
            break;
        }
        const auto pick = donors.begin() + rng.below(static_cast<std::uint32_t>(donors.size()));
        operation.partners[i] = *pick;
        if (++partners[*pick] == m_config.maxPartners) {
            donors.erase(pick);
        }
    }
    return operation;
}

SurgeryPlan Reborn::propose(const InterventionView& view) const {
    SurgeryPlan plan;
    plan.intervention = "reborn";
    plan.operation = "share_units";
    plan.settings = writeSection("", m_config.share).toToml();
    plan.optimiser = optimiserPolicy(m_config.policy);
    plan.target = targetPolicy(m_config.policy);
    const NeuronFrame frame = view.diagnostics.frame({});
    const SiteList& sites = view.net.sites();
    for (const std::size_t i : chosenSites(m_config.policy, sites, &refuseSharing)) {
        const Site& site = sites.all()[i];
        const UnitDiagnostic* activation = frame.sites[i].find("activation");
        if (activation == nullptr) {
            continue;
        }
        const std::string stream = "reborn/" + site.name;
        SiteOperation operation =
            match(site, activation->values, CounterRng({view.seed, stream, static_cast<std::uint64_t>(view.update)}));
        if (!operation.units.empty()) {
            plan.operations.push_back(std::move(operation));
        }
    }
    return plan;
}

Result<std::unique_ptr<Intervention>> makeReborn(const Section& section, const FactorizedNet& net) {
    auto config = readAtSites<RebornConfig>(section, net.sites(), &refuseSharing);
    if (!config) {
        return tl::unexpected(config.error());
    }
    if (config->share.low > config->share.high) {
        return tl::unexpected(section.errorAt("low", "the smallest factor on incoming weights is above the largest"));
    }
    return std::make_unique<Reborn>(std::move(*config));
}

} // namespace knife
