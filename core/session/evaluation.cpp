// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/session/evaluation.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace knife {

Result<EvaluationResult> evaluateGreedily(Rollout& rollout, const FactorizedNet& net, const EpisodeOrigin& first,
                                          std::int64_t episodes, std::span<Rollout::Film> films) {
    EvaluationResult result;
    double wins = 0.0;
    while (result.episodes < episodes) {
        const std::int64_t batch = std::min<std::int64_t>(rollout.environments().size(), episodes - result.episodes);
        std::vector<EpisodeOrigin> origins;
        for (std::int64_t i = 0; i < batch; ++i) {
            const std::uint64_t number = first.key.episode + static_cast<std::uint64_t>(result.episodes + i);
            origins.push_back({.task = first.task, .key = {.seed = first.key.seed, .greedy = true, .episode = number}});
        }
        const auto filmed = std::min(films.size(), origins.size());
        const auto played = rollout.play(net, origins, /*epsilon=*/0.0, {}, films.first(filmed));
        films = films.subspan(filmed);
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

int evaluationEnvs(std::int64_t episodes) {
    constexpr std::int64_t kMost = 16;
    return static_cast<int>(std::min(kMost, episodes));
}

std::uint64_t seedOfEarlierTasks(std::uint64_t runSeed, EnvStep now) {
    CounterRng rng({runSeed, "evaluation/earlier_tasks", static_cast<std::uint64_t>(now.value)});
    const std::uint64_t high = rng.next();
    return high << 32U | rng.next();
}

Result<std::vector<EvaluationResult>> evaluateTasks(std::span<const TaskInstance> tasks, const FactorizedNet& net,
                                                    const InputLayout& layout, std::uint64_t seed,
                                                    std::int64_t episodes) {
    std::vector<EvaluationResult> results;
    for (const TaskInstance& task : tasks) {
        const auto same = std::ranges::find(tasks.first(results.size()), task.env, &TaskInstance::env);
        if (same != tasks.begin() + static_cast<std::ptrdiff_t>(results.size())) {
            results.push_back(results[static_cast<std::size_t>(same - tasks.begin())]);
            continue;
        }
        auto environments = VectorEnv::make(task.env, evaluationEnvs(episodes));
        if (!environments) {
            return tl::unexpected(environments.error());
        }
        Rollout rollout(std::move(*environments), layout);
        const EpisodeOrigin first{.task = static_cast<int>(results.size()),
                                  .key = {.seed = seed, .greedy = true, .episode = 0}};
        auto result = evaluateGreedily(rollout, net, first, episodes);
        if (!result) {
            return tl::unexpected(std::move(result).error().within(fmt::format("evaluating task \"{}\"", task.name)));
        }
        results.push_back(*result);
    }
    return results;
}

} // namespace knife
