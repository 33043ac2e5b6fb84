// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/session/evaluation.h"

#include <algorithm>

namespace knife {

Result<EvaluationResult> evaluateGreedily(Rollout& rollout, const FactorizedNet& net, const EpisodeOrigin& first,
                                          std::int64_t episodes) {
    EvaluationResult result;
    double wins = 0.0;
    while (result.episodes < episodes) {
        const std::int64_t batch = std::min<std::int64_t>(rollout.environments().size(), episodes - result.episodes);
        std::vector<EpisodeOrigin> origins;
        for (std::int64_t i = 0; i < batch; ++i) {
            const std::uint64_t number = first.key.episode + static_cast<std::uint64_t>(result.episodes + i);
            origins.push_back({.task = first.task, .key = {.seed = first.key.seed, .greedy = true, .episode = number}});
        }
        const auto played = rollout.play(net, origins, /*epsilon=*/0.0, {});
        if (!played) {
            return tl::unexpected(played.error());
        }
        for (const EpisodeRecord& episode : *played) {
            result.meanReturn += episode.totalReward;
            result.meanLength += episode.length;
            wins += episode.won ? 1.0 : 0.0;
        }
        result.episodes += batch;
    }
    const auto count = static_cast<double>(std::max<std::int64_t>(result.episodes, 1));
    result.meanReturn /= count;
    result.meanLength /= count;
    if (rollout.environments().spec().hasWin) {
        result.winRate = wins / count;
    }
    return result;
}

} // namespace knife
