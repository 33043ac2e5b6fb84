// SPDX-License-Identifier: GPL-3.0-or-later
// How chance plays: every legal action with the same probability.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

#include "core/types/counter_rng.h"

namespace knife {

/// One draw for one agent. `avail`: its actions, 0: illegal; at least one is legal.
[[nodiscard]] inline std::int32_t randomAction(std::span<const std::uint8_t> avail, CounterRng& random) {
    const auto legal = static_cast<std::uint32_t>(std::ranges::count_if(avail, [](std::uint8_t a) { return a != 0; }));
    std::uint32_t skip = random.below(legal);
    for (std::size_t action = 0; action < avail.size(); ++action) {
        if (avail[action] != 0 && skip-- == 0) {
            return static_cast<std::int32_t>(action);
        }
    }
    return -1;
}

} // namespace knife
