// SPDX-License-Identifier: GPL-3.0-or-later
// An arm beside fresh networks that meet the same tasks (continual.h has the formulas).
#pragma once

#include <string>
#include <vector>

#include "core/stats/arm_figures.h"
#include "core/stats/line_fit.h"

namespace knife {

struct FreshTaskFigures {
    std::string name;
    Estimate gap;                    ///< of the areas: fresh - arm
    Estimate finalGap;               ///< of the last evaluations: fresh - arm
    double jumpStart = 0.0;          ///< first evaluation: arm - fresh
    double forwardTransfer = 0.0;    ///< Continual World
    double relativeTransfer = 0.0;   ///< MEAL
    double relativePlasticity = 0.0; ///< arm / fresh
    double threshold = 0.0;          ///< share of the fresh runs' last evaluation; NaN unless that is positive
    Estimate stepsToThreshold;       ///< restricted mean
    double reached = 0.0;            ///< share of the runs that reached it
    double freshSteps = 0.0;         ///< restricted mean of the fresh runs
};

struct FreshFigures {
    std::size_t runs = 0;
    bool paired = false; ///< both arms were resampled by seed
    std::vector<FreshTaskFigures> tasks;
    Estimate gap; ///< means over tasks
    Estimate finalGap;
    /// Of the gaps over the number of the task: loss of plasticity per task. By resampling runs.
    Estimate gapSlope;
    LineFit gapLine;          ///< the same line with the interval of Student's t, over the tasks' scatter
    Estimate forwardTransfer; ///< means over all tasks but the first
    Estimate relativeTransfer;
    Estimate relativePlasticity; ///< mean over tasks
};

struct FreshOptions {
    BootstrapOptions bootstrap; ///< tasks are never resampled here: their order is what the slope speaks of
    double thresholdShare = 0.8;
};

/// Requires a run in each, and sameTasks().
[[nodiscard]] FreshFigures compareToFresh(const ArmCurves& arm, const ArmCurves& fresh, const FreshOptions& options);

} // namespace knife
