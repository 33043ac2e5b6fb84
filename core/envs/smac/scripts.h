// SPDX-License-Identifier: GPL-3.0-or-later
// Agents that follow a rule, as a measure of how hard a battle is.
#pragma once

#include <cstdint>
#include <span>

#include "core/envs/smac/smac_env.h"

namespace knife::smac {

/// Every agent strikes the nearest enemy that it can; without one it walks towards the nearest there is. Healers heal
/// the most hurt friend that they can, and follow the nearest. It sees everything. `avail` as the environment wrote it.
void attackNearest(const SmacEnv& env, std::span<const std::uint8_t> avail, std::span<std::int32_t> actions);

} // namespace knife::smac
