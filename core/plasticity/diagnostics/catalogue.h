// SPDX-License-Identifier: GPL-3.0-or-later
// One maker per unit diagnostic; each is defined in a file of its own family and listed in registry.cpp.
#pragma once

#include "core/plasticity/unit_statistic.h"

namespace knife {

/// u_j = mean over updates of ||dL/dw_j|| / (||w_j|| + 1e-8).
[[nodiscard]] UnitStatistic makeActivity(int units);
/// RUA_j = u_j / mean_k u_k (KNIFE, arXiv 2606.25335, as re-implemented by public ports).
[[nodiscard]] UnitStatistic makeRua(int units);
/// Mean over updates of ||dL/dw_j||.
[[nodiscard]] UnitStatistic makeGradNorm(int units);
/// Mean over updates of ||w_j||.
[[nodiscard]] UnitStatistic makeWeightNorm(int units);
/// Mean activation.
[[nodiscard]] UnitStatistic makeActivation(int units);
/// ReDo score E|h_j| / mean_k E|h_k| (Sokar et al. 2023).
[[nodiscard]] UnitStatistic makeDormancy(int units);
/// Share of rows on which the unit fires.
[[nodiscard]] UnitStatistic makeFiringShare(int units);

} // namespace knife
