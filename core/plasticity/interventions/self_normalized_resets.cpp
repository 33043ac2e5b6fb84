// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/interventions/self_normalized_resets.h"

#include <algorithm>
#include <array>

#include "core/plasticity/interventions/unit_tables.h"

namespace knife {

namespace {

constexpr auto kTables = [](auto& state) {
    return std::array{std::span(state.age), std::span(state.threshold), std::span(state.histogram)};
};

} // namespace

void describe(FieldVisitor& visitor, SelfNormalizedResetsConfig& config) {
    describe(visitor, config.when);
    describe(visitor, config.policy);
    describeNeurons(visitor, config.reset);
    visitor.field("percentile", config.percentile, {"of the ages at which a unit fired again"}, {0, 1});
    visitor.field("threshold_every", config.thresholdEvery, {"between new thresholds", "updates"}, {1, 1e12});
    visitor.field("tau_max", config.tauMax, {"largest threshold, and the first one", "agent steps"}, {1, 1e9});
    visitor.field("resolution", config.resolution, {"cell of the histograms", "agent steps"}, {1, 1e9});
    visitor.field("observe_every", config.observeEvery,
                  {"between looks at activations; 1 as published, more is cheaper", "updates"}, {1, 1e9});
}

SelfNormalizedResets::SelfNormalizedResets(SelfNormalizedResetsConfig config, const SiteList& sites)
    : m_config(std::move(config)),
      m_sites(sites),
      m_cells(static_cast<std::size_t>(m_config.tauMax / m_config.resolution) + 1),
      m_states(sites.all().size()) {
    for (const std::size_t i : chosenSites(m_config.policy, sites, &refuseResets)) {
        const auto units = static_cast<std::size_t>(sites.all()[i].units);
        m_states[i] = {.age = std::vector<double>(units, 0.0),
                       .threshold = std::vector<double>(units, static_cast<double>(m_config.tauMax)),
                       .histogram = std::vector<double>(units * m_cells, 0.0)};
    }
}

UpdateListener::Wishes SelfNormalizedResets::wishes(std::int64_t update) const {
    return {.activations = (update + 1) % m_config.observeEvery == 0};
}

void SelfNormalizedResets::stepped(const UpdateMoment& moment) {
    const bool looks = moment.taps != nullptr && wishes(moment.update).activations;
    // At the first look at or after the update that it is due at.
    const std::int64_t updates = moment.update + 1;
    const bool isDue = updates / m_config.thresholdEvery > (updates - m_config.observeEvery) / m_config.thresholdEvery;
    for (std::size_t i = 0; i < m_states.size(); ++i) {
        SiteState& state = m_states[i];
        if (!looks || state.age.empty() || !m_rows.gather(m_sites.all()[i], (*moment.taps)[i], *moment.rows)) {
            continue;
        }
        age(state);
        if (isDue) {
            setThresholds(state);
        }
    }
}

void SelfNormalizedResets::age(SiteState& state) const {
    const std::vector<bool> fired = m_rows.fired();
    for (std::size_t unit = 0; unit < state.age.size(); ++unit) {
        if (!fired[unit]) {
            state.age[unit] += static_cast<double>(m_rows.rows());
            continue;
        }
        const auto cell = static_cast<std::size_t>(state.age[unit]) / static_cast<std::size_t>(m_config.resolution);
        state.histogram[unit * m_cells + std::min(cell, m_cells - 1)] += 1.0;
        state.age[unit] = 0.0;
    }
}

double SelfNormalizedResets::percentileOf(const SiteState& state, std::size_t unit) const {
    const auto cells = std::span(state.histogram).subspan(unit * m_cells, m_cells);
    double total = 0.0;
    for (const double count : cells) {
        total += count;
    }
    double passed = 0.0;
    for (std::size_t cell = 0; cell < m_cells && total > 0.0; ++cell) {
        passed += cells[cell];
        if (passed > 0.0 && passed >= m_config.percentile * total) {
            return static_cast<double>((cell + 1) * static_cast<std::size_t>(m_config.resolution));
        }
    }
    return 0.0;
}

void SelfNormalizedResets::setThresholds(SiteState& state) const {
    const auto highest = static_cast<double>(m_config.tauMax);
    const double lowest = std::min(static_cast<double>(m_rows.rows()), highest);
    for (std::size_t unit = 0; unit < state.age.size(); ++unit) {
        const double percentile = percentileOf(state, unit);
        if (percentile <= 0.0) {
            continue; // it has never fired since its last reset: nothing is known of it
        }
        double& threshold = state.threshold[unit];
        threshold = std::clamp(percentile < threshold ? percentile : 2.0 * threshold, lowest, highest);
    }
}

SurgeryPlan SelfNormalizedResets::propose(const InterventionView&) const {
    SurgeryPlan plan = resetPlan("self_normalized_resets", m_config.policy, m_config.reset);
    for (const std::size_t i : chosenSites(m_config.policy, m_sites, &refuseResets)) {
        const SiteState& state = m_states[i];
        SiteOperation operation{.site = m_sites.all()[i].name, .units = {}};
        for (std::size_t unit = 0; unit < state.age.size(); ++unit) {
            if (state.age[unit] >= state.threshold[unit]) {
                operation.units.push_back(static_cast<int>(unit));
            }
        }
        if (!operation.units.empty()) {
            plan.operations.push_back(std::move(operation));
        }
    }
    return plan;
}

void SelfNormalizedResets::touched(const std::vector<SiteReceipt>& sites) {
    for (std::size_t i = 0; i < m_states.size(); ++i) {
        SiteState& state = m_states[i];
        for (const SiteReceipt& receipt : sites) {
            for (const int touchedUnit : touchedUnits(m_sites.all()[i], receipt)) {
                const auto unit = static_cast<std::size_t>(touchedUnit);
                if (unit >= state.age.size()) {
                    break; // a site that is not watched
                }
                state.age[unit] = 0.0;
                std::ranges::fill(std::span(state.histogram).subspan(unit * m_cells, m_cells), 0.0);
            }
        }
    }
}

std::string SelfNormalizedResets::save() const {
    return saveStates(m_states, kTables);
}

bool SelfNormalizedResets::restore(std::string_view saved) {
    return restoreStates(saved, m_states, kTables);
}

Result<std::unique_ptr<Intervention>> makeSelfNormalizedResets(const Section& section, const FactorizedNet& net) {
    const auto config = readAtSites<SelfNormalizedResetsConfig>(section, net.sites(), &refuseResets);
    if (!config) {
        return tl::unexpected(config.error());
    }
    if (config->tauMax / config->resolution > 100000) {
        return tl::unexpected(section.errorAt("resolution", "the histograms would have more than 100000 cells per "
                                                            "unit; use a coarser resolution or a lower tau_max"));
    }
    return std::make_unique<SelfNormalizedResets>(*config, net.sites());
}

} // namespace knife
