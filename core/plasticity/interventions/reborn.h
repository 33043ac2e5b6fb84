// SPDX-License-Identifier: GPL-3.0-or-later
// ReBorn (xmu-rl-3dv/ReBorn): units whose mean activation is far below their layer's take over shares of units far
// above it (operations/share_units.h). Scores are mean activations over valid steps of the newest diagnostics window;
// the released code reads the newest 32 episodes with their padding.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/plasticity/interventions/intervention.h"
#include "core/plasticity/interventions/surgery_policy.h"
#include "core/plasticity/operations/share_units.h"

namespace knife {

struct RebornConfig {
    TriggerConfig when{.trigger = "periodic", .every = 2, .unit = "evaluations", .at = {}};
    /// The released code leaves optimiser and target alone and operates on mixers only.
    SurgeryPolicy policy{.sites = {"mixer"}, .optimiser = "keep", .target = "none"};
    double dormantBelow = 0.1;    ///< times the layer's mean, inclusive
    double overactiveAbove = 3.0; ///< times the layer's mean, exclusive
    std::int64_t maxPartners = 5; ///< of one over-active unit
    ShareUnitsSettings share;
};
void describe(FieldVisitor& visitor, RebornConfig& config);

class Reborn final : public Intervention {
  public:
    explicit Reborn(RebornConfig config) : m_config(std::move(config)) {}
    [[nodiscard]] const TriggerConfig& trigger() const override { return m_config.when; }
    [[nodiscard]] SurgeryPlan propose(const InterventionView& view) const override;

    /// Dormant units with a donor each, from one mean activation per unit. NaN: not measured, left alone.
    [[nodiscard]] SiteOperation match(const Site& site, const std::vector<float>& activation, CounterRng rng) const;

  private:
    RebornConfig m_config;
};

[[nodiscard]] Result<std::unique_ptr<Intervention>> makeReborn(const Section& section, const FactorizedNet& net);

} // namespace knife
