// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/envs/smac/sight.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <utility>

#include "core/envs/smac/rules_table.h"

namespace knife::smac {

namespace {

constexpr float kPlainSight = 9.F;
constexpr float kPlainReach = 6.F;
constexpr float kLeast = 1e-7F; // what the released code keeps away from 0

} // namespace

Sight::Sight(const SmacParams& params)
    : m_conic(params.conicFov),
      m_compat(params.compatCone),
      m_angle(2.F * std::numbers::pi_v<float> / static_cast<float>(params.fovActions)),
      m_cosine(std::cos(m_angle / 2.F)) {
    for (std::int64_t look = 0; look < params.fovActions; ++look) {
        const float angle = m_angle * static_cast<float>(look);
        m_directions.push_back({std::cos(angle), std::sin(angle)});
    }
    for (std::size_t type = 0; type < kUnitTypes; ++type) {
        const UnitRules& rules = rulesOf(static_cast<UnitType>(type));
        m_sight[type] = params.useUnitRanges ? static_cast<float>(rules.sight) : kPlainSight;
        m_reach[type] =
            params.useUnitRanges ? static_cast<float>(std::max(rules.shootRange, params.minAttackRange)) : kPlainReach;
    }
}

bool Sight::isInCone(Vec2 facing, Vec2 offset) const {
    if (m_compat) {
        const float x = offset.x > 0.F ? std::max(offset.x, kLeast) : std::min(offset.x, -kLeast);
        const float facingX = x > 0.F ? std::max(facing.x, kLeast) : std::min(facing.x, -kLeast);
        return std::abs(std::atan(offset.y / x) - std::atan(facing.y / facingX)) < m_angle / 2.F;
    }
    return facing.x * offset.x + facing.y * offset.y >= m_cosine * std::sqrt(squaredLength(offset));
}

bool Sight::sees(const UnitState& agent, Vec2 facing, Vec2 place) const {
    const Vec2 offset = place - agent.position;
    const float sight = sightOf(agent.type);
    const float squared = squaredLength(offset);
    return m_conic ? squared <= sight * sight && isInCone(facing, offset) : squared < sight * sight;
}

bool Sight::reaches(const UnitState& agent, Vec2 facing, Vec2 place) const {
    const Vec2 offset = place - agent.position;
    const float reach = reachOf(agent.type);
    return squaredLength(offset) <= reach * reach && (!m_conic || isInCone(facing, offset));
}

SightGate::SightGate(const SmacParams& params, int agents, int enemies)
    : m_agents(agents),
      m_enemies(enemies),
      m_probability(params.probObsEnemy),
      m_compat(params.compatEnemyWipe),
      m_open(static_cast<std::size_t>(agents * enemies), 0),
      m_shown(params.compatEnemyWipe ? m_open.size() : 0, 0),
      m_owner(static_cast<std::size_t>(enemies), -1),
      m_order(static_cast<std::size_t>(agents), 0) {}

void SightGate::reset() {
    std::ranges::fill(m_open, std::int8_t{0});
    std::ranges::fill(m_owner, -1);
}

bool SightGate::canBe(const std::vector<std::int8_t>& state, const std::vector<int>& owners) const {
    if (state.size() != m_open.size() || owners.size() != m_owner.size() ||
        !std::ranges::all_of(state, [](std::int8_t open) { return open == 0 || open == 1; })) {
        return false;
    }
    for (std::size_t enemy = 0; enemy < owners.size(); ++enemy) {
        const int owner = owners[enemy];
        const std::size_t row = enemy * static_cast<std::size_t>(m_agents);
        const bool isOwners = owner >= 0 && owner < m_agents && state[row + static_cast<std::size_t>(owner)] == 1;
        if (owner != -1 && !isOwners) {
            return false;
        }
    }
    return true;
}

void SightGate::restore(std::vector<std::int8_t> state, std::vector<int> owners) {
    m_open = std::move(state);
    m_owner = std::move(owners);
}

void SightGate::update(std::span<const UnitState> units, std::span<const Vec2> facing, const Sight& sight,
                       CounterRng& random) {
    const auto agentAt = [&](int agent) -> const UnitState& {
        return units[static_cast<std::size_t>(agent)];
    };
    const auto enemyAt = [&](int enemy) -> const UnitState& {
        return units[static_cast<std::size_t>(m_agents + enemy)];
    };
    const auto row = [this](int enemy) {
        return std::span(m_open).subspan(static_cast<std::size_t>(enemy * m_agents),
                                         static_cast<std::size_t>(m_agents));
    };
    for (int enemy = 0; enemy < m_enemies; ++enemy) {
        int& owner = m_owner[static_cast<std::size_t>(enemy)];
        if (!enemyAt(enemy).isAlive() || (owner >= 0 && !agentAt(owner).isAlive())) {
            owner = -1;
            std::ranges::fill(row(enemy), std::int8_t{0});
        }
        for (int agent = 0; agent < m_agents; ++agent) {
            if (!agentAt(agent).isAlive()) {
                row(enemy)[static_cast<std::size_t>(agent)] = 0;
            }
        }
    }
    std::iota(m_order.begin(), m_order.end(), 0);
    random.shuffle(std::span(m_order));
    for (const int agent : m_order) {
        const UnitState& looking = agentAt(agent);
        // The released code lets the living claim corpses, too, until the next step.
        for (int enemy = 0; looking.isAlive() && enemy < m_enemies; ++enemy) {
            int& owner = m_owner[static_cast<std::size_t>(enemy)];
            const UnitState& seen = enemyAt(enemy);
            if (owner >= 0 || (!seen.isAlive() && !m_compat) ||
                !sight.sees(looking, facing[static_cast<std::size_t>(agent)], seen.position)) {
                continue;
            }
            owner = agent;
            for (int other = 0; other < m_agents; ++other) {
                const bool may = other == agent || random.chance(m_probability);
                row(enemy)[static_cast<std::size_t>(other)] = may ? 1 : 0;
            }
        }
        // Its observation is written now, before those after it look.
        for (int enemy = 0; m_compat && enemy < m_enemies; ++enemy) {
            const auto pair = static_cast<std::size_t>(enemy * m_agents + agent);
            m_shown[pair] = m_open[pair];
        }
    }
}

} // namespace knife::smac
