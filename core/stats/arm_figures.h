// SPDX-License-Identifier: GPL-3.0-or-later
// The evaluations of an arm of a study, and its figures by itself.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/stats/bootstrap.h"
#include "core/stats/continual.h"
#include "core/stats/score_matrix.h"
#include "core/stats/task_curve.h"

namespace knife {

struct RunCurves {
    std::string run;
    std::uint64_t seed = 0;
    std::vector<TaskCurve> tasks;
};

/// Runs that differ in their seeds only: equally many tasks, the same at each place.
struct ArmCurves {
    std::string name;
    std::vector<RunCurves> runs;
};

/// Whether both went through the same tasks, by identity.
[[nodiscard]] bool sameTasks(const ArmCurves& a, const ArmCurves& b);

/// Whether the n-th runs of both have the same seed, for all n: they can then be resampled as pairs.
[[nodiscard]] bool sameSeeds(const ArmCurves& a, const ArmCurves& b);
/// `options`, resampling pairs only if both arms have the same seeds.
[[nodiscard]] BootstrapOptions pairedIfPossible(BootstrapOptions options, const ArmCurves& a, const ArmCurves& b);

/// What a run is judged by on one task.
using TaskScore = double (*)(const TaskCurve&);
[[nodiscard]] ScoreMatrix scoreMatrix(const ArmCurves& arm, TaskScore score);

/// Mean of the last 10 per cent of the evaluations.
[[nodiscard]] double lastTenthScore(const TaskCurve& curve);

struct TaskFigures {
    std::string name;
    Estimate score; ///< means over runs, as the others
    Estimate start; ///< before the first update on the task
    Estimate end;   ///< at the end of its stretch
};

struct RecurrenceFigures {
    Recurrence visit;
    std::string name;
    Estimate ratio;      ///< of the mean areas: this visit over the first; NaN where that is no measure
    Estimate forgetting; ///< end of the visit before - start of this one
};

struct ArmFigures {
    std::string name;
    std::size_t runs = 0;
    Estimate mean; ///< rliable's aggregates (aggregate.h) of the scores
    Estimate median;
    Estimate iqm;
    Estimate optimalityGap;
    double standardDeviation = 0.0; ///< of the runs' means over tasks
    double standardError = 0.0;
    Estimate onlineAverage; ///< mean over tasks of the mean of all evaluations
    std::vector<TaskFigures> tasks;
    std::vector<RecurrenceFigures> recurrences;
};

/// Requires a run.
[[nodiscard]] ArmFigures describeArm(const ArmCurves& arm, TaskScore score, const BootstrapOptions& options);

} // namespace knife
