// SPDX-License-Identifier: GPL-3.0-or-later
// ReGraMa (arXiv 2505.24061, after the implementation in AgileRL 2.13): units with a small relative gradient magnitude
// G_j = E|dL/dz_j| / mean_k E|dL/dz_k| of the newest minibatch start anew; z is what goes into the activation. A layer
// that no gradient reaches is dormant as a whole. Threshold, new weights and outgoing norm are AgileRL's; how often the
// paper resets is not known here.
#pragma once

#include "core/plasticity/interventions/unit_reset.h"

namespace knife {

struct RegramaConfig {
    TriggerConfig when{.trigger = "periodic", .every = 1000, .at = {}};
    SurgeryPolicy policy{.sites = {}, .optimiser = "mean_fill", .target = "hard_sync"};
    ResetSettings reset{.incoming = "xavier", .outgoing = "small"};
    double tau = 0.01;              ///< inclusive
    double maxShare = 1.0;          ///< of the units of a site per surgery, lowest first
    std::int64_t observeEvery = 10; ///< updates between looks at a minibatch
};
void describe(FieldVisitor& visitor, RegramaConfig& config);

class Regrama final : public Intervention {
  public:
    Regrama(RegramaConfig config, const SiteList& sites);
    [[nodiscard]] const TriggerConfig& trigger() const override { return m_config.when; }
    [[nodiscard]] SurgeryPlan propose(const InterventionView& view) const override;
    void touched(const std::vector<SiteReceipt>& sites) override { m_batch.touched(sites); }
    [[nodiscard]] UpdateListener* listener() override { return &m_batch; }
    [[nodiscard]] std::string save() const override { return m_batch.save(); }
    [[nodiscard]] bool restore(std::string_view saved) override { return m_batch.restore(saved); }

  private:
    RegramaConfig m_config;
    BatchScores m_batch;
};

[[nodiscard]] Result<std::unique_ptr<Intervention>> makeRegrama(const Section& section, const FactorizedNet& net);

} // namespace knife
