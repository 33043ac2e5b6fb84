// SPDX-License-Identifier: GPL-3.0-or-later
// Plasticity injection into whole layers: composites of the units that the plan names (compose.h), and branches of the
// linear layers without activation that it names as modules (injected_linear.h).
#pragma once

#include <string>
#include <vector>

#include "core/plasticity/operations/compose.h"
#include "core/plasticity/operations/operation.h"

namespace knife {

struct InjectSettings {
    bool operator==(const InjectSettings&) const = default;
};
void describe(FieldVisitor& visitor, InjectSettings& settings);

class Inject final : public Operation {
  public:
    explicit Inject(const InjectSettings&) : m_compose(ComposeSettings{}) {}
    /// Also ErrorCode::Usage where a module is no layer that accepts an injection; it lists those that do.
    [[nodiscard]] Result<void> check(const SurgeryPlan& plan, const FactorizedNet& net) const override;
    void apply(FactorizedNet& net, const SurgeryPlan& plan, const SurgeryDraws& draws) const override;
    /// Kind "composite" at sites, "injected" at layers.
    [[nodiscard]] std::vector<SiteReceipt> receipts(const FactorizedNet& net, const SurgeryPlan& plan) const override;
    [[nodiscard]] bool preserves() const override { return true; }
    [[nodiscard]] bool changesStructure() const override { return true; }

  private:
    Compose m_compose;
};

} // namespace knife
