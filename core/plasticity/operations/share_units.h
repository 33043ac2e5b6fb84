// SPDX-License-Identifier: GPL-3.0-or-later
// ReBorn's surgery (xmu-rl-3dv/ReBorn): dormant units take a share of over-active ones. With r_m ~ U(low, high) per
// dormant partner m of donor i and, per output o, p_0 … p_M a softmax over standard normals:
//
//   w_m = r_m w_i,  b_m = r_m b_i,  v_m,o = v_i,o p_m,o / r_m,  then v_i,o = v_i,o p_0,o
//
// Because relu(r z) = r relu(z) for r > 0 the sum over donor and partners is what the donor gave before; what is lost
// is what the dormant units gave. A dormant unit without a donor gets fresh incoming weights and outgoing zeros.
#pragma once

#include <string>
#include <vector>

#include "core/plasticity/operations/operation.h"

namespace knife {

struct ShareUnitsSettings {
    double low = 0.3; ///< of the factor on incoming weights
    double high = 0.8;
    bool operator==(const ShareUnitsSettings&) const = default;
};
void describe(FieldVisitor& visitor, ShareUnitsSettings& settings);

/// Why the units of a site cannot share, for people; empty: they can.
[[nodiscard]] std::string refuseSharing(const Site& site);
/// Whether a unit has clones (core/nets/unit_clones.h): such units neither give nor take shares.
[[nodiscard]] bool isSplit(const Site& site, int unit);

/// A plan's units are the dormant ones, its partners the donor of each or -1.
class ShareUnits final : public Operation {
  public:
    explicit ShareUnits(ShareUnitsSettings settings) : m_settings(settings) {}
    [[nodiscard]] Result<void> check(const SurgeryPlan& plan, const FactorizedNet& net) const override;
    void apply(FactorizedNet& net, const SurgeryPlan& plan, const SurgeryDraws& draws) const override;
    /// Kind "reborn".
    [[nodiscard]] std::vector<SiteReceipt> receipts(const FactorizedNet& net, const SurgeryPlan& plan) const override;

  private:
    ShareUnitsSettings m_settings;
};

} // namespace knife
