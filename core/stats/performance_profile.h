// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <span>
#include <vector>

#include "core/stats/bootstrap.h"
#include "core/stats/score_matrix.h"

namespace knife {

/// Share of cells above each threshold tau (Agarwal et al. 2021: run-score distribution).
[[nodiscard]] std::vector<double> performanceProfile(const ScoreMatrix& scores, std::span<const double> taus);
/// With pointwise bands; kCurveReps resamples are customary.
[[nodiscard]] std::vector<Estimate> performanceBands(const ScoreMatrix& scores, std::span<const double> taus,
                                                     const BootstrapOptions& options);
/// `count` thresholds at equal distances from `low` to `high`, both included; at least two.
[[nodiscard]] std::vector<double> thresholdGrid(double low, double high, std::size_t count);

} // namespace knife
