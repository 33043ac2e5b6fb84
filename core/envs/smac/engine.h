// SPDX-License-Identifier: GPL-3.0-or-later
// What moves units: the rules of SMAC ask for nothing more, so that the built-in battle and the real game are
// exchangeable behind it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/envs/smac/terrain.h"
#include "core/envs/smac/unit_table.h"
#include "core/types/error.h"

namespace knife::smac {

/// One unit as the rules see it between two steps. Dead units keep their place in the list.
struct UnitState {
    UnitType type = UnitType::Marine;
    Team team = Team::Ally;
    Vec2 position;
    float health = 0.F; ///< 0: dead
    float healthMax = 0.F;
    float shield = 0.F;
    float shieldMax = 0.F;
    float energy = 0.F;
    float cooldown = 0.F; ///< loops until its weapon is ready
    [[nodiscard]] bool isAlive() const { return health > 0.F; }
};

struct Placement {
    UnitType type = UnitType::Marine;
    Team team = Team::Ally;
    Vec2 point; ///< where it is wanted; units that want the same place stand side by side
};

/// What the enemies are told when they have been placed, and by the map whenever they have nothing to do.
struct EnemyPlan {
    enum class Kind : std::uint8_t {
        Stay,          ///< nothing: they wait for who comes near
        AttackMove,    ///< to `point`, fighting what they meet; told once
        AttackNearest, ///< the nearest opponent of each, and again when one has nothing to do; looked at twice a second
    };
    Kind kind = Kind::Stay;
    Vec2 point;
};

struct Order {
    enum class Kind : std::uint8_t {
        None, ///< what was ordered before goes on
        Stop,
        Move,   ///< to `point`
        Attack, ///< unit `target`, wherever it goes
        Heal,
    };
    Kind kind = Kind::None;
    Vec2 point;
    int target = -1; ///< index into units()
};

class Engine {
  public:
    Engine() = default;
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;
    virtual ~Engine() = default;

    /// Ends the battle that was, if any, and begins one with these units: allies first, then enemies.
    /// What is left to chance is a function of `seed`.
    [[nodiscard]] virtual Result<void> begin(const std::vector<Placement>& units, const EnemyPlan& enemies,
                                             std::uint64_t seed) = 0;
    /// Gives one order to each ally and lets so many game loops go by. An order that cannot be followed (to attack
    /// whom the unit cannot hit, a friend, or the dead; to heal whom it cannot heal) is refused as the game does: what
    /// was ordered before goes on. ErrorCode::Usage: not one order per ally, or a target that does not exist.
    [[nodiscard]] virtual Result<void> step(std::span<const Order> orders, int loops) = 0;
    /// In the order of begin().
    [[nodiscard]] virtual std::span<const UnitState> units() const = 0;
    /// Takes a unit out of the battle at once.
    [[nodiscard]] virtual Result<void> kill(int unit) = 0;
    [[nodiscard]] virtual const Terrain& terrain() const = 0;
    /// By unit: whom it has fired at or healed in the last step; -1: nobody.
    [[nodiscard]] virtual std::span<const int> struck() const = 0;

    /// The battle as bytes, for going on elsewhere; empty where that cannot be done.
    [[nodiscard]] virtual std::vector<std::byte> save() const = 0;
    /// False, with nothing changed: the bytes are of another battle.
    [[nodiscard]] virtual bool restore(std::span<const std::byte> saved) = 0;
};

} // namespace knife::smac
