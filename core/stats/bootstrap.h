// SPDX-License-Identifier: GPL-3.0-or-later
// Intervals by resampling runs with replacement. Every draw is a function of the seed and the number of the resample,
// so the same scores and options give the same interval, bit for bit.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "core/stats/score_matrix.h"

namespace knife {

/// What a resample keeps together.
enum class Resampling {
    Clustered,  ///< whole runs: the task scores of one run of a sequence depend on each other
    Stratified, ///< every (run, task) cell draws its run independently within the task (Agarwal et al. 2021)
};

enum class TaskResampling {
    Fixed,     ///< the interval speaks of these tasks
    Resampled, ///< tasks are drawn with replacement, too: the interval speaks of tasks like these
};

/// How two groups of runs are resampled.
enum class Pairing {
    Independent, ///< each by itself
    Rows,        ///< the same rows of both: for groups whose n-th runs share a seed. Needs equally many
};

inline constexpr std::int64_t kTableReps = 50'000;
inline constexpr std::int64_t kCurveReps = 2'000;

struct BootstrapOptions {
    std::int64_t reps = kTableReps;
    std::uint64_t seed = 0;
    double level = 0.95; ///< share of resamples between the ends of the interval
    Resampling resampling = Resampling::Clustered;
    TaskResampling tasks = TaskResampling::Fixed;
    Pairing pairing = Pairing::Independent; ///< of bootstrapPair() alone
};

/// A statistic of the scores as they are, and the percentile interval of its resamples. The ends are NaN where there is
/// nothing to resample (a single run) or where a resample has no value (NaN).
struct Estimate {
    double value = 0.0;
    double low = 0.0;
    double high = 0.0;
};

/// Any figures of a matrix: always the same number of them.
using Statistic = std::function<std::vector<double>(const ScoreMatrix&)>;
[[nodiscard]] std::vector<Estimate> bootstrap(const ScoreMatrix& scores, const Statistic& statistic,
                                              const BootstrapOptions& options = {});

/// How often a clustered interval of the mean of `runs` normal scores contains the truth. It is narrower than `level`
/// says, by the factor sqrt((n - 1) / n) and by taking normal quantiles where Student's are due (Hesterberg 2015): with
/// 5 runs 95 % intervals hold in 85 % of all cases.
[[nodiscard]] double coverageOfMean(std::size_t runs, double level);

/// Any figures of two groups of runs on equally many tasks. Resampled tasks are the same in both.
using PairStatistic = std::function<std::vector<double>(const ScoreMatrix&, const ScoreMatrix&)>;
[[nodiscard]] std::vector<Estimate> bootstrapPair(const ScoreMatrix& x, const ScoreMatrix& y,
                                                  const PairStatistic& statistic, const BootstrapOptions& options = {});

} // namespace knife
