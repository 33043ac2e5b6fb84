// SPDX-License-Identifier: GPL-3.0-or-later
// GradPS's surgery (xmu-rl-3dv/GradPS): groups of agents get clones of a unit's incoming row (core/nets/unit_clones.h).
// Online and target network clone their own rows, so that neither's function changes by a bit.
#pragma once

#include <string>
#include <vector>

#include "core/plasticity/operations/operation.h"

namespace knife {

struct SplitUnitsSettings {
    bool operator==(const SplitUnitsSettings&) const = default;
};
void describe(FieldVisitor& visitor, SplitUnitsSettings& settings);

/// Why the units of a site cannot be split, for people; empty: they can.
[[nodiscard]] std::string refuseSplitting(const Site& site);
/// Whether a unit of a layer has neither composites nor clones: what a split asks for.
[[nodiscard]] bool isPlain(const CompositeLinear& layer, int unit);

/// A plan's units are split as its groups say. Policy "keep": clones begin with copies of the row's moments.
class SplitUnits final : public Operation {
  public:
    explicit SplitUnits(const SplitUnitsSettings&) {}
    [[nodiscard]] Result<void> check(const SurgeryPlan& plan, const FactorizedNet& net) const override;
    void apply(FactorizedNet& net, const SurgeryPlan& plan, const SurgeryDraws& draws) const override;
    /// Kind "split".
    [[nodiscard]] std::vector<SiteReceipt> receipts(const FactorizedNet& net, const SurgeryPlan& plan) const override;
    [[nodiscard]] bool preserves() const override { return true; }
    [[nodiscard]] bool changesStructure() const override { return true; }
};

} // namespace knife
