// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/interventions/gradps.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "core/plasticity/diagnostics/activation_gradients.h"
#include "core/plasticity/interventions/unit_reset.h"
#include "core/plasticity/interventions/unit_tables.h"
#include "core/plasticity/operations/split_units.h"

namespace knife {

namespace {

constexpr double kNotEligible = std::numeric_limits<double>::quiet_NaN();

constexpr auto kTables = [](auto& state) {
    return std::array{std::span(state.open), std::span(state.intervals), std::span(state.age), std::span(state.closed)};
};

} // namespace

void describe(FieldVisitor& visitor, GradpsConfig& config) {
    describe(visitor, config.when);
    describe(visitor, config.policy);
    visitor.field("window", config.window, {"that efficiencies are averaged over", "target copies"}, {1, 10'000});
    visitor.field("futile_below", config.futileBelow, {"times the mean efficiency of a site's eligible units"},
                  {0, 1e6});
    visitor.field("groups", config.groups, {"of agents that a unit is split between, at most"}, {2, 3});
    visitor.field("max_share", config.maxShare, {"largest share of a site's units per surgery"}, {0, 1});
    visitor.field("observe_every", config.observeEvery,
                  {"between looks at activations; 1 as published, more is cheaper", "updates"}, {1, 1e9});
}

Gradps::Gradps(GradpsConfig config, const FactorizedNet& net)
    : m_config(std::move(config)),
      m_sites(net.sites()),
      m_agents(static_cast<std::size_t>(net.spec().mixerShape.agents)),
      m_states(m_sites.all().size()) {
    for (const std::size_t i : chosenSites(m_config.policy, m_sites, &refuseSplitting)) {
        const auto units = static_cast<std::size_t>(m_sites.all()[i].units);
        const std::size_t cells = m_agents * units;
        m_states[i] = {.open = std::vector<double>(cells, 0.0),
                       .intervals = std::vector<double>(cells * static_cast<std::size_t>(m_config.window), 0.0),
                       .age = std::vector<double>(units, 0.0),
                       .closed = {0.0}};
    }
}

UpdateListener::Wishes Gradps::wishes(std::int64_t update) const {
    const bool looks = update % m_config.observeEvery == 0;
    return {.activations = looks, .valuesBefore = false, .activationGradients = looks};
}

void Gradps::stepped(const UpdateMoment& moment) {
    if (moment.taps == nullptr || !wishes(moment.update).activations) {
        return;
    }
    for (std::size_t i = 0; i < m_states.size(); ++i) {
        const SiteTap& tap = (*moment.taps)[i];
        std::vector<double>& open = m_states[i].open;
        if (open.empty() || !tap.hidden.defined() || !tap.gradient.defined()) {
            continue;
        }
        const GradientTotals totals = gradientTotals({.hidden = tap.hidden,
                                                      .gradient = tap.gradient,
                                                      .include = moment.rows->agent,
                                                      .activation = m_sites.all()[i].activation,
                                                      .agents = moment.rows->agents});
        std::ranges::transform(open, totals.byAgent, open.begin(), std::plus<>());
    }
}

void Gradps::targetCopied() {
    for (SiteState& state : m_states) {
        if (state.open.empty()) {
            continue;
        }
        const auto slot = static_cast<std::ptrdiff_t>(std::fmod(state.closed[0], static_cast<double>(m_config.window)));
        std::ranges::copy(state.open, state.intervals.begin() + slot * static_cast<std::ptrdiff_t>(state.open.size()));
        std::ranges::fill(state.open, 0.0);
        state.closed[0] += 1.0;
        for (double& age : state.age) {
            age += 1.0;
        }
    }
}

std::span<const double> Gradps::gains(const SiteState& state, std::int64_t interval) const {
    return std::span(state.intervals)
        .subspan(static_cast<std::size_t>(interval) * state.open.size(), state.open.size());
}

std::vector<double> Gradps::efficiencies(std::size_t site) const {
    const SiteState& state = m_states[site];
    const std::size_t units = state.age.size();
    std::vector<double> means(units, 0.0);
    for (std::int64_t interval = 0; interval < m_config.window; ++interval) {
        const std::vector<double> now = knife::efficiencies(gains(state, interval), units);
        for (std::size_t unit = 0; unit < units; ++unit) {
            means[unit] += now[unit] / static_cast<double>(m_config.window);
        }
    }
    for (std::size_t unit = 0; unit < units; ++unit) {
        const bool isOld = state.age[unit] > static_cast<double>(m_config.window);
        const bool isEligible = isOld && isPlain(*m_sites.all()[site].composite, static_cast<int>(unit));
        means[unit] = isEligible ? means[unit] : kNotEligible;
    }
    return means;
}

AgentConflicts Gradps::conflicts(const SiteState& state, std::size_t unit) const {
    AgentConflicts conflicts(m_agents);
    std::vector<double> ofUnit(m_agents);
    for (std::int64_t interval = 0; interval < m_config.window; ++interval) {
        const std::span<const double> all = gains(state, interval);
        for (std::size_t agent = 0; agent < m_agents; ++agent) {
            ofUnit[agent] = all[agent * state.age.size() + unit];
        }
        conflicts.add(ofUnit);
    }
    return conflicts;
}

SiteOperation Gradps::splitAt(std::size_t site) const {
    std::vector<double> relative = efficiencies(site);
    divideByMean(relative, 0.0);
    // Futile units are below the threshold, not at it.
    const double threshold = std::nextafter(m_config.futileBelow, -1.0);
    SiteOperation operation{.site = m_sites.all()[site].name, .units = {}};
    for (const int unit : lowestUnits(relative, threshold, m_config.maxShare)) {
        const std::vector<int> groups =
            conflicts(m_states[site], static_cast<std::size_t>(unit)).separated(static_cast<int>(m_config.groups));
        if (std::ranges::max(groups) > 0) {
            operation.units.push_back(unit);
            operation.groups.insert(operation.groups.end(), groups.begin(), groups.end());
        }
    }
    return operation;
}

SurgeryPlan Gradps::propose(const InterventionView&) const {
    SurgeryPlan plan;
    plan.intervention = "gradps";
    plan.operation = "split_units";
    plan.optimiser = optimiserPolicy(m_config.policy);
    plan.target = targetPolicy(m_config.policy);
    for (const std::size_t i : chosenSites(m_config.policy, m_sites, &refuseSplitting)) {
        SiteOperation operation = splitAt(i);
        if (!operation.units.empty()) {
            plan.operations.push_back(std::move(operation));
        }
    }
    return plan;
}

void Gradps::touched(const std::vector<SiteReceipt>& sites) {
    for (std::size_t i = 0; i < m_states.size(); ++i) {
        for (const SiteReceipt& receipt : sites) {
            for (const int unit : touchedUnits(m_sites.all()[i], receipt)) {
                if (!m_states[i].age.empty()) {
                    m_states[i].age[static_cast<std::size_t>(unit)] = 0.0;
                }
            }
        }
    }
}

std::string Gradps::save() const {
    return saveStates(m_states, kTables);
}

bool Gradps::restore(std::string_view saved) {
    return restoreStates(saved, m_states, kTables);
}

Result<std::unique_ptr<Intervention>> makeGradps(const Section& section, const FactorizedNet& net) {
    const auto config = readAtSites<GradpsConfig>(section, net.sites(), &refuseSplitting);
    if (!config) {
        return tl::unexpected(config.error());
    }
    if (config->policy.target == "none") {
        return tl::unexpected(section.errorAt("target", "clones add parameters, so the target network cannot be left "
                                                        "out of the surgery"));
    }
    if (net.spec().mixerShape.agents < 2) {
        return tl::unexpected(section.errorAt("method", "one agent cannot be split into groups"));
    }
    return std::make_unique<Gradps>(*config, net);
}

} // namespace knife
