// SPDX-License-Identifier: GPL-3.0-or-later
// Which agents pull a unit in different directions, and how to set them apart (GradPS, xmu-rl-3dv/GradPS).
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace knife {

/// Sums over several observations of |G_a| + |G_b| - |G_a + G_b|: 0 for agents that never pull against each other.
/// Symmetric [agents x agents], 0 on the diagonal.
class AgentConflicts {
  public:
    explicit AgentConflicts(std::size_t agents) : m_agents(agents), m_conflicts(agents * agents, 0.0) {}
    void add(std::span<const double> gains);
    [[nodiscard]] double between(std::size_t a, std::size_t b) const { return m_conflicts[a * m_agents + b]; }

    /// The group of every agent, from 0 on without a gap, agent 0's first: at most `groups` of them, such that the
    /// strongest conflict within a group is as weak as it can be (a colouring of the graph of all stronger ones, found
    /// by bisection). All 0 where nobody conflicts.
    [[nodiscard]] std::vector<int> separated(int groups) const;

  private:
    std::size_t m_agents;
    std::vector<double> m_conflicts;
};

} // namespace knife
