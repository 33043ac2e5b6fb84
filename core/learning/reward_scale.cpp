// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/learning/reward_scale.h"

#include <cmath>

namespace knife {

namespace {

// Calls `visit` for the reward of every valid step.
template <typename Visit>
void forValidSteps(const Batch& batch, const Visit& visit) {
    for (std::int64_t b = 0; b < batch.episodes; ++b) {
        for (std::int64_t t = 0; t < batch.lengths[static_cast<std::size_t>(b)]; ++t) {
            visit(static_cast<double>(batch.reward[static_cast<std::size_t>(t * batch.episodes + b)]));
        }
    }
}

} // namespace

void RewardScale::observe(const Batch& batch) {
    double count = 0.0;
    double mean = 0.0;
    double squares = 0.0;
    forValidSteps(batch, [&](double reward) {
        count += 1.0;
        const double before = reward - mean;
        mean += before / count;
        squares += before * (reward - mean);
    });
    const double total = m_state.count + count;
    const double difference = mean - m_state.mean;
    squares += m_state.variance * m_state.count + difference * difference * m_state.count * count / total;
    m_state = {.count = total, .mean = m_state.mean + difference * count / total, .variance = squares / total};
}

std::vector<float> RewardScale::apply(const std::vector<float>& rewards) const {
    const double deviation = std::sqrt(m_state.variance);
    std::vector<float> scaled;
    scaled.reserve(rewards.size());
    for (const float reward : rewards) {
        scaled.push_back(static_cast<float>((static_cast<double>(reward) - m_state.mean) / deviation));
    }
    return scaled;
}

} // namespace knife
