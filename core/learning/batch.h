// SPDX-License-Identifier: GPL-3.0-or-later
// Episodes as tensors, time first, cut to the longest episode of the batch. T: its length, B: episodes, N: agents.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <ATen/core/Tensor.h>

#include "core/config/experiment.h"
#include "core/envs/environment.h"
#include "core/learning/episode.h"

namespace knife {

/// What the input of an agent is made of: observation, then one-hot last action (zeros at the first step), then
/// one-hot agent id, then one-hot task id.
struct InputLayout {
    int agents = 0;
    int actions = 0;
    int obs = 0;
    bool lastAction = true;
    bool agentId = true;
    /// By task of the sequence, from 0 on; empty: agents are not told.
    std::vector<int> taskIds;
    int tasks = 0; ///< different ids
    /// `ids`: one per task of the sequence, where agents are told which they are in.
    InputLayout(const EnvSpec& spec, const AgentConfig& config, std::vector<int> ids = {});
    [[nodiscard]] int width() const { return obs + (lastAction ? actions : 0) + (agentId ? agents : 0) + tasks; }
    /// Writes one agent's input; `task`: index within the sequence; `lastActionTaken` below 0: none yet.
    void write(const float* observation, int task, int agent, int lastActionTaken, float* out) const;
};

struct Batch {
    std::int64_t number = 0;      ///< the update it was drawn for; names the draws of methods that sample
    std::int64_t steps = 0;       ///< T
    std::int64_t episodes = 0;    ///< B
    std::int64_t agents = 0;      ///< N
    at::Tensor inputs;            ///< [T + 1, B * N, width]
    at::Tensor state;             ///< [T + 1, B, stateDim]
    at::Tensor unavailable;       ///< [T + 1, B, N, actions], bool; padded steps have every action available
    at::Tensor actions;           ///< [T, B, N], int64; 0 on padded steps
    at::Tensor valid;             ///< [T, B], 1 on real transitions
    std::vector<float> reward;    ///< [T, B]
    std::vector<int> lengths;     ///< [B]
    std::vector<char> terminated; ///< [B]: the episode's last transition ended the game
};

/// The batch with its tensors on a device.
[[nodiscard]] Batch onDevice(Batch batch, at::Device device);

[[nodiscard]] Batch makeBatch(const std::vector<std::shared_ptr<const EpisodeRecord>>& episodes, const EnvSpec& spec,
                              const InputLayout& layout);

} // namespace knife
