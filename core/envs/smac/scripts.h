// SPDX-License-Identifier: GPL-3.0-or-later
// Agents that follow a rule: a measure of how hard a battle is, and `heuristic_ai`.
#pragma once

#include <cstdint>
#include <span>

#include "core/envs/smac/observer.h"
#include "core/envs/smac/sight.h"
#include "core/envs/smac/smac_params.h"
#include "core/envs/smac/terrain.h"

namespace knife::smac {

/// Every agent goes for the nearest enemy that it can hit, healers for the most hurt friend in their reach and else for
/// the nearest that they can heal. It knows where everybody is, whatever agents see, but acts as agents can.
class AttackNearest {
  public:
    /// All must outlive this.
    AttackNearest(const SmacSetting& setting, const Observer& observer, const Sight& sight, const Terrain& terrain)
        : m_setting(setting), m_observer(observer), m_sight(sight), m_terrain(terrain) {}

    /// A legal action of an agent: names a target in its reach, turns to it where agents look through cones, or walks
    /// on; `legal`: one flag per action.
    [[nodiscard]] std::int32_t act(const Moment& moment, int agent, std::span<const std::uint8_t> legal) const;
    /// The slot of whom a living agent goes for, however far away; -1: nobody.
    [[nodiscard]] int goal(const Moment& moment, int agent) const;

  private:
    [[nodiscard]] bool canTarget(const Moment& moment, int agent, int slot) const;
    [[nodiscard]] int slots() const { return m_observer.actions() - m_observer.firstTarget(); }
    [[nodiscard]] const UnitState& targetAt(const Moment& moment, int agent, int slot) const;
    [[nodiscard]] int inReach(const Moment& moment, int agent) const;
    [[nodiscard]] std::int32_t turnTo(Vec2 way, std::span<const std::uint8_t> legal) const;
    [[nodiscard]] std::int32_t walkTo(const UnitState& own, Vec2 place, std::span<const std::uint8_t> legal) const;

    const SmacSetting& m_setting;
    const Observer& m_observer;
    const Sight& m_sight;
    const Terrain& m_terrain;
};

} // namespace knife::smac
