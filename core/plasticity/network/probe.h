// SPDX-License-Identifier: GPL-3.0-or-later
// What diagnostics of whole networks look at: a few recent episodes as tensors, and how one network reads them.
// T: longest episode, B: episodes, N: agents, A: actions, R = T * B rows, time first; C: columns of the mixer.
#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include "core/nets/factorized_net.h"

namespace knife {

/// The newest episodes of the replay buffer, the same for every diagnostic of one report.
struct ProbeBatch {
    std::uint64_t seed = 0;  ///< of the run, for the draws of methods that sample
    std::int64_t number = 0; ///< learner updates so far; also names those draws
    std::int64_t steps = 0;
    std::int64_t episodes = 0;
    std::int64_t agents = 0;
    at::Tensor inputs;      ///< [T + 1, B * N, input]
    at::Tensor state;       ///< [T + 1, B, S]
    at::Tensor unavailable; ///< [T + 1, B, N, A], bool
    at::Tensor actions;     ///< [T, B, N], int64; 0 on padded steps
    at::Tensor valid;       ///< [T, B], 1 on real transitions
    at::Tensor targets;     ///< [R, C] what the learner would train towards
    at::Tensor bootstrap;   ///< [R, C] the target network's value of the greedy joint action
    at::Tensor returns;     ///< [R, C] discounted rewards to the episode's end; past a step limit, the bootstrap there
    std::vector<int> lengths; ///< [B]

    [[nodiscard]] std::int64_t rows() const { return steps * episodes; }
    /// Some of the episodes, cut to `steps` steps (at most T).
    [[nodiscard]] ProbeBatch select(const std::vector<std::int64_t>& which, std::int64_t cutTo) const;
    /// Weights of valid steps, summing to one: [R, 1].
    [[nodiscard]] at::Tensor weights() const;
    /// Where an agent of a valid step had a choice, [T, B, N], bool: at least two actions were available to it, or one
    /// where the game has but one. An agent that can only wait (dead, frozen) decides nothing.
    [[nodiscard]] at::Tensor alive() const;
};

/// What the mixer of `net` sees of the first T steps, at the joint actions taken.
[[nodiscard]] JointView viewOf(const ProbeBatch& probe, const FactorizedNet& net, const NetPass& pass);

/// One network's answer to a probe. Tensors may live in the network's own memory: valid until its next pass.
struct NetReading {
    at::Tensor values; ///< [T + 1, B, N, A] the values that actions are chosen by
    at::Tensor hidden; ///< [T + 1, B * N, H] what the heads read
    at::Tensor qTot;   ///< [R] Mixer::expected() at the actions taken
};

/// Of a reading with its loss: what the TD error is made of.
struct TdReading {
    at::Tensor joint;    ///< [R, C]
    at::Tensor compared; ///< [R, C] what `joint` was compared with; with other columns where quantiles are
    SiteTaps taps;       ///< of the whole forward pass
    JointView view;      ///< at the actions taken
};

/// Forward pass without a graph.
[[nodiscard]] NetReading read(const FactorizedNet& net, const ProbeBatch& probe);
/// The same, with the mixer's loss and the activations of every site.
[[nodiscard]] NetReading read(const FactorizedNet& net, const ProbeBatch& probe, TdReading& td);
/// The same of a pass over the probe's inputs that has filled `td.taps` as far as it went.
[[nodiscard]] NetReading read(const FactorizedNet& net, const ProbeBatch& probe, const NetPass& pass, TdReading& td);

} // namespace knife
