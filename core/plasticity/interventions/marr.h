// SPDX-License-Identifier: GPL-3.0-or-later
// MARR (Yang et al. 2024, "Sample-efficient multi-agent reinforcement learning with reset replay"; CNDOTA/ICML24-MARR):
// every 2000 episodes all weights, of online and target network alike, move towards their initial values,
// theta <- .8 theta + .2 theta_0; the optimiser is not reset. With `amplitude` every sampled episode's observations and
// states are multiplied by one z ~ U(1 - amplitude, 1 + amplitude), the method's random amplitude scaling. Its high
// replay ratio is learning.updates_per_rollout.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/plasticity/interventions/intervention.h"

namespace knife {

struct MarrConfig {
    TriggerConfig when{.trigger = "periodic", .every = 2000, .unit = "episodes", .at = {}};
    double keep = 0.8;
    double amplitude = 0.2; ///< 0: episodes are not scaled
};
void describe(FieldVisitor& visitor, MarrConfig& config);

class Marr final : public Intervention, public UpdateListener {
  public:
    Marr(MarrConfig config, const FactorizedNet& net);
    [[nodiscard]] const TriggerConfig& trigger() const override { return m_config.when; }
    [[nodiscard]] SurgeryPlan propose(const InterventionView& view) const override;
    [[nodiscard]] UpdateListener* listener() override { return m_config.amplitude > 0.0 ? this : nullptr; }
    void sampled(SampledInputs& batch) override;

  private:
    MarrConfig m_config;
    std::uint64_t m_seed;
    std::int64_t m_agents;
    std::int64_t m_obs;
    std::vector<std::string> m_modules;
};

[[nodiscard]] Result<std::unique_ptr<Intervention>> makeMarr(const Section& section, const FactorizedNet& net);

} // namespace knife
