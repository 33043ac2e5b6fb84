// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/learning/schedules.h"

#include <algorithm>

namespace knife {

double epsilonAt(const ExplorationConfig& config, EnvStep now, EnvStep since) {
    if (config.annealSteps == 0) {
        return config.finish;
    }
    const double passed = static_cast<double>(now.value - since.value) / static_cast<double>(config.annealSteps);
    return config.start + (config.finish - config.start) * std::clamp(passed, 0.0, 1.0);
}

} // namespace knife
