// SPDX-License-Identifier: GPL-3.0-or-later
// How sure a share of successes is.
#pragma once

#include <cstdint>

namespace knife {

struct ShareInterval {
    double low = 0.0;
    double high = 1.0;
};

/// Wilson's score interval (1927) of the probability of which so many of so many trials were successes; never empty,
/// also when all or none were. Requires 0 <= successes <= trials and 0 < level < 1; without trials it is [0, 1].
[[nodiscard]] ShareInterval wilsonInterval(std::int64_t successes, std::int64_t trials, double level = 0.95);

} // namespace knife
