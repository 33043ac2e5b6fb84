// SPDX-License-Identifier: GPL-3.0-or-later
// Units start anew: incoming weights are drawn again, outgoing ones are taken away or drawn small. Of a composite only
// the live active neuron is reset; knowledge and compensation are part of what the network has learned by then and
// stay, so that a composite whose active neuron is silent is reset without a trace, as a plain unit is.
//
// With `fold_mean` the consumers' biases take over what the units gave on average: c += v_j * value_j, value_j being
// the mean activation that the plan holds. The mean output over the rows behind that mean does not move then.
#pragma once

#include <string>
#include <vector>

#include "core/nets/site.h"
#include "core/plasticity/operations/operation.h"

namespace knife {

struct ResetSettings {
    /// "layer": as the layer was built, from a new draw. "xavier": U(+-sqrt(6 / (fan_in + units))). "kaiming":
    /// U(+-sqrt(6 / fan_in)). "initial": the very values the row began with; a composite's active neuron its own.
    std::string incoming = "layer";
    std::string bias = "zero"; ///< "zero", "layer"
    /// "zero", "layer", or "small": a random direction over all consumers, its norm 0.02 times the median norm of the
    /// other live columns.
    std::string outgoing = "zero";
    bool scaleIncoming = false; ///< new rows get the mean norm of the other live rows
    bool foldMean = false;
    bool operator==(const ResetSettings&) const = default;
};
void describe(FieldVisitor& visitor, ResetSettings& settings);
/// Without fold_mean, which needs a plan with means.
void describeNeurons(FieldVisitor& visitor, ResetSettings& settings);

/// Why the units of a site cannot be reset, for people; empty: they can.
[[nodiscard]] std::string refuseResets(const Site& site);
/// Also of sites whose units can be reset, but not have their mean folded into a bias.
[[nodiscard]] std::string refuseFolding(const Site& site);

class ResetUnits final : public Operation {
  public:
    explicit ResetUnits(ResetSettings settings) : m_settings(std::move(settings)) {}
    [[nodiscard]] Result<void> check(const SurgeryPlan& plan, const FactorizedNet& net) const override;
    void apply(FactorizedNet& net, const SurgeryPlan& plan, const SurgeryDraws& draws) const override;
    /// Kind "reset"; nothing is added.
    [[nodiscard]] std::vector<SiteReceipt> receipts(const FactorizedNet& net, const SurgeryPlan& plan) const override;

  private:
    ResetSettings m_settings;
};

} // namespace knife
