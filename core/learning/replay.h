// SPDX-License-Identifier: GPL-3.0-or-later
// The last `capacity` episodes, sampled uniformly without replacement inside a batch.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "core/learning/episode.h"
#include "core/types/counter_rng.h"

namespace knife {

class Replay {
  public:
    explicit Replay(std::size_t capacity) : m_capacity(capacity) {}

    void add(std::shared_ptr<const EpisodeRecord> episode);
    void clear() { m_episodes.clear(); }
    [[nodiscard]] std::size_t size() const { return m_episodes.size(); }
    /// What the episodes take in memory.
    [[nodiscard]] std::size_t bytes() const;
    /// Oldest first.
    [[nodiscard]] const std::deque<std::shared_ptr<const EpisodeRecord>>& episodes() const { return m_episodes; }
    /// Requires count <= size().
    [[nodiscard]] std::vector<std::shared_ptr<const EpisodeRecord>> sample(std::size_t count, CounterRng rng) const;
    /// The newest episodes, newest last; at most `count`.
    [[nodiscard]] std::vector<std::shared_ptr<const EpisodeRecord>> newest(std::size_t count) const;

  private:
    std::size_t m_capacity;
    std::deque<std::shared_ptr<const EpisodeRecord>> m_episodes;
};

} // namespace knife
