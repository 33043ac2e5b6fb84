// SPDX-License-Identifier: GPL-3.0-or-later
// Two arms beside each other.
#pragma once

#include <span>
#include <vector>

#include "core/stats/arm_figures.h"
#include "core/stats/paired_tests.h"

namespace knife {

struct BaselineFigures {
    Estimate difference; ///< mean over tasks and runs: arm - baseline
    bool paired = false; ///< the difference was resampled by seed
    /// Mean over tasks of P(arm > baseline). Always resampled independently: it asks for runs of different seeds.
    Estimate probabilityOfImprovement;
    /// Of the seeds' differences in the mean over tasks, where both arms ran the seed. Several runs of one seed in an
    /// arm, of different configurations then, count as their mean.
    PairedTest permutation;
    PairedTest wilcoxon;
    double permutationHolm = 0.0; ///< p adjusted for all comparisons, by adjustForNumber()
    double wilcoxonHolm = 0.0;
};

/// Requires a run in each, and sameTasks().
[[nodiscard]] BaselineFigures compareToBaseline(const ArmCurves& arm, const ArmCurves& baseline, TaskScore score,
                                                const BootstrapOptions& options);

/// Fills in the p values that Holm adjusts for the number of comparisons, tests of each kind among themselves.
void adjustForNumber(std::span<BaselineFigures*> comparisons);

} // namespace knife
