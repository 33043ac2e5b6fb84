// SPDX-License-Identifier: GPL-3.0-or-later
// Incoming weights and biases of live neurons times a factor; outgoing weights and moments stay. Not preserving: with
// ReLU a unit gives that factor of what it gave.
#pragma once

#include "core/plasticity/operations/operation.h"

namespace knife {

struct ShrinkUnitsSettings {
    double factor = 0.5;
    bool operator==(const ShrinkUnitsSettings&) const = default;
};
void describe(FieldVisitor& visitor, ShrinkUnitsSettings& settings);

class ShrinkUnits final : public Operation {
  public:
    explicit ShrinkUnits(const ShrinkUnitsSettings& settings) : m_settings(settings) {}
    /// Sites as "reset_units" (refuseResets()).
    [[nodiscard]] Result<void> check(const SurgeryPlan& plan, const FactorizedNet& net) const override;
    void apply(FactorizedNet& net, const SurgeryPlan& plan, const SurgeryDraws& draws) const override;
    [[nodiscard]] std::vector<SiteReceipt> receipts(const FactorizedNet& net, const SurgeryPlan& plan) const override;

  private:
    ShrinkUnitsSettings m_settings;
};

} // namespace knife
