// SPDX-License-Identifier: GPL-3.0-or-later
// What runs of an arm still know of their tasks at the end of the sequence (continual.h has the formulas).
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "core/stats/arm_figures.h"

namespace knife {

struct RetentionFigures {
    std::size_t runs = 0; ///< those that evaluated every earlier task at the end; the others have no part in this
    Estimate averagePerformance;
    Estimate forgetting;
    Estimate backwardTransfer;
    std::vector<Estimate> atEnd; ///< of every task, at the end of the sequence
    std::vector<Estimate> lost;  ///< of every task but the last: end of its own stretch - end of the sequence
};

/// Nothing for a single task, and where no run has evaluated its earlier tasks at the end. Tasks are never resampled.
[[nodiscard]] std::optional<RetentionFigures> describeRetention(const ArmCurves& arm, const BootstrapOptions& options);

} // namespace knife
