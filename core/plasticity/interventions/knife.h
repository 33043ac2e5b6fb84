// SPDX-License-Identifier: GPL-3.0-or-later
// KNIFE (arXiv 2606.25335): every stagnant unit becomes a composite of knowledge, active and compensation neuron.
// Established by the paper's abstract: what is replaced by what, and that the output is kept. Thresholds, timing,
// persistence and the cap are not known from it and are therefore options.
#pragma once

#include "core/plasticity/interventions/intervention.h"
#include "core/plasticity/interventions/surgery_policy.h"
#include "core/plasticity/operations/compose.h"
#include "core/plasticity/operations/frozen_fit.h"
#include "core/plasticity/operations/shrink_units.h"

namespace knife {

struct KnifeConfig {
    TriggerConfig when;
    SurgeryPolicy policy;
    std::int64_t persistence = 2; ///< windows in a row that a unit must have been stagnant
    double maxFraction = 0.25;    ///< of a site's units per surgery, at least one, lowest RUA first; 0: none
    double maxFrozenRatio =
        0.0;                ///< a site with more frozen than so many times its trainable parameters is left; 0: none is
    bool reviveAll = false; ///< operate on layers that no gradient reaches, too
    ComposeSettings compose;
    std::string consolidation = "none"; ///< "none", "prune", "lstsq", "distill": of frozen neurons, before each surgery
    /// What becomes of a site at maxFrozenRatio: "skip" leaves it alone; "consolidate": frozen neurons are consolidated
    /// only there and then, and what still would exceed it is left alone.
    std::string atLimit = "skip";
    ConsolidateSettings fit;             ///< its policy is `consolidation`
    std::string volatileAction = "none"; ///< of units above volatile_above: "none", "shrink", "reset"
    ShrinkUnitsSettings shrink;
};
void describe(FieldVisitor& visitor, KnifeConfig& config);

/// Sites that take no composites, with their reason.
[[nodiscard]] std::string refuseComposites(const Site& site);

[[nodiscard]] Result<std::unique_ptr<Intervention>> makeKnife(const Section& section, const FactorizedNet& net);

class Knife final : public Intervention {
  public:
    explicit Knife(KnifeConfig config) : m_config(std::move(config)) {}
    [[nodiscard]] const TriggerConfig& trigger() const override { return m_config.when; }
    [[nodiscard]] std::vector<SurgeryPlan> prepare(const InterventionView& view) const override;
    [[nodiscard]] SurgeryPlan propose(const InterventionView& view) const override;

  private:
    [[nodiscard]] SurgeryPlan consolidation(const InterventionView& view) const;
    [[nodiscard]] SurgeryPlan calming(const InterventionView& view) const;
    /// Whether that many units more keep to maxFrozenRatio.
    [[nodiscard]] bool mayGrow(const Site& site, std::size_t units) const;
    [[nodiscard]] std::vector<int> stagnantUnits(const Diagnostics& diagnostics, std::size_t site, int units) const;
    KnifeConfig m_config;
};

} // namespace knife
