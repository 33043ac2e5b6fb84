// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

#include "core/learning/batch.h"
#include "core/nets/factorized_net.h"
#include "core/session/run_plan.h"

namespace knife {

/// The networks that a plan asks for, initialised from the run's seed.
[[nodiscard]] NetSpec makeNetSpec(const RunPlan& plan, std::uint64_t seed);

/// What agents of the plan's tasks read.
[[nodiscard]] InputLayout inputLayout(const RunPlan& plan);

} // namespace knife
