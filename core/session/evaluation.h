// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/envs/task_sequence.h"
#include "core/learning/rollout.h"
#include "core/types/clocks.h"

namespace knife {

/// Means over greedy episodes.
struct EvaluationResult {
    double meanReturn = 0.0;
    double meanLength = 0.0;
    std::optional<double> winRate; ///< where the environment knows wins
    std::int64_t episodes = 0;
};

/// Plays `episodes` greedy episodes, numbered from that of `first` on, in batches of the rollout's environments. The
/// first ones are filmed, as many as there are `films`.
[[nodiscard]] Result<EvaluationResult> evaluateGreedily(Rollout& rollout, const FactorizedNet& net,
                                                        const EpisodeOrigin& first, std::int64_t episodes,
                                                        std::span<Rollout::Film> films = {});

/// Parallel environments for evaluations of so many episodes; more only cost memory.
[[nodiscard]] int evaluationEnvs(std::int64_t episodes);

/// The seed of evaluations of earlier tasks at one moment of a run: other episodes at every moment, the same for all
/// tasks, and none of those of training or of evaluations of the current task.
[[nodiscard]] std::uint64_t seedOfEarlierTasks(std::uint64_t runSeed, EnvStep now);

/// Greedy episodes on each of `tasks`, the first ones of a run's sequence, in environments that exist during the call
/// only; one result per task. Tasks with equal environments are played once.
[[nodiscard]] Result<std::vector<EvaluationResult>> evaluateTasks(std::span<const TaskInstance> tasks,
                                                                  const FactorizedNet& net, const InputLayout& layout,
                                                                  std::uint64_t seed, std::int64_t episodes);

} // namespace knife
