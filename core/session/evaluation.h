// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <optional>

#include "core/learning/rollout.h"

namespace knife {

/// Means over greedy episodes.
struct EvaluationResult {
    double meanReturn = 0.0;
    double meanLength = 0.0;
    std::optional<double> winRate; ///< where the environment knows wins
    std::int64_t episodes = 0;
};

/// Plays `episodes` greedy episodes, numbered from that of `first` on, in batches of the rollout's environments.
[[nodiscard]] Result<EvaluationResult> evaluateGreedily(Rollout& rollout, const FactorizedNet& net,
                                                        const EpisodeOrigin& first, std::int64_t episodes);

} // namespace knife
