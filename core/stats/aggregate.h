// SPDX-License-Identifier: GPL-3.0-or-later
// One number for many scores. Names and definitions of the aggregates over runs and tasks are those of rliable
// (Agarwal et al., "Deep Reinforcement Learning at the Edge of the Statistical Precipice", NeurIPS 2021).
//
// Of no values, and of values among which there is a NaN, every function gives NaN.
#pragma once

#include <span>
#include <vector>

#include "core/stats/score_matrix.h"

namespace knife {

[[nodiscard]] double mean(std::span<const double> values);
[[nodiscard]] double median(std::span<const double> values);
/// With n - 1 below the line; NaN for fewer than two values.
[[nodiscard]] double standardDeviation(std::span<const double> values);
/// Of the mean: standard deviation / sqrt(n).
[[nodiscard]] double standardError(std::span<const double> values);

/// Mean of what is left when floor(n / 4) values are dropped from each end.
[[nodiscard]] double interquartileMean(std::span<const double> values);

/// Linear interpolation between order statistics, (n - 1) p steps above the lowest (type 7 of Hyndman & Fan 1996).
/// `p` in [0, 1].
[[nodiscard]] double quantile(std::span<const double> values, double p);
/// The same for several p with one sorting.
[[nodiscard]] std::vector<double> quantiles(std::span<const double> values, std::span<const double> p);

/// gamma - mean of min(value, gamma): how far scores fall short of gamma, where more than gamma counts for nothing.
[[nodiscard]] double optimalityGap(std::span<const double> values, double gamma = 1.0);

/// Mean over runs, for each task.
[[nodiscard]] std::vector<double> taskMeans(const ScoreMatrix& scores);
/// Mean over tasks, for each run.
[[nodiscard]] std::vector<double> runMeans(const ScoreMatrix& scores);

/// rliable's aggregates of a matrix: mean and median are taken over the tasks' means, IQM and gap over all cells.
struct Aggregates {
    double mean = 0.0;
    double median = 0.0;
    double iqm = 0.0;
    double optimalityGap = 0.0; ///< for gamma = 1: says something of scores in [0, 1] only
};
[[nodiscard]] Aggregates aggregate(const ScoreMatrix& scores);

} // namespace knife
