// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/learning/replay.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <unordered_set>

namespace knife {

void Replay::add(std::shared_ptr<const EpisodeRecord> episode) {
    if (m_episodes.size() == m_capacity) {
        m_episodes.pop_front();
    }
    m_episodes.push_back(std::move(episode));
}

std::size_t Replay::bytes() const {
    return std::transform_reduce(m_episodes.begin(), m_episodes.end(), std::size_t{0}, std::plus<>(),
                                 [](const auto& episode) { return episode->bytes(); });
}

std::vector<std::shared_ptr<const EpisodeRecord>> Replay::sample(std::size_t count, CounterRng rng) const {
    // Floyd's algorithm: `count` distinct indices with `count` draws.
    std::unordered_set<std::size_t> taken;
    std::vector<std::shared_ptr<const EpisodeRecord>> picked;
    picked.reserve(count);
    for (std::size_t last = m_episodes.size() - count; last < m_episodes.size(); ++last) {
        const std::size_t draw = rng.below(static_cast<std::uint32_t>(last + 1));
        const std::size_t index = taken.contains(draw) ? last : draw;
        taken.insert(index);
        picked.push_back(m_episodes[index]);
    }
    return picked;
}

std::vector<std::shared_ptr<const EpisodeRecord>> Replay::newest(std::size_t count) const {
    const auto n = static_cast<std::ptrdiff_t>(std::min(count, m_episodes.size()));
    return {m_episodes.end() - n, m_episodes.end()};
}

} // namespace knife
