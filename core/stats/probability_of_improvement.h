// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <span>

#include "core/stats/score_matrix.h"

namespace knife {

/// Chance that a value drawn from x is above one drawn from y; equal values count half (Mann-Whitney U / (n_x n_y)).
/// NaN when one of them is empty or holds a NaN.
[[nodiscard]] double probabilityOfImprovement(std::span<const double> x, std::span<const double> y);
/// Its mean over tasks (Agarwal et al. 2021). Both have equal numbers of tasks.
[[nodiscard]] double probabilityOfImprovement(const ScoreMatrix& x, const ScoreMatrix& y);

} // namespace knife
