// SPDX-License-Identifier: GPL-3.0-or-later
// What an agent sees and can reach: circles or cones, and, under extended partial observability, who may look at which
// enemy at all.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/envs/smac/engine.h"
#include "core/envs/smac/smac_params.h"
#include "core/types/counter_rng.h"

namespace knife::smac {

class Sight {
  public:
    explicit Sight(const SmacParams& params);

    [[nodiscard]] float sightOf(UnitType type) const { return m_sight[static_cast<std::size_t>(type)]; }
    [[nodiscard]] float reachOf(UnitType type) const { return m_reach[static_cast<std::size_t>(type)]; }
    /// Whether an agent that looks in a direction (a unit vector; of cones alone) sees a place.
    [[nodiscard]] bool sees(const UnitState& agent, Vec2 facing, Vec2 place) const;
    /// Whether it could strike there: as far as its reach, whatever the sizes of units.
    [[nodiscard]] bool reaches(const UnitState& agent, Vec2 facing, Vec2 place) const;
    /// Of what agents see, radians; 0: all around.
    [[nodiscard]] float coneAngle() const { return m_conic ? m_angle : 0.F; }
    /// Directions that looks turn to.
    [[nodiscard]] Vec2 direction(int look) const { return m_directions[static_cast<std::size_t>(look)]; }

  private:
    [[nodiscard]] bool isInCone(Vec2 facing, Vec2 offset) const;

    bool m_conic;
    bool m_compat;
    float m_angle;
    float m_cosine; ///< of half of it
    std::vector<Vec2> m_directions;
    float m_sight[kUnitTypes]{};
    float m_reach[kUnitTypes]{};
};

/// Who may see which enemy. The first agent that sees one owns it, and every other may see it with one probability,
/// drawn then; when either dies, it is nobody's again.
class SightGate {
  public:
    SightGate(const SmacParams& params, int agents, int enemies);

    /// Whether anything is ever shut, or must be known for `compat_enemy_wipe`.
    [[nodiscard]] bool isNeeded() const { return m_probability < 1.0 || m_compat; }
    void reset();
    /// Looks at the battle; agents look in random order. `units`: agents, then enemies.
    void update(std::span<const UnitState> units, std::span<const Vec2> facing, const Sight& sight, CounterRng& random);
    /// Of `compat_enemy_wipe`: whether an enemy that this agent has not been shown blanks the rows before it.
    [[nodiscard]] bool wipes(int agent, int enemy) const {
        return m_compat && m_shown[static_cast<std::size_t>(enemy * m_agents + agent)] == 0;
    }
    [[nodiscard]] bool isOpen(int agent, int enemy) const {
        return m_open[static_cast<std::size_t>(enemy * m_agents + agent)] != 0;
    }

    /// [enemies x agents], then the owner of each enemy: for saved states.
    [[nodiscard]] const std::vector<std::int8_t>& state() const { return m_open; }
    [[nodiscard]] const std::vector<int>& owners() const { return m_owner; }
    [[nodiscard]] bool canBe(const std::vector<std::int8_t>& state, const std::vector<int>& owners) const;
    /// Requires canBe().
    void restore(std::vector<std::int8_t> state, std::vector<int> owners);

  private:
    int m_agents;
    int m_enemies;
    double m_probability;
    bool m_compat;
    std::vector<std::int8_t> m_open;
    std::vector<std::int8_t> m_shown; ///< of `compat_enemy_wipe`: likewise, at the time when the agent looked
    std::vector<int> m_owner;
    std::vector<int> m_order;
};

} // namespace knife::smac
