// SPDX-License-Identifier: GPL-3.0-or-later
// TD(lambda) targets over whole episodes of unequal length.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace knife {

struct TargetSpec {
    std::int64_t steps = 0;    ///< T of the batch
    std::int64_t episodes = 0; ///< B
    std::int64_t outputs = 1;  ///< values per (step, episode), K
    double gamma = 0.99;
    double lambda = 0.0; ///< 0: one-step targets
};

/// G_t = lambda gamma G_{t+1} + r_t + (1 - lambda) gamma Qhat_{t+1} (1 - terminated_t), started at each episode's own
/// end with G_L = Qhat_L, or 0 where the game ended. (The recursion of PyMARL2, which starts at the end of the padded
/// batch instead, bootstraps truncated short episodes from padding.)
/// `qHat` [T + 1, B, K]: value of the greedy joint action under the target network; `reward` [T, B];
/// `lengths`, `terminated` [B]. Returns [T, B, K], 0 on padded steps.
/// With `qTaken` [T, B, K], the target network's value of the joint action taken, r_t becomes r_t + Qhat_t - Q_t: the
/// "q_lambda" variant of PyMARL2 after Peng & Williams 1994. Empty: TD(lambda).
[[nodiscard]] std::vector<float> tdLambdaTargets(const TargetSpec& spec, std::span<const float> qHat,
                                                 std::span<const float> reward, std::span<const int> lengths,
                                                 std::span<const char> terminated, std::span<const float> qTaken = {});

} // namespace knife
