// SPDX-License-Identifier: GPL-3.0-or-later
// What all parts of the built-in engine work on: the units of a battle, what each is up to, and what is where.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "core/envs/smac/engine.h"
#include "core/envs/smac/unit_table.h"

namespace knife::smac {

/// Weapons' times in whole numbers, so that they do not drift: what the unit table has has no finer ones.
inline constexpr int kTicks = 10'000; ///< per loop

/// Pushes at its goal after which a unit takes it for reached.
inline constexpr int kMostJostles = 8;

/// What a unit is up to.
struct Mind {
    enum class Task : std::uint8_t { Idle, Walk, Chase, AttackMove };
    static constexpr Task kLastTask = Task::AttackMove;
    Task task = Task::Idle;
    Vec2 point;      ///< of Walk and AttackMove
    int target = -1; ///< of Chase
    int aim = -1;    ///< whom it fights or heals now
    int hurtBy = -1; ///< who struck it last
    int sinceHurt = kShieldDelay;
    int wait = 0;        ///< ticks until its weapon is ready; negative: those that the loop it became ready in had left
    int jostled = 0;     ///< how often others have pushed it off where it wants to go
    int turns = 0;       ///< to which side it goes round others until its way is free: 1 left, -1 right; 0: not
    bool stands = false; ///< fights where it is: others do not push it aside as they like
};

/// Where a unit is about to step.
struct Stride {
    Vec2 to;
    bool goes = false; ///< whether it wants to be elsewhere at all
};

/// What never changes of a unit, where loops find it.
struct Body {
    const UnitStats* stats = nullptr;
    float radius = 0.F;
    float separation = 0.F;
    float speed = 0.F; ///< cells per loop
    float range = 0.F;
    int cooldown = 0;       ///< ticks
    std::uint8_t layer = 0; ///< a Layer
};

/// Units of other layers are walked through.
enum Layer : std::uint8_t { Ground, Air, Giants };

struct Battlefield {
    static constexpr float kFar = 1e9F;

    /// With memory for so many units. The terrain must outlive this.
    Battlefield(const Terrain& ground, std::size_t mostUnits);

    const Terrain& terrain;
    std::uint64_t seed = 0;
    EnemyPlan plan;
    int loops = 0;  ///< since the battle began
    int allies = 0; ///< which come first
    std::vector<UnitState> units;
    std::vector<Mind> minds;
    std::vector<Body> bodies;
    std::vector<int> byX; ///< living units from west to east; in order except while they walk
    std::vector<int> struck;
    std::vector<Stride> strides; ///< of this loop
    std::vector<int> still;      ///< who goes nowhere in this loop, from west to east
    float widest = 0.F;          ///< largest separation
    float widestBody = 0.F;      ///< largest radius

    /// Bodies and whatever else follows from who the units are.
    void fillBodies();

    /// Puts the living in order again; quick if they nearly are.
    void sortByX();

    enum class Visit : std::uint8_t { On, Stop };
    /// Shows `visit(int other, float away)` all other living units than byX[place], by how far they are to its east or
    /// west, which is never more than their distance, until it says Stop. byX is in order.
    template <typename Visitor>
    void visitOutwards(std::size_t place, const Visitor& visitor) const {
        const float x = unit(byX[place]).position.x;
        std::size_t west = place;
        std::size_t east = place + 1;
        while (west > 0 || east < byX.size()) {
            const float toWest = west > 0 ? x - unit(byX[west - 1]).position.x : kFar;
            const float toEast = east < byX.size() ? unit(byX[east]).position.x - x : kFar;
            const int other = toWest <= toEast ? byX[--west] : byX[east++];
            if (visitor(other, std::min(toWest, toEast)) == Visit::Stop) {
                return;
            }
        }
    }
    /// Shows `visit(int other)` all living units whose x is within `reach` of a place. byX is in order.
    template <typename Visitor>
    void visitAround(float x, float reach, const Visitor& visitor) const {
        const auto isWestOf = [this](int other, float edge) {
            return unit(other).position.x < edge;
        };
        for (auto i = std::lower_bound(byX.begin(), byX.end(), x - reach, isWestOf);
             i != byX.end() && unit(*i).position.x <= x + reach; ++i) {
            visitor(*i);
        }
    }

    [[nodiscard]] int count() const { return static_cast<int>(units.size()); }
    [[nodiscard]] UnitState& unit(int index) { return units[static_cast<std::size_t>(index)]; }
    [[nodiscard]] const UnitState& unit(int index) const { return units[static_cast<std::size_t>(index)]; }
    [[nodiscard]] Mind& mind(int index) { return minds[static_cast<std::size_t>(index)]; }
    [[nodiscard]] const Mind& mind(int index) const { return minds[static_cast<std::size_t>(index)]; }
    [[nodiscard]] Stride& stride(int index) { return strides[static_cast<std::size_t>(index)]; }
    [[nodiscard]] const Stride& stride(int index) const { return strides[static_cast<std::size_t>(index)]; }
    [[nodiscard]] const Body& body(int index) const { return bodies[static_cast<std::size_t>(index)]; }

    [[nodiscard]] bool isHealer(int index) const { return body(index).stats->effect == Effect::Heal; }
    /// Whether a weapon is made for that, or a healer can heal it, of whichever team a weapon's target is.
    [[nodiscard]] bool canHit(int attacker, int target) const {
        const bool mayBe = !isHealer(attacker) ||
                           (attacker != target && unit(attacker).team == unit(target).team && unit(target).isAlive());
        return mayBe && smac::canHit(*body(attacker).stats, *body(target).stats);
    }
    [[nodiscard]] float edgeDistance(int a, int b) const {
        return std::sqrt(squaredLength(unit(a).position - unit(b).position)) - body(a).radius - body(b).radius;
    }
    [[nodiscard]] bool isInRange(int attacker, int target) const {
        const float reach = body(attacker).range + body(attacker).radius + body(target).radius;
        return squaredLength(unit(attacker).position - unit(target).position) <= reach * reach;
    }
};

} // namespace knife::smac
