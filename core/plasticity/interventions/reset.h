// SPDX-License-Identifier: GPL-3.0-or-later
// Periodic resets (Nikishin et al. 2022, "The primacy bias in deep reinforcement learning"; evgenii-nikishin/
// rl_with_resets): some layers are drawn anew, their optimiser state is cleared, the replay buffer stays. With scope
// "all" at task switches the network is a fresh one for every task: a control arm of continual studies.
#pragma once

#include <memory>

#include "core/plasticity/interventions/intervention.h"
#include "core/plasticity/interventions/module_scope.h"
#include "core/plasticity/operations/redraw.h"

namespace knife {

struct ResetConfig {
    TriggerConfig when{.trigger = "periodic", .every = 200000, .unit = "env_steps", .at = {}};
    ModuleScope where{.scope = "head"};
    ModulePolicy policy;
    RedrawSettings redraw;
};
void describe(FieldVisitor& visitor, ResetConfig& config);

class Reset final : public Intervention {
  public:
    explicit Reset(ResetConfig config) : m_config(std::move(config)) {}
    [[nodiscard]] const TriggerConfig& trigger() const override { return m_config.when; }
    [[nodiscard]] SurgeryPlan propose(const InterventionView& view) const override;

  private:
    ResetConfig m_config;
};

[[nodiscard]] Result<std::unique_ptr<Intervention>> makeReset(const Section& section, const FactorizedNet& net);

} // namespace knife
