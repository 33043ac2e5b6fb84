// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/interventions/continual_backprop.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/plasticity/diagnostics/live_rows.h"
#include "core/plasticity/interventions/unit_tables.h"
#include "core/types/counter_rng.h"

namespace knife {

namespace {

constexpr auto kTables = [](auto& state) {
    return std::array{std::span(state.age), std::span(state.observations), std::span(state.utility),
                      std::span(state.mean), std::span(state.due)};
};

template <typename Config>
Result<std::unique_ptr<Intervention>> makeFrom(const Section& section, const FactorizedNet& net) {
    const auto config = readAtSites<Config>(section, net.sites(), &refuseFolding);
    if (!config) {
        return tl::unexpected(config.error());
    }
    return std::make_unique<ContinualBackprop>(*config, net.sites());
}

} // namespace

void describe(FieldVisitor& visitor, ContinualBackpropConfig& config) {
    describe(visitor, config.when);
    describe(visitor, config.policy);
    describeNeurons(visitor, config.reset);
    visitor.choice("utility", config.utility, {"what a unit is worth"},
                   {"contribution", "zero_mean", "adaptable", "first_order", "first_order_abs"});
    visitor.field("decay", config.decay, {"of the running means"}, {0, 0.999999});
    visitor.field("maturity", config.maturity, {"a unit lives longer before it can be replaced", "updates"}, {0, 1e12});
    visitor.field("replacement_rate", config.replacementRate, {"share of a site's mature units per update"}, {0, 1});
    visitor.choice("fractions", config.fractions, {"what becomes of fractions of units"}, {"accumulate", "chance"});
    visitor.field("observe_every", config.observeEvery,
                  {"between looks at activations; 1 as published, more is cheaper", "updates"}, {1, 1e9});
    visitor.field("as_released", config.asReleased, {"add no mean to biases, as the released code by mistake"});
}

ContinualBackprop::ContinualBackprop(ContinualBackpropConfig config, const SiteList& sites)
    : m_config(std::move(config)), m_sites(sites), m_states(sites.all().size()) {
    for (const std::size_t i : chosenSites(m_config.policy, sites, &refuseFolding)) {
        const auto units = static_cast<std::size_t>(sites.all()[i].units);
        const std::vector<double> zeros(units, 0.0);
        m_states[i] = {
            .watched = true, .age = zeros, .observations = zeros, .utility = zeros, .mean = zeros, .due = {0.0}};
    }
}

UpdateListener::Wishes ContinualBackprop::wishes(std::int64_t update) const {
    const bool looks = update % m_config.observeEvery == 0;
    return {.activations = looks, .valuesBefore = false, .activationGradients = looks && isFirstOrder()};
}

bool ContinualBackprop::isFirstOrder() const {
    return m_config.utility.starts_with("first_order");
}

void ContinualBackprop::stepped(const UpdateMoment& moment) {
    const bool looks = moment.taps != nullptr && wishes(moment.update).activations;
    for (std::size_t i = 0; i < m_states.size(); ++i) {
        SiteState& state = m_states[i];
        const Site& site = m_sites.all()[i];
        if (!state.watched) {
            continue;
        }
        for (double& age : state.age) {
            age += 1.0;
        }
        if (looks && m_rows.gather(site, (*moment.taps)[i], *moment.rows) && m_rows.rows() > 0) {
            observe(site, state, (*moment.taps)[i], *moment.rows);
        }
        if (m_config.fractions == "accumulate" && refuseFolding(site).empty()) { // not while composites stand before it
            state.due[0] += m_config.replacementRate * static_cast<double>(mature(state).size());
        }
    }
}

void ContinualBackprop::observe(const Site& site, SiteState& state, const SiteTap& tap, const RowValidity& rows) {
    const std::size_t units = state.age.size();
    const std::vector<double> means = m_rows.means();
    const bool centred = isFirstOrder() ? !m_config.asReleased : m_config.utility != "contribution";
    std::vector<double> centres(units, 0.0);
    for (std::size_t unit = 0; unit < units; ++unit) {
        state.observations[unit] += 1.0;
        state.mean[unit] = m_config.decay * state.mean[unit] + (1.0 - m_config.decay) * means[unit];
        if (centred) {
            centres[unit] = state.mean[unit] / (1.0 - std::pow(m_config.decay, state.observations[unit]));
        }
    }
    const std::vector<double> worth = worthNow(site, centres, tap, rows);
    for (std::size_t unit = 0; unit < units; ++unit) {
        state.utility[unit] = m_config.decay * state.utility[unit] + (1.0 - m_config.decay) * worth[unit];
    }
}

std::vector<double> ContinualBackprop::worthNow(const Site& site, const std::vector<double>& centres,
                                                const SiteTap& tap, const RowValidity& rows) {
    const std::vector<double> zeros(centres.size(), 0.0);
    if (isFirstOrder()) {
        if (!m_rows.gatherAttributions(site, tap, rows, centres)) {
            return zeros; // no gradient is recorded there
        }
        std::vector<double> worth = m_config.utility == "first_order" ? m_rows.means() : m_rows.meanDistances(zeros);
        std::ranges::transform(worth, worth.begin(), [](double value) { return std::abs(value); });
        return worth;
    }
    const MeanWeights weights = meanLiveWeights(site);
    std::vector<double> worth = m_rows.meanDistances(centres);
    for (std::size_t unit = 0; unit < worth.size(); ++unit) {
        worth[unit] *= weights.outgoing[unit];
        if (m_config.utility == "adaptable") {
            worth[unit] /= weights.incoming[unit];
        }
    }
    return worth;
}

std::vector<double> ContinualBackprop::utilities(std::size_t site) const {
    std::vector<double> corrected = m_states[site].utility;
    for (std::size_t unit = 0; unit < corrected.size(); ++unit) {
        corrected[unit] /= 1.0 - std::pow(m_config.decay, m_states[site].observations[unit]);
    }
    return corrected;
}

std::vector<double> ContinualBackprop::means(std::size_t site) const {
    std::vector<double> corrected = m_states[site].mean;
    for (std::size_t unit = 0; unit < corrected.size(); ++unit) {
        corrected[unit] /= 1.0 - std::pow(m_config.decay, m_states[site].observations[unit]);
    }
    return corrected;
}

std::vector<int> ContinualBackprop::mature(const SiteState& state) const {
    std::vector<int> units;
    for (std::size_t unit = 0; unit < state.age.size(); ++unit) {
        const bool known = state.observations[unit] > 0.0;
        if (known && state.age[unit] > static_cast<double>(m_config.maturity)) {
            units.push_back(static_cast<int>(unit));
        }
    }
    return units;
}

std::vector<int> ContinualBackprop::lowest(std::size_t site, std::size_t count) const {
    const std::vector<double> worth = utilities(site);
    std::vector<int> units = mature(m_states[site]);
    std::ranges::stable_sort(units, {}, [&](int unit) { return worth[static_cast<std::size_t>(unit)]; });
    units.resize(std::min(count, units.size()));
    std::ranges::sort(units);
    return units;
}

std::size_t ContinualBackprop::dueNow(std::size_t site, const InterventionView& view) const {
    if (m_config.fractions == "accumulate") {
        return static_cast<std::size_t>(m_states[site].due[0]);
    }
    const double expected = m_config.replacementRate * static_cast<double>(mature(m_states[site]).size());
    const std::string name = std::string(m_config.method) + "/" + m_sites.all()[site].name;
    CounterRng rng({view.seed, name, static_cast<std::uint64_t>(view.update)});
    const double whole = std::floor(expected);
    return static_cast<std::size_t>(whole) + (rng.chance(expected - whole) ? 1 : 0);
}

SurgeryPlan ContinualBackprop::propose(const InterventionView& view) const {
    SurgeryPlan plan = resetPlan(m_config.method, m_config.policy, m_config.reset);
    for (const std::size_t i : chosenSites(m_config.policy, m_sites, &refuseFolding)) {
        std::vector<int> units = lowest(i, dueNow(i, view));
        if (units.empty()) {
            continue;
        }
        const std::vector<double> hbar = means(i);
        SiteOperation operation{.site = m_sites.all()[i].name, .units = std::move(units)};
        for (const int unit : operation.units) {
            const double mean = m_config.asReleased ? 0.0 : hbar[static_cast<std::size_t>(unit)];
            operation.values.push_back(static_cast<float>(mean));
        }
        plan.operations.push_back(std::move(operation));
    }
    return plan;
}

void ContinualBackprop::touched(const std::vector<SiteReceipt>& sites) {
    for (std::size_t i = 0; i < m_states.size(); ++i) {
        SiteState& state = m_states[i];
        for (const SiteReceipt& receipt : sites) {
            if (!state.watched) {
                continue;
            }
            // What was due and has been replaced is due no longer, whoever did it.
            const std::vector<int> chosen = lowest(i, static_cast<std::size_t>(state.due[0]));
            for (const int unit : touchedUnits(m_sites.all()[i], receipt)) {
                const auto index = static_cast<std::size_t>(unit);
                state.due[0] -= std::ranges::binary_search(chosen, unit) ? 1.0 : 0.0;
                state.age[index] = state.observations[index] = state.utility[index] = state.mean[index] = 0.0;
            }
        }
    }
}

std::string ContinualBackprop::save() const {
    return saveStates(m_states, kTables);
}

bool ContinualBackprop::restore(std::string_view saved) {
    return restoreStates(saved, m_states, kTables);
}

Result<std::unique_ptr<Intervention>> makeContinualBackprop(const Section& section, const FactorizedNet& net) {
    return makeFrom<ContinualBackpropConfig>(section, net);
}

Result<std::unique_ptr<Intervention>> makeGxd(const Section& section, const FactorizedNet& net) {
    return makeFrom<GxdConfig>(section, net);
}

} // namespace knife
