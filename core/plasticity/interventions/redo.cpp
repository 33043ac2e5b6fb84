// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/interventions/redo.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace knife {

namespace {

constexpr double kEpsilon = 1e-9; // beside the mean, as in the released code
constexpr double kUnmeasured = std::numeric_limits<double>::quiet_NaN();

// Scores of a window. A unit that was operated on has to be seen for a full window first.
std::vector<double> windowScores(const Diagnostics::SiteState& state, bool open) {
    std::vector<double> scores;
    if (open) {
        const auto found = std::ranges::find(state.statistics, "dormancy", &UnitStatistic::name);
        const std::vector<float> values = found->read().front().values;
        scores.assign(values.begin(), values.end());
    } else {
        const auto found = std::ranges::find(state.lastWindow, "dormancy", &UnitDiagnostic::name);
        if (found != state.lastWindow.end()) {
            scores.assign(found->values.begin(), found->values.end());
        }
    }
    for (std::size_t unit = 0; !open && unit < scores.size(); ++unit) {
        scores[unit] = state.windowsSinceTouch[unit] < 1 ? kUnmeasured : scores[unit];
    }
    return scores;
}

// The share that the released code's schedule recycles.
double annealed(const RedoConfig& config, std::int64_t update) {
    const double passed = std::min(1.0, static_cast<double>(update) / static_cast<double>(config.annealUpdates));
    return config.share * 0.5 * (1.0 + std::cos(std::numbers::pi * passed));
}

} // namespace

void describe(FieldVisitor& visitor, RedoConfig& config) {
    describe(visitor, config.when);
    describe(visitor, config.policy);
    describeNeurons(visitor, config.reset);
    visitor.field("tau", config.tau, {"units are dormant up to so many times their layer's mean activation"}, {0, 10});
    visitor.choice("statistics", config.statistics, {"what activations are read from"},
                   {"last_window", "open_window", "centred_batch"});
    visitor.field("observe_every", config.observeEvery, {"for statistics \"centred_batch\"", "updates"}, {1, 1e9});
    visitor.choice("selection", config.selection, {"which units are recycled"}, {"threshold", "annealed"});
    visitor.field("share", config.share, {"of a site's units at first, for selection \"annealed\""}, {0, 1});
    visitor.field("anneal_updates", config.annealUpdates, {"until that share is 0", "updates"}, {1, 1e12});
}

Redo::Redo(RedoConfig config, const SiteList& sites) : m_config(std::move(config)) {
    if (m_config.statistics == "centred_batch") {
        m_batch.emplace(BatchScores::Of::CentredActivation, m_config.observeEvery, sites,
                        chosenSites(m_config.policy, sites, &refuseResets));
    }
}

std::vector<double> Redo::scores(const Diagnostics& diagnostics, std::size_t site) const {
    if (!m_batch) {
        return windowScores(diagnostics.state().sites[site], m_config.statistics == "open_window");
    }
    std::vector<double> scores = m_batch->scores(site);
    divideByMean(scores, kEpsilon);
    return scores;
}

SurgeryPlan Redo::propose(const InterventionView& view) const {
    SurgeryPlan plan = resetPlan("redo", m_config.policy, m_config.reset);
    const bool byThreshold = m_config.selection == "threshold";
    const double threshold = byThreshold ? m_config.tau : std::numeric_limits<double>::infinity();
    const double share = byThreshold ? 1.0 : annealed(m_config, view.update);
    const SiteList& sites = view.net.sites();
    for (const std::size_t i : chosenSites(m_config.policy, sites, &refuseResets)) {
        std::vector<int> units = lowestUnits(scores(view.diagnostics, i), threshold, share);
        if (!units.empty()) {
            plan.operations.push_back({.site = sites.all()[i].name, .units = std::move(units)});
        }
    }
    return plan;
}

void Redo::touched(const std::vector<SiteReceipt>& sites) {
    if (m_batch) {
        m_batch->touched(sites);
    }
}

Result<std::unique_ptr<Intervention>> makeRedo(const Section& section, const FactorizedNet& net) {
    const auto config = readAtSites<RedoConfig>(section, net.sites(), &refuseResets);
    if (!config) {
        return tl::unexpected(config.error());
    }
    return std::make_unique<Redo>(*config, net.sites());
}

} // namespace knife
