// SPDX-License-Identifier: GPL-3.0-or-later
// What a mixer sees of one network's pass over a batch of episodes. R = steps × episodes rows, time first; N agents,
// A actions, H units of memory, S entries of the state, W values per action (1, or quantiles).
#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include "core/types/counter_rng.h"

namespace knife {

struct JointView {
    std::int64_t steps = 0;
    std::int64_t episodes = 0;
    at::Tensor outputs;              ///< [R, N, A * W], W fastest: what the agents' heads give; undefined when W is 0
    at::Tensor hidden;               ///< [R, N, H]: what the heads read; undefined unless MixerNeeds::hidden
    at::Tensor inputs;               ///< [R, N, input] agent inputs, observation first; unless MixerNeeds::inputs
    at::Tensor state;                ///< [R, S]
    at::Tensor unavailable;          ///< [R, N, A], bool; padded steps have every action available
    at::Tensor actions;              ///< [R, N], int64: the joint action that is asked about
    std::vector<at::Tensor> further; ///< [R, N, A] each: action values of the method's further agent networks
    StreamKey noise;                 ///< names the draws of methods that sample; equal keys give equal draws

    [[nodiscard]] std::int64_t rows() const { return steps * episodes; }
    /// The same view of another joint action.
    [[nodiscard]] JointView at(at::Tensor jointAction) const;
};

/// values [R, N, A], actions [R, N] -> [R, N].
[[nodiscard]] at::Tensor valuesAt(const at::Tensor& values, const at::Tensor& actions);
/// values [..., A], unavailable [..., A] -> the first available action of the largest value, [...]. No gradient.
[[nodiscard]] at::Tensor greedyActions(const at::Tensor& values, const at::Tensor& unavailable);
/// actions [R, N] -> [R, N, A], float32.
[[nodiscard]] at::Tensor oneHot(const at::Tensor& actions, std::int64_t nActions);

} // namespace knife
