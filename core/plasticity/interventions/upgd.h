// SPDX-License-Identifier: GPL-3.0-or-later
// Utility-based perturbed gradient descent (Elsayed, Mahmood 2024, arXiv 2404.00781) around the configured optimiser:
//
//   U <- beta U - (1 - beta) g theta,  s = sigmoid(U / (1 - beta^t) / largest of these),
//   theta <- (1 - lr decay) theta + f (1 - s) step - f lr sigma (1 - s) xi,  xi ~ N(0, 1)
//
// with the gradient g as the optimiser gets it (clipped) and `step` what the optimiser did. Useful weights, s near 1,
// move little; useless ones move and are shaken. The paper's Adam for reinforcement learning is f = 2.
#pragma once

#include "core/plasticity/interventions/block_intervention.h"
#include "core/plasticity/interventions/step_scope.h"

namespace knife {

struct UpgdConfig {
    double betaUtility = 0.999;
    double sigma = 1e-3;       ///< of the noise, in learning rates
    double weightDecay = 1e-3; ///< decoupled
    double stepFactor = 1.0;   ///< f
    bool protects = true;      ///< false: the step itself is not held back, only the noise is
    /// "global": utilities are divided by the largest of all. "local": each row of each parameter by its L2 norm.
    std::string utility = "global";
    StepScope scope;
};
void describe(FieldVisitor& visitor, UpgdConfig& config);

/// Its memory beside each block: utilities, then the number of updates that they were gathered in.
class Upgd final : public BlockIntervention {
  public:
    /// `net` must live in the CPU's memory and outlive this; noise is keyed by its seed and the update.
    Upgd(UpgdConfig config, const FactorizedNet& net);
    [[nodiscard]] Wishes wishes(std::int64_t /*update*/) const override { return {.valuesBefore = true}; }
    void stepped(const UpdateMoment& moment) override;
    /// Utilities of touched weights start at 0 again.
    void touched(const std::vector<SiteReceipt>& sites) override;

  private:
    void shake(const UpdateMoment& moment, const std::vector<StepBlocks::Block>& blocks, double largest);
    [[nodiscard]] at::Tensor utilityOf(const Parameter& parameter);

    UpgdConfig m_config;
    const FactorizedNet& m_net;
    std::vector<float> m_noise;
};

[[nodiscard]] Result<std::unique_ptr<Intervention>> makeUpgd(const Section& section, const FactorizedNet& net);

} // namespace knife
