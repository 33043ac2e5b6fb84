// SPDX-License-Identifier: GPL-3.0-or-later
// Q_tot of every joint action at the start of an episode: what a matrix game's payoff table is compared with.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/learning/batch.h"
#include "core/nets/factorized_net.h"

namespace knife {

struct JointValues {
    std::vector<std::vector<float>> q; ///< per agent, the value of each action
    std::vector<float> qTot; ///< row-major over joint actions, the last agent's action fastest; empty for more than
                             ///< kMaxJointActions of them
};

inline constexpr std::int64_t kMaxJointActions = 4096;

/// `obs` [agents × obsDim], `state` [stateDim] of a first step in that task of the sequence. For independent learners
/// the entry is the agents' mean.
[[nodiscard]] JointValues jointValues(const FactorizedNet& net, const InputLayout& layout, std::span<const float> obs,
                                      std::span<const float> state, int task = 0);

} // namespace knife
