// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/config/experiment.h"
#include "core/types/clocks.h"

namespace knife {

/// Linear epsilon from start to finish over `annealSteps` env steps counted from `since`, then constant.
[[nodiscard]] double epsilonAt(const ExplorationConfig& config, EnvStep now, EnvStep since);

} // namespace knife
