// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <optional>
#include <span>

#include "core/stats/arm_figures.h"

namespace knife {

/// A fresh arm for `sequence` out of runs on single tasks: for each seed, the first stretch of a run of that seed on
/// each task of the sequence (by identity). A task that comes again is met by the same run. Seeds that miss a task are
/// left out; nothing if none is left.
[[nodiscard]] std::optional<ArmCurves> freshFromSingleTasks(const ArmCurves& sequence, std::span<const RunCurves> runs);

} // namespace knife
