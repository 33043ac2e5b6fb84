// SPDX-License-Identifier: GPL-3.0-or-later
// Shrink and perturb (Ash & Adams 2020), in the three forms that released code has:
//
//   "interval"        theta <- keep theta + (1 - keep) source, when triggered
//   "every_update"    theta <- (1 - shrink) theta + perturb source, after every update; with source "initial" and both
//                     factors 1e-6 this is Plasticine's form (RLE-Foundation/Plasticine)
//   "decay_and_noise" theta <- (1 - lr decay) theta + sigma N(0, 1), after every update (shibhansh/loss-of-plasticity)
//
// source: a new draw each time, or the initial values. Frozen entries stay. Forms that act in every update touch the
// online network only, leave no receipts and ignore the trigger; the target follows at its next copy.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/plasticity/interventions/intervention.h"
#include "core/plasticity/interventions/module_scope.h"
#include "core/plasticity/operations/blend.h"

namespace knife {

struct ShrinkAndPerturbConfig {
    std::string mode = "interval";
    TriggerConfig when;
    ModuleScope where;
    ModulePolicy policy{.optimiser = "keep", .target = "mirror"};
    std::string source = "fresh"; ///< "fresh", "initial"
    double keep = 0.8;
    double shrink = 1e-4;
    double perturb = 1e-4;
    double decay = 1e-4;
    double sigma = 1e-5;
};
void describe(FieldVisitor& visitor, ShrinkAndPerturbConfig& config);

class ShrinkAndPerturb final : public Intervention, public UpdateListener {
  public:
    /// `net` must outlive this.
    ShrinkAndPerturb(ShrinkAndPerturbConfig config, const FactorizedNet& net);
    [[nodiscard]] const TriggerConfig& trigger() const override { return m_config.when; }
    [[nodiscard]] SurgeryPlan propose(const InterventionView& view) const override;
    [[nodiscard]] UpdateListener* listener() override { return m_isInterval ? nullptr : this; }
    void stepped(const UpdateMoment& moment) override;

  private:
    ShrinkAndPerturbConfig m_config;
    const FactorizedNet& m_net;
    bool m_isInterval;
    std::vector<std::string> m_modules;
    std::unique_ptr<FactorizedNet> m_initial; ///< where it is blended with in every update
};

[[nodiscard]] Result<std::unique_ptr<Intervention>> makeShrinkAndPerturb(const Section& section,
                                                                         const FactorizedNet& net);

} // namespace knife
