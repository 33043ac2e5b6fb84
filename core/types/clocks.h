// SPDX-License-Identifier: GPL-3.0-or-later
// The four clocks that are stored with every point.
#pragma once

#include <compare>
#include <cstdint>

namespace knife {

namespace detail {
template <typename Tag>
struct Count {
    std::int64_t value = 0;
    auto operator<=>(const Count&) const = default;
};
} // namespace detail

using UpdateStep = detail::Count<struct UpdateTag>; ///< gradient steps of the learner
using EnvStep = detail::Count<struct EnvStepTag>;   ///< environment steps, summed over parallel environments
using Episode = detail::Count<struct EpisodeTag>;   ///< training episodes begun

struct Clocks {
    UpdateStep update;
    EnvStep envStep;
    Episode episode;
    double wallS = 0.0; ///< seconds of training since the run began, pauses excluded
    auto operator<=>(const Clocks&) const = default;
};

} // namespace knife
