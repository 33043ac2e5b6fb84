// SPDX-License-Identifier: GPL-3.0-or-later
// Episodes that a rule plays instead of learned agents: a measure of how hard an environment is.
#pragma once

#include <cstdint>

#include "core/config/section.h"
#include "core/types/error.h"

namespace knife {

enum class PlayScript : std::uint8_t {
    Random,        ///< each agent one of its legal actions, all equally likely
    AttackNearest, ///< of battles: smac/scripts.h
};

struct PlayRecord {
    std::int64_t episodes = 0;
    bool hasWin = false; ///< whether `wins` means anything
    std::int64_t wins = 0;
    std::int64_t atLimit = 0; ///< episodes that lasted until the step limit without being won
    double meanReturn = 0.0;
    double meanSteps = 0.0;
};

/// Plays the episodes 0, 1, … of that seed, of that section's environment. Errors of makeEnvironment(), and
/// ErrorCode::Unsupported: the environment has no such script. Requires episodes > 0. Blocks until all are played.
[[nodiscard]] Result<PlayRecord> playEpisodes(const Section& env, PlayScript script, std::int64_t episodes,
                                              std::uint64_t seed);

} // namespace knife
