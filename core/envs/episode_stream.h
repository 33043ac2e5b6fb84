// SPDX-License-Identifier: GPL-3.0-or-later
// The random streams of an episode: one per step, so that an episode can go on from any saved step.
#pragma once

#include "core/envs/environment.h"
#include "core/types/counter_rng.h"

namespace knife {

/// Longest episode that has a stream for every step.
inline constexpr int kLongestEpisode = (1 << 20) - 1;

/// Draws of one step; step 0 is the reset. Requires 0 <= step <= kLongestEpisode.
[[nodiscard]] inline CounterRng stepStream(const EpisodeKey& key, int step) {
    const auto offset = static_cast<std::uint64_t>(step);
    return CounterRng({key.seed, key.greedy ? "env.greedy" : "env", (key.episode << 20U) + offset});
}

} // namespace knife
