// SPDX-License-Identifier: GPL-3.0-or-later
// All parameters of some modules get the values of another draw, or their initial ones. Composites and injections
// whose weights are among them end: their branches are taken out and what was knowledge learns again.
#pragma once

#include <string>
#include <vector>

#include "core/plasticity/operations/operation.h"

namespace knife {

struct RedrawSettings {
    std::string source = "fresh"; ///< "fresh": another draw; "initial": the values the run began with
    bool operator==(const RedrawSettings&) const = default;
};
void describe(FieldVisitor& visitor, RedrawSettings& settings);

class Redraw final : public Operation {
  public:
    explicit Redraw(RedrawSettings settings) : m_settings(std::move(settings)) {}
    /// Also ErrorCode::Usage where branches would end and the target network is left out.
    [[nodiscard]] Result<void> check(const SurgeryPlan& plan, const FactorizedNet& net) const override;
    void apply(FactorizedNet& net, const SurgeryPlan& plan, const SurgeryDraws& draws) const override;
    /// Kind "redrawn", one per module; parameters that went with branches are not in it.
    [[nodiscard]] std::vector<SiteReceipt> receipts(const FactorizedNet& net, const SurgeryPlan& plan) const override;

  private:
    RedrawSettings m_settings;
};

} // namespace knife
