// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/learning/replay.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <numeric>
#include <unordered_set>

namespace knife {

void Replay::add(std::shared_ptr<const EpisodeRecord> episode) {
    if (m_episodes.size() == m_capacity) {
        m_episodes.erase(m_episodes.begin() + static_cast<std::ptrdiff_t>(m_held));
    }
    m_episodes.push_back(std::move(episode));
}

void Replay::clear() {
    m_episodes.clear();
    m_held = 0;
}

void Replay::keepNewest(std::size_t count) {
    m_held = 0;
    while (m_episodes.size() > count) {
        m_episodes.pop_front();
    }
}

void Replay::holdSample(std::size_t count, const Collected& collected, CounterRng rng) {
    // Those that were held, then the others; each part with how many episodes one of it stands for.
    struct Part {
        std::vector<std::size_t> left;
        double each = 0.0;
        [[nodiscard]] double weight() const { return each * static_cast<double>(left.size()); }
    };
    const auto part = [](std::size_t begin, std::size_t end, std::int64_t standsFor) {
        Part made;
        made.left.resize(end - begin);
        std::iota(made.left.begin(), made.left.end(), begin);
        made.each = end > begin ? static_cast<double>(standsFor) / static_cast<double>(end - begin) : 0.0;
        return made;
    };
    Part before = part(0, m_held, collected.held);
    Part since = part(m_held, m_episodes.size(), collected.since);
    std::vector<std::size_t> drawn;
    while (drawn.size() < std::min(count, m_episodes.size())) {
        const double at = rng.uniform() * (before.weight() + since.weight());
        Part& from = since.left.empty() || (at < before.weight() && !before.left.empty()) ? before : since;
        const std::size_t pick = rng.below(static_cast<std::uint32_t>(from.left.size()));
        drawn.push_back(from.left[pick]);
        from.left.erase(from.left.begin() + static_cast<std::ptrdiff_t>(pick));
    }
    std::ranges::sort(drawn);
    std::deque<std::shared_ptr<const EpisodeRecord>> kept;
    std::ranges::transform(drawn, std::back_inserter(kept), [&](std::size_t i) { return m_episodes[i]; });
    m_episodes = std::move(kept);
    m_held = m_episodes.size();
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
