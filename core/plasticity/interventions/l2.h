// SPDX-License-Identifier: GPL-3.0-or-later
// L2 and L2-init (Kumar, Marklund, Van Roy 2023, arXiv 2308.11958): weights are pulled towards zero, or towards where
// they began. As a term of the loss, c sum (theta - origin)^2, or decoupled from the optimiser (Loshchilov, Hutter
// 2019): theta -= lr c (theta - origin) after its step.
#pragma once

#include "core/plasticity/interventions/block_intervention.h"
#include "core/plasticity/interventions/step_scope.h"

namespace knife {

struct L2Config {
    double strength = 1e-3; ///< c
    std::string mode = "decoupled";
    bool biases = true;
    bool norms = false;
    StepScope scope;
};
void describe(FieldVisitor& visitor, L2Config& config);

struct L2InitConfig : L2Config {
    L2InitConfig() { strength = 1e-2; }
};

enum class Origin : std::uint8_t { Zero, Initial };

class L2 final : public BlockIntervention {
  public:
    /// For Origin::Initial, entries begin at what they hold when they are first seen: those of `net` now, those that a
    /// surgery adds when it is told of it. `net` must outlive this.
    L2(L2Config config, Origin origin, const FactorizedNet& net);
    [[nodiscard]] Wishes wishes(std::int64_t /*update*/) const override {
        return {.addsToGradients = m_config.mode == "coupled"};
    }
    void differentiated(const UpdateMoment& moment) override;
    void stepped(const UpdateMoment& moment) override;

  private:
    L2Config m_config;
};

[[nodiscard]] Result<std::unique_ptr<Intervention>> makeL2(const Section& section, const FactorizedNet& net);
[[nodiscard]] Result<std::unique_ptr<Intervention>> makeL2Init(const Section& section, const FactorizedNet& net);

} // namespace knife
