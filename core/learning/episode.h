// SPDX-License-Identifier: GPL-3.0-or-later
// One finished episode as the replay buffer keeps it.
#pragma once

#include <cstdint>
#include <vector>

#include "core/envs/environment.h"
#include "core/learning/packed_floats.h"

namespace knife {

/// Which game an episode came from. With the actions taken it can be played again, observation by observation.
struct EpisodeOrigin {
    int task = 0; ///< index of the task instance in the sequence
    EpisodeKey key;
};

struct EpisodeRecord {
    EpisodeOrigin origin;
    int length = 0;          ///< transitions, L
    bool terminated = false; ///< the game ended; false: cut by the step limit and bootstrapped through
    double totalReward = 0.0;
    bool won = false;
    PackedFloats obs;                  ///< [L + 1, nAgents, obsDim]
    PackedFloats state;                ///< [L + 1, stateDim]
    std::vector<std::uint8_t> avail;   ///< [L + 1, nAgents, nActions]
    std::vector<std::int16_t> actions; ///< [L, nAgents]
    std::vector<float> reward;         ///< [L]

    /// What the record takes in memory, its own size included.
    [[nodiscard]] std::size_t bytes() const;
};

/// Collects one episode step by step; reuses its memory from episode to episode.
class EpisodeRecorder {
  public:
    explicit EpisodeRecorder(const EnvSpec& spec);

    void begin(const EpisodeOrigin& origin);
    /// What the agents see, at the start and after every step.
    void observe(std::span<const float> obs, std::span<const float> state, std::span<const std::uint8_t> avail);
    void act(std::span<const std::int32_t> actions, const StepOutcome& outcome);
    /// The finished episode.
    [[nodiscard]] EpisodeRecord finish();

  private:
    EpisodeRecord m_episode;
    std::vector<float> m_obs;
    std::vector<float> m_state;
};

} // namespace knife
