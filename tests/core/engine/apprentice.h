// SPDX-License-Identifier: GPL-3.0-or-later
// Trains one method on uniformly random episodes of a payoff table for two agents with three actions each.
#pragma once

#include <array>
#include <string>

#include "core/learning/rollout.h"
#include "engine_fixtures.h"

namespace knife::test {

using Table = std::array<double, 9>; ///< by rows

/// The largest distance of two cells.
[[nodiscard]] double furthest(const Table& a, const Table& b);

struct Apprenticeship {
    std::string table; ///< name of the payoff table
    std::string mixer; ///< the [mixer] section
    std::string optimiser = "adam";
    double lr = 2e-3;
    std::int64_t hidden = 32;
    std::size_t batch = 128;
    int copyInterval = 100; ///< updates between copies to the target
};

struct Learned {
    Table qTot{};
    double greedyReturn = 0.0;
};

class Apprentice {
  public:
    Apprentice(const Apprenticeship& terms, std::uint64_t seed);
    /// Sixteen episodes and one update at a time; then one greedy episode.
    [[nodiscard]] Learned train(int updates);

  private:
    [[nodiscard]] std::vector<EpisodeRecord> play(bool greedy, double epsilon);

    Apprenticeship m_terms;
    Setup m_setup;
    Rollout m_rollout;
    std::unique_ptr<Learner> m_learner;
    std::uint64_t m_episodes = 0;
};

} // namespace knife::test
