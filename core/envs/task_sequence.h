// SPDX-License-Identifier: GPL-3.0-or-later
// The task instances that a run is moved through, made from [[tasks]] or from a [task_generator].
#pragma once

#include <string>
#include <vector>

#include "core/config/experiment.h"
#include "core/types/clocks.h"

namespace knife {

struct TaskInstance {
    std::string name;
    EnvStep begin; ///< first env step of the task
    EnvStep end;   ///< the switch to the next task is due at this step
    Section env;   ///< complete and resolved: makeEnvironment() of it succeeds
};

/// Expands an experiment into its sequence; one task spanning the budget when it names none. All tasks must agree in
/// agents, actions, observation and state sizes; otherwise ErrorCode::Usage names the task and both sizes.
[[nodiscard]] Result<std::vector<TaskInstance>> expandTasks(const Experiment& experiment);

} // namespace knife
