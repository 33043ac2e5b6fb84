// SPDX-License-Identifier: GPL-3.0-or-later
// The last `capacity` episodes, sampled uniformly without replacement inside a batch. Some may be held: they stay while
// newer ones come and go.
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
    void clear();
    /// Forgets all but the newest `count`; none of them is held.
    void keepNewest(std::size_t count);
    /// How many episodes were ever collected, by what the buffer has of them.
    struct Collected {
        std::int64_t held = 0;  ///< before those that are not held
        std::int64_t since = 0; ///< the rest
    };
    /// Forgets all but `count` (fewer than the capacity), which are held from now on: a sample without replacement in
    /// which the held ones stand for all episodes before, the others for all since then.
    void holdSample(std::size_t count, const Collected& collected, CounterRng rng);
    /// The oldest episodes that are held.
    [[nodiscard]] std::size_t held() const { return m_held; }
    /// Holds the oldest `count`, as a checkpoint has it. Requires count <= size() and count < the capacity.
    void hold(std::size_t count) { m_held = count; }
    [[nodiscard]] std::size_t size() const { return m_episodes.size(); }
    /// What the episodes take in memory.
    [[nodiscard]] std::size_t bytes() const;
    [[nodiscard]] std::size_t capacity() const { return m_capacity; }
    /// Held ones first, then by age, oldest first.
    [[nodiscard]] const std::deque<std::shared_ptr<const EpisodeRecord>>& episodes() const { return m_episodes; }
    /// Requires count <= size().
    [[nodiscard]] std::vector<std::shared_ptr<const EpisodeRecord>> sample(std::size_t count, CounterRng rng) const;
    /// The newest episodes, newest last; at most `count`.
    [[nodiscard]] std::vector<std::shared_ptr<const EpisodeRecord>> newest(std::size_t count) const;

  private:
    std::size_t m_capacity;
    std::size_t m_held = 0;
    std::deque<std::shared_ptr<const EpisodeRecord>> m_episodes;
};

} // namespace knife
