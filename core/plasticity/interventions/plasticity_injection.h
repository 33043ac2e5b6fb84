// SPDX-License-Identifier: GPL-3.0-or-later
// Plasticity injection (Nikishin et al. 2023, arXiv 2305.15555): h becomes h (frozen) + h1' (trained) - h2' (frozen),
// h1' and h2' being the same fresh draw, so that nothing changes but what can be learned. That is KNIFE's surgery on
// every unit at once; here the scope says of which layers. Injections before an absolute value (hypernetworks) keep
// Q_tot, because the sum sits before it.
#pragma once

#include <memory>
#include <string>

#include "core/plasticity/interventions/intervention.h"
#include "core/plasticity/operations/inject.h"

namespace knife {

struct PlasticityInjectionConfig {
    TriggerConfig when;
    /// "agent_head": the last layer of the acting agents. "agent": that and their layers that accept composites.
    /// "mixer": everything else that accepts any. "all".
    std::string scope = "agent_head";
    std::string optimiser = "mean_fill"; ///< "mean_fill", "zero", "keep", "reset_all"
    std::string target = "mirror";       ///< "mirror", "hard_sync"
    InjectSettings inject;
};
void describe(FieldVisitor& visitor, PlasticityInjectionConfig& config);

class PlasticityInjection final : public Intervention {
  public:
    explicit PlasticityInjection(PlasticityInjectionConfig config) : m_config(std::move(config)) {}
    [[nodiscard]] const TriggerConfig& trigger() const override { return m_config.when; }
    [[nodiscard]] SurgeryPlan propose(const InterventionView& view) const override;

  private:
    PlasticityInjectionConfig m_config;
};

[[nodiscard]] Result<std::unique_ptr<Intervention>> makePlasticityInjection(const Section& section,
                                                                            const FactorizedNet& net);

} // namespace knife
