// SPDX-License-Identifier: GPL-3.0-or-later
// One maker per unit diagnostic; each is defined in a file of its own family and listed in registry.cpp.
#pragma once

#include "core/plasticity/unit_statistic.h"

namespace knife {

/// RUA_j = u_j / mean_k u_k (KNIFE, arXiv 2606.25335, as re-implemented by public ports), where the activity u_j is the
/// mean over updates of ||dL/dw_j|| / (||w_j|| + 1e-8), or as the rule says. Reads "rua" and "activity".
[[nodiscard]] UnitStatistic makeRua(int units, const RuaRule& rule = {});
/// RUA by the gradient of one agent's rows alone: mean over recorded updates of ||g|| / (||w|| + 1e-8), relative to the
/// layer as the rule says.
[[nodiscard]] UnitStatistic makeAgentRua(int units, int agent, const RuaRule& rule);
/// Mean over updates of ||dL/dw_j||.
[[nodiscard]] UnitStatistic makeGradNorm(int units);
/// Mean over updates of ||w_j||.
[[nodiscard]] UnitStatistic makeWeightNorm(int units);
/// Mean over updates of |dL/dw_j . w_j|: to first order, what the loss would lose with the unit's row.
[[nodiscard]] UnitStatistic makeSaliency(int units);
/// ||w_j - w_j at birth|| / ||w_j at birth||; a composite is born at its surgery.
[[nodiscard]] UnitStatistic makeDistance(int units);
/// Mean activation.
[[nodiscard]] UnitStatistic makeActivation(int units);
/// ReDo score E|h_j| / mean_k E|h_k| (Sokar et al. 2023).
[[nodiscard]] UnitStatistic makeDormancy(int units);
/// Share of rows on which the unit fires.
[[nodiscard]] UnitStatistic makeFiringShare(int units);
/// Share of rows on which an ELU has less than a hundredth of its slope.
[[nodiscard]] UnitStatistic makeSaturation(int units);
/// Contribution utility mean_o |v_oj| E|h_j| (Dohare et al. 2024), of this window.
[[nodiscard]] UnitStatistic makeContribution(int units);
/// Contribution over adaptation, the same divided by mean_i |w_ji|.
[[nodiscard]] UnitStatistic makeAdaptableContribution(int units);
/// GraMa E|dL/dz_j| / mean_k E|dL/dz_k|, z before the activation (arXiv 2505.24061).
[[nodiscard]] UnitStatistic makeGrama(int units);
/// GradPS efficiency |sum_a G_aj| / sum_a |G_aj|, G_aj = sum over the rows of agent a of h_aj dL/dh_aj.
[[nodiscard]] UnitStatistic makeEfficiency(int units);
/// GXD: |E[h_j dL/dh_j]|, to first order what the loss changes by when the unit gives nothing (arXiv 2605.06834).
[[nodiscard]] UnitStatistic makeAttribution(int units);
/// The same for a unit that gives its mean: |E[(h_j - E h_j) dL/dh_j]|, expectations over one update.
[[nodiscard]] UnitStatistic makeCentredAttribution(int units);

} // namespace knife
