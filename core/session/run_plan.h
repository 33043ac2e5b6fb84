// SPDX-License-Identifier: GPL-3.0-or-later
// An experiment made concrete: every open section read by the room that owns it, the task sequence expanded, every
// size known. Whatever can be wrong in an experiment file is found here, before a run exists.
#pragma once

#include <vector>

#include "core/config/experiment.h"
#include "core/envs/environment.h"
#include "core/envs/task_sequence.h"
#include "core/types/error.h"

namespace knife {

struct RunPlan {
    Experiment experiment; ///< resolved: every default of every method written out
    std::vector<TaskInstance> tasks;
    EnvSpec spec; ///< sizes that all tasks share; name and episode limit are those of the first
};

[[nodiscard]] Result<RunPlan> planRun(const Experiment& experiment);

} // namespace knife
