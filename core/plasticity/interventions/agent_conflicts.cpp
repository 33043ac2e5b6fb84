// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/interventions/agent_conflicts.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

namespace knife {

namespace {

// Gives agents groups one after another, those in the strongest conflicts first, and takes a choice back where it
// leaves a later agent none.
class Colouring {
  public:
    Colouring(const AgentConflicts& conflicts, std::size_t agents, int groups, double allowed)
        : m_conflicts(conflicts), m_groups(groups), m_allowed(allowed), m_order(agents), m_group(agents, -1) {
        std::vector<double> strength(agents, 0.0);
        for (std::size_t a = 0; a < agents; ++a) {
            for (std::size_t b = 0; b < agents; ++b) {
                strength[a] += conflicts.between(a, b);
            }
        }
        std::iota(m_order.begin(), m_order.end(), std::size_t{0});
        std::ranges::stable_sort(m_order, std::greater<>(), [&](std::size_t agent) { return strength[agent]; });
    }
    /// Whether no conflict above what is allowed is left within a group.
    bool find(std::size_t next = 0) {
        if (next == m_order.size()) {
            return true;
        }
        const std::size_t agent = m_order[next];
        for (const int group : groupsByConflict(agent)) {
            m_group[agent] = group;
            if (find(next + 1)) {
                return true;
            }
        }
        m_group[agent] = -1;
        return false;
    }
    [[nodiscard]] const std::vector<int>& groups() const { return m_group; }

  private:
    // Groups that an agent may join, the one it conflicts least with first.
    [[nodiscard]] std::vector<int> groupsByConflict(std::size_t agent) const {
        std::vector<double> total(static_cast<std::size_t>(m_groups), 0.0);
        std::vector<bool> open(static_cast<std::size_t>(m_groups), true);
        for (std::size_t other = 0; other < m_group.size(); ++other) {
            if (m_group[other] < 0 || other == agent) {
                continue;
            }
            const auto group = static_cast<std::size_t>(m_group[other]);
            total[group] += m_conflicts.between(agent, other);
            open[group] = open[group] && m_conflicts.between(agent, other) <= m_allowed;
        }
        std::vector<int> candidates;
        for (int group = 0; group < m_groups; ++group) {
            if (open[static_cast<std::size_t>(group)]) {
                candidates.push_back(group);
            }
        }
        std::ranges::stable_sort(candidates, {}, [&](int group) { return total[static_cast<std::size_t>(group)]; });
        return candidates;
    }

    const AgentConflicts& m_conflicts;
    int m_groups;
    double m_allowed;
    std::vector<std::size_t> m_order;
    std::vector<int> m_group;
};

std::vector<int> numberedByAppearance(std::vector<int> groups) {
    std::map<int, int> numbers;
    for (int& group : groups) {
        group = numbers.try_emplace(group, static_cast<int>(numbers.size())).first->second;
    }
    return groups;
}

} // namespace

void AgentConflicts::add(std::span<const double> gains) {
    for (std::size_t a = 0; a < m_agents; ++a) {
        for (std::size_t b = 0; b < m_agents; ++b) {
            // The same as the sum of magnitudes less the magnitude of the sum, without its rounding.
            if ((gains[a] < 0.0 && gains[b] > 0.0) || (gains[a] > 0.0 && gains[b] < 0.0)) {
                m_conflicts[a * m_agents + b] += 2.0 * std::min(std::abs(gains[a]), std::abs(gains[b]));
            }
        }
    }
}

std::vector<int> AgentConflicts::separated(int groups) const {
    std::vector<double> levels(m_conflicts);
    std::ranges::sort(levels); // 0, the diagonal, comes first: no conflict at all is left within a group
    levels.erase(std::unique(levels.begin(), levels.end()), levels.end());
    const auto isColourable = [&](double allowed) {
        return Colouring(*this, m_agents, groups, allowed).find();
    };
    const auto least = std::ranges::partition_point(levels, [&](double allowed) { return !isColourable(allowed); });
    Colouring best(*this, m_agents, groups, *least); // the highest level allows everything
    best.find();
    return numberedByAppearance(best.groups());
}

} // namespace knife
