// SPDX-License-Identifier: GPL-3.0-or-later
// KNIFE (arXiv 2606.25335): every stagnant unit becomes a composite of knowledge, active and compensation neuron.
// Established by the paper's abstract: what is replaced by what, and that the output is kept. Thresholds, timing,
// persistence and the cap are not known from it and are therefore options.
#pragma once

#include "core/plasticity/interventions/intervention.h"
#include "core/plasticity/interventions/surgery_policy.h"
#include "core/plasticity/operations/compose.h"

namespace knife {

struct KnifeConfig {
    TriggerConfig when;
    SurgeryPolicy policy;
    std::int64_t persistence = 2; ///< windows in a row that a unit must have been stagnant
    double maxFraction = 0.25;    ///< of the units of a site per surgery, at least one, lowest RUA first
    double maxFrozenRatio =
        0.0;                ///< a site with more frozen than so many times its trainable parameters is left; 0: none is
    bool reviveAll = false; ///< operate on layers that no gradient reaches, too
    ComposeSettings compose;
};
void describe(FieldVisitor& visitor, KnifeConfig& config);

/// Sites that take no composites, with their reason.
[[nodiscard]] std::string refuseComposites(const Site& site);

class Knife final : public Intervention {
  public:
    explicit Knife(KnifeConfig config) : m_config(std::move(config)) {}
    [[nodiscard]] const TriggerConfig& trigger() const override { return m_config.when; }
    [[nodiscard]] SurgeryPlan propose(const InterventionView& view) const override;

  private:
    /// Whether that many units more keep to maxFrozenRatio.
    [[nodiscard]] bool mayGrow(const Site& site, std::size_t units) const;
    [[nodiscard]] std::vector<int> stagnantUnits(const Diagnostics& diagnostics, std::size_t site, int units) const;
    KnifeConfig m_config;
};

} // namespace knife
