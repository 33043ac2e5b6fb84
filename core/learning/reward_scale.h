// SPDX-License-Identifier: GPL-3.0-or-later
// Rewards by their running mean and standard deviation (standardise_rewards of uoe-agents/epymarl), over the rewards
// of valid steps only: EPyMARL also counts the padding, so that its scale depends on how unequal episodes are.
#pragma once

#include <vector>

#include "core/learning/batch.h"

namespace knife {

class RewardScale {
  public:
    /// Starts as 1e-4 observations of mean 0 and variance 1, as EPyMARL does.
    struct State {
        double count = 1e-4;
        double mean = 0.0;
        double variance = 1.0; ///< of the population
        bool operator==(const State&) const = default;
    };

    /// Takes the rewards of a batch into account (Chan et al. 1979).
    void observe(const Batch& batch);
    /// (r - mean) / deviation of every reward of a batch, [T, B]; padded steps hold nothing of meaning.
    [[nodiscard]] std::vector<float> apply(const std::vector<float>& rewards) const;

    [[nodiscard]] const State& state() const { return m_state; }
    void restore(const State& state) { m_state = state; }

  private:
    State m_state;
};

} // namespace knife
