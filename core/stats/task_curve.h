// SPDX-License-Identifier: GPL-3.0-or-later
// What was evaluated while a run was on one task, and the figures of that stretch alone.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace knife {

/// Evaluations on one task of a sequence. Columns are equally long, steps ascend (equal ones are allowed).
struct TaskCurve {
    std::string name;         ///< for people
    std::string identity;     ///< equal for equal tasks; a task that comes again has the one it had
    double length = 0.0;      ///< env steps of the stretch
    std::vector<double> step; ///< env steps since the stretch began, in [0, length]
    std::vector<double> score;
    /// Of a task before the last one: the last evaluation on it while the run was on the last one; NaN: there is none.
    double atEnd = std::numeric_limits<double>::quiet_NaN();
};

/// A moment at which a run went on to its next task.
struct TaskSwitch {
    std::int64_t envStep = 0;
    std::string from;
    std::string to;
};

/// Cuts a series of evaluations at the switches. `end`: env step that the run has reached; `onlyTask`: name of the
/// task of a run without switches. Identities are the names. Evaluations at the very step of a switch belong to the
/// task before it, except for the last of several: the evaluation of the new task before its first update.
[[nodiscard]] std::vector<TaskCurve> splitByTask(std::span<const std::int64_t> envStep, std::span<const double> score,
                                                 std::span<const TaskSwitch> switches, std::int64_t end,
                                                 const std::string& onlyTask);

/// Area under the curve over the whole stretch, divided by its length (trapezoids between evaluations of any distance).
/// Before the first and behind the last evaluation the curve is held. NaN without evaluations or length.
[[nodiscard]] double areaUnderCurve(const TaskCurve& curve);

/// Mean of the evaluations, each counting the same.
[[nodiscard]] double meanScore(const TaskCurve& curve);

/// The first evaluation: before the first update on the task.
[[nodiscard]] double startScore(const TaskCurve& curve);

/// The last evaluation.
[[nodiscard]] double endScore(const TaskCurve& curve);

/// Mean of the last `share` of the evaluations, rounded up to at least one.
[[nodiscard]] double finalScore(const TaskCurve& curve, double share = 0.1);

/// Env steps until the first evaluation at or above `threshold`; nothing if there is none.
[[nodiscard]] std::optional<double> stepsToThreshold(const TaskCurve& curve, double threshold);

/// What scores are measured by: (score - zero) / (one - zero).
struct ScoreScale {
    double zero = 0.0; ///< score of random play
    double one = 1.0;  ///< score of a reference, for example the best of fresh runs
};
[[nodiscard]] TaskCurve scaled(TaskCurve curve, const ScoreScale& scale);

} // namespace knife
