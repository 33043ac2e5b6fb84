// SPDX-License-Identifier: GPL-3.0-or-later
// From an experiment to the list of task instances that a run is moved through.
//
// [[tasks]] lists them by hand. [task_generator] makes a sequence of payoff tables out of the one-step table of [env]:
//   permute        each task relabels the base table's actions, independently per agent (the first is the base itself)
//   shift_optimum  each task swaps the best cell of the one before with another cell of the diagonal
//   penalty_ramp   cells that share some but not all actions of the optimum pay 0, -1, -2, -4, …, -30 in turn
//   class_switch   additive, monotone, non-monotone, and again; each time with fresh action labels
//   recurrence     `cycle` relabelled tables A B C, then A B C again, and so on
// All draws come from the generator's own seed, so every run of an experiment meets the same tasks.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/config/experiment.h"
#include "core/types/error.h"

namespace knife {

/// One stretch of a run. Its env steps are [begin, end).
struct TaskInstance {
    std::string name;
    std::int64_t begin = 0;
    std::int64_t end = 0;
    Section env; ///< resolved: every parameter written out
    bool operator==(const TaskInstance&) const = default;
};

/// [task_generator].
struct TaskGeneratorParams {
    std::string kind = "permute";
    std::int64_t seed = 1;
    std::int64_t tasks = 8;
    std::int64_t steps = 0; ///< env steps per task; 0: equal shares of the budget
    std::int64_t cycle = 3; ///< recurrence: distinct tables before they come again
    std::vector<double> penalties = {0, -1, -2, -4, -8, -12, -20, -30}; ///< penalty_ramp, in turn
};
void describe(FieldVisitor& visitor, TaskGeneratorParams& params);

/// The tasks in order; they cover [0, experiment.steps) without a gap, the last one lasts to the end of the budget.
/// Without [[tasks]] and generator: one task, named after the environment. All tasks must have the same numbers of
/// agents, actions, observations and state entries, because one network plays them all; otherwise ErrorCode::Usage with
/// the task and both sizes. Other errors are those of makeEnvironment().
[[nodiscard]] Result<std::vector<TaskInstance>> expandTasks(const Experiment& experiment);

/// One number per task, from 0 on in the order in which environments first come: tasks in equal environments share it.
[[nodiscard]] std::vector<int> taskIds(const std::vector<TaskInstance>& tasks);

/// The experiment with every parameter of [env], of each task and of the generator written out: what is stored with a
/// run. expandTasks() of it gives the same tasks, and with a larger budget the same switches: shares are written out.
[[nodiscard]] Result<Experiment> resolveTasks(const Experiment& experiment);

} // namespace knife
