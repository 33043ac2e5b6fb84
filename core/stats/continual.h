// SPDX-License-Identifier: GPL-3.0-or-later
// What a sequence of tasks does to learning: figures of an agent that goes on (area p, below) beside a fresh one that
// meets the same task with the same budget (area f). Areas are those of areaUnderCurve(). Definitions follow Continual
// World (Wolczyk et al., NeurIPS 2021) and MEAL (Tomilin et al. 2025) where they are named.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace knife {

/// Below this a fresh agent's area is no measure for ratios, and they are NaN.
inline constexpr double kSmallestArea = 1e-8;

/// PL = f - p: positive where the agent that goes on is worse, which is the loss of plasticity.
[[nodiscard]] double adaptationGap(double area, double freshArea);

/// (p - f) / (1 - f), Continual World. For scores in [0, 1]; NaN where f is 1 or more.
[[nodiscard]] double forwardTransfer(double area, double freshArea);

/// (p - f) / f, MEAL; NaN where f is below kSmallestArea.
[[nodiscard]] double relativeTransfer(double area, double freshArea);

/// p / f; NaN where f is below kSmallestArea. Of the same agent on a task that comes again, p over its first visit is
/// the recurrence ratio.
[[nodiscard]] double relativePlasticity(double area, double freshArea);

/// Mean of those that are numbers; NaN where none is.
[[nodiscard]] double meanOfDefined(std::span<const double> perTask);
/// Mean of transfers of all tasks but the first, to which nothing can be transferred; NaN for one task. Tasks without a
/// value (NaN) are left out.
[[nodiscard]] double meanTransfer(std::span<const double> perTask);

/// A task that is met again.
struct Recurrence {
    std::size_t task = 0;     ///< index of this visit in the sequence
    std::size_t first = 0;    ///< index of the first visit
    std::size_t previous = 0; ///< index of the visit before
    std::size_t visit = 2;    ///< number of this visit
};
[[nodiscard]] std::vector<Recurrence> recurrences(std::span<const std::string> identities);

/// Steps to a threshold over several runs, some of which never reach it within `horizon`: the mean of min(steps,
/// horizon), and the share that reached it.
struct RestrictedMean {
    double steps = 0.0;
    double reached = 0.0;
};
[[nodiscard]] RestrictedMean restrictedMean(std::span<const std::optional<double>> steps, double horizon);

/// What is left of old tasks at the end of a sequence.
struct Retention {
    double averagePerformance = 0.0; ///< mean over all tasks, at the end of the sequence
    double forgetting = 0.0; ///< mean over all tasks but the last of: end of its own stretch - end of the sequence
    double backwardTransfer = 0.0; ///< -forgetting
};
/// One score per task in each, when its own stretch has ended and when the sequence has. Of one task: no forgetting,
/// NaN.
[[nodiscard]] Retention retention(std::span<const double> ownEnds, std::span<const double> atEnd);

} // namespace knife
