// SPDX-License-Identifier: GPL-3.0-or-later
// Makes the frozen neurons of composites fewer (frozen_fit.h says how). Not exact: what is fitted is right on what the
// sites read on the newest episodes, up to the error of the fit. Live neurons keep their weights and moments.
//
// Which neurons stay is judged on the online network; the target network keeps the same ones and is fitted to its own
// function. Sites where nothing would become smaller are left alone, bit for bit.
#pragma once

#include <utility>

#include "core/plasticity/operations/frozen_fit.h"
#include "core/plasticity/operations/operation.h"

namespace knife {

class Consolidate final : public Operation {
  public:
    Consolidate(ConsolidateSettings settings, SiteInputsOf inputs)
        : m_settings(std::move(settings)), m_inputs(std::move(inputs)) {}
    /// The plan's units are composites whose frozen neurons may go. Also ErrorCode::Unsupported where knowledge goes on
    /// learning, and while there are no episodes to fit to.
    [[nodiscard]] Result<void> check(const SurgeryPlan& plan, const FactorizedNet& net) const override;
    void apply(FactorizedNet& net, const SurgeryPlan& plan, const SurgeryDraws& draws) const override {
        applyToBoth(net, nullptr, plan, draws);
    }
    void applyToBoth(FactorizedNet& online, FactorizedNet* target, const SurgeryPlan& plan,
                     const SurgeryDraws& draws) const override;
    [[nodiscard]] std::vector<SiteReceipt> receipts(const FactorizedNet& net, const SurgeryPlan& plan) const override;
    [[nodiscard]] bool changesStructure() const override { return true; }
    [[nodiscard]] bool leftAlone(const SiteReceipt& receipt) const override { return receipt.frozenParameters == 0; }
    [[nodiscard]] bool startsUnitsAnew() const override { return false; }

  private:
    ConsolidateSettings m_settings;
    SiteInputsOf m_inputs;
};

/// Units of a site that are composites, ascending; none where units are split between agents (unit_clones.h).
[[nodiscard]] std::vector<int> compositeUnits(const Site& site);
/// Why the frozen neurons of a site cannot be consolidated as the network stands, for people; empty: they can.
[[nodiscard]] std::string refuseConsolidation(const Site& site, const FactorizedNet& net);

} // namespace knife
