// SPDX-License-Identifier: GPL-3.0-or-later
// Plays whole episodes in parallel environments with the online network.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include <ATen/core/Tensor.h>

#include "core/envs/vector_env.h"
#include "core/learning/batch.h"
#include "core/learning/episode.h"
#include "core/nets/factorized_net.h"
#include "core/types/counter_rng.h"

namespace knife {

/// Epsilon-greedy over legal actions. Ties go to the lowest action.
class Rollout {
  public:
    /// Called after every batch step, for live views; must not block.
    using StepHook = std::function<void()>;
    /// What an environment showed at the start of its episode.
    struct FirstMoment {
        std::vector<float> obs;
        std::vector<float> state;
    };
    /// One episode as it can be drawn: after the reset, then after every step.
    struct Film {
        FirstMoment first;
        std::vector<EnvView> moments;
    };

    Rollout(VectorEnv environments, const InputLayout& layout);

    /// One episode per entry of `origins` (at most the number of environments), all with the same epsilon.
    /// Random choices come from the stream (seed, "explore", episode) of each origin's key. The first episodes are
    /// filmed, as many as there are `films`, which changes nothing in them.
    [[nodiscard]] Result<std::vector<EpisodeRecord>> play(const FactorizedNet& net,
                                                          const std::vector<EpisodeOrigin>& origins, double epsilon,
                                                          const StepHook& afterStep, std::span<Film> films = {});

    [[nodiscard]] const VectorEnv& environments() const { return m_environments; }
    [[nodiscard]] const FirstMoment& firstMoment() const { return m_first; }
    /// What the agents of environment 0 went by when they last chose, in its present or last episode; empty before.
    [[nodiscard]] std::vector<ChoiceView> lastChoices() const;

  private:
    [[nodiscard]] bool isActive(int e) const;
    void fillInputs();
    void chooseActions(const at::Tensor& q, double epsilon);
    void keepChoices(const at::Tensor& q);
    [[nodiscard]] FirstMoment firstMomentOf(int e) const;
    /// What the agents of environment `e` see now, and what they do about it.
    [[nodiscard]] std::vector<ChoiceView> choicesOf(int e, const at::Tensor& q) const;
    void addMoment(Film& film, int e, std::vector<ChoiceView> choices) const;

    /// Of the agents of environment 0 when they last chose, row by row.
    struct Choices {
        std::vector<float> obs;
        std::vector<float> q;
        std::vector<std::uint8_t> avail;
        std::vector<std::int32_t> actions;
    };
    VectorEnv m_environments;
    InputLayout m_layout;
    FirstMoment m_first;
    Choices m_choices;
    std::vector<EpisodeRecorder> m_recorders;
    std::vector<CounterRng> m_explorers;
    at::Tensor m_inputs;                         ///< [E × N, width]
    std::vector<int> m_tasks;                    ///< [E], of the episodes that are played
    std::vector<std::uint8_t> m_wasActive;       ///< [E], before the last step
    std::vector<std::int32_t> m_actions;         ///< [E × N]
    std::vector<std::int32_t> m_previousActions; ///< [E × N], -1 at the first step
};

/// Plays an episode again from its origin and its actions, for a replay buffer that a checkpoint refers to.
[[nodiscard]] Result<EpisodeRecord> replayEpisode(Environment& environment, const EpisodeOrigin& origin,
                                                  const std::vector<std::int16_t>& actions);

} // namespace knife
