// SPDX-License-Identifier: GPL-3.0-or-later
// Self-normalized resets (Farias & Jozefiak 2024): a unit starts anew when it has been silent for longer than its own
// history makes likely. Ages are valid agent-steps (steps, in mixers) since the unit last fired, counted in whole
// minibatches: 0 after one on which it fired. Every unit keeps a histogram of the ages at which it fired again. Every
// `thresholdEvery` updates its threshold becomes the percentile of that histogram if that is lower, else it doubles,
// within [rows of the minibatch, tau_max].
//
// How often thresholds are set and where they begin is not known here; they begin at tau_max. A reset clears the age
// and the histogram and keeps the threshold.
#pragma once

#include "core/plasticity/interventions/unit_reset.h"

namespace knife {

struct SelfNormalizedResetsConfig {
    TriggerConfig when{.trigger = "periodic", .every = 1, .at = {}};
    SurgeryPolicy policy = resetPolicy();
    ResetSettings reset;
    double percentile = 0.9;
    std::int64_t thresholdEvery = 100; ///< updates
    std::int64_t tauMax = 20000;       ///< agent-steps
    std::int64_t resolution = 100;     ///< agent-steps per cell of the histograms
    std::int64_t observeEvery = 1;     ///< updates; more is cheaper, and not what was published
};
void describe(FieldVisitor& visitor, SelfNormalizedResetsConfig& config);

class SelfNormalizedResets final : public Intervention, private UpdateListener {
  public:
    SelfNormalizedResets(SelfNormalizedResetsConfig config, const SiteList& sites);
    [[nodiscard]] const TriggerConfig& trigger() const override { return m_config.when; }
    [[nodiscard]] SurgeryPlan propose(const InterventionView& view) const override;
    void touched(const std::vector<SiteReceipt>& sites) override;
    [[nodiscard]] UpdateListener* listener() override { return this; }
    [[nodiscard]] std::string save() const override;
    [[nodiscard]] bool restore(std::string_view saved) override;

    /// In agent-steps, one per unit; empty for a site that is not operated on.
    [[nodiscard]] const std::vector<double>& ages(std::size_t site) const { return m_states[site].age; }
    [[nodiscard]] const std::vector<double>& thresholds(std::size_t site) const { return m_states[site].threshold; }

  private:
    struct SiteState {
        std::vector<double> age;
        std::vector<double> threshold;
        std::vector<double> histogram; ///< [units x cells]
    };
    [[nodiscard]] Wishes wishes(std::int64_t update) const override;
    void stepped(const UpdateMoment& moment) override;
    void age(SiteState& state) const;
    void setThresholds(SiteState& state) const;
    /// The end of the cell that holds the percentile; 0 where nothing was counted.
    [[nodiscard]] double percentileOf(const SiteState& state, std::size_t unit) const;

    SelfNormalizedResetsConfig m_config;
    const SiteList& m_sites;
    std::size_t m_cells;
    std::vector<SiteState> m_states;
    UnitRows m_rows;
};

[[nodiscard]] Result<std::unique_ptr<Intervention>> makeSelfNormalizedResets(const Section& section,
                                                                             const FactorizedNet& net);

} // namespace knife
