// SPDX-License-Identifier: GPL-3.0-or-later
// Weight clipping (Elsayed, Lan, Lyle, Mahmood 2024, arXiv 2407.01704): after every step, weights and biases are
// clamped to kappa / sqrt(fan_in), a multiple of the bound that they were drawn within.
#pragma once

#include "core/plasticity/interventions/block_intervention.h"
#include "core/plasticity/interventions/step_scope.h"

namespace knife {

struct WeightClippingConfig {
    double kappa = 1.0;
    bool biases = true;
    StepScope scope;
};
void describe(FieldVisitor& visitor, WeightClippingConfig& config);

class WeightClipping final : public BlockIntervention {
  public:
    /// `net` must outlive this.
    WeightClipping(WeightClippingConfig config, const FactorizedNet& net);
    void stepped(const UpdateMoment& moment) override;

  private:
    WeightClippingConfig m_config;
};

[[nodiscard]] Result<std::unique_ptr<Intervention>> makeWeightClipping(const Section& section,
                                                                       const FactorizedNet& net);

} // namespace knife
