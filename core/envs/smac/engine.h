// SPDX-License-Identifier: GPL-3.0-or-later
// What moves units: the rules of SMAC ask for nothing more, so that the built-in battle and the real game are
// exchangeable behind it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/envs/smac/terrain.h"
#include "core/envs/smac/unit_type.h"
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
        Stay,              ///< nothing: they wait for who comes near
        AttackMove,        ///< to `point`, fighting what they meet; told once
        AttackNearestOnce, ///< the nearest opponent of each; told once
        AttackNearest, ///< the nearest opponent of each, and again when one has nothing to do; looked at twice a second
    };
    static constexpr Kind kLastKind = Kind::AttackNearest;
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

/// A battle at a time. Every call blocks until it is done; not thread-safe: one thread per engine. Before the first
/// begin(), and after a begin() or step() that failed, there is no battle: units() and struck() are empty then, step(),
/// kill() and save() must not be called, and begin() starts afresh.
class Engine {
  public:
    Engine() = default;
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;
    virtual ~Engine() = default;

    /// Ends the battle that was, if any, and begins one with these units: allies first, then enemies. Units whose place
    /// is taken or cannot be stood on, also one outside the map, begin as near to it as there is room. What is left to
    /// chance is a function of `seed`, as far as the engine can promise that. An engine may fail as the game does.
    [[nodiscard]] virtual Result<void> begin(std::span<const Placement> units, const EnemyPlan& enemies,
                                             std::uint64_t seed) = 0;
    /// Gives one order to each ally and lets so many game loops go by, 0 or more. An order that cannot be followed (to
    /// attack whom the unit cannot hit, a friend, or the dead; to heal whom it cannot heal) is refused as the game
    /// does: what was ordered before goes on. A point outside the map is walked to as far as the map goes.
    /// ErrorCode::Usage, with nothing changed: not one order per ally, or a target that does not exist. Any other error
    /// ends the battle.
    [[nodiscard]] virtual Result<void> step(std::span<const Order> orders, int loops) = 0;
    /// Types and teams in the order of begin(). Within it, allies of one type that were listed one after another are
    /// numbered by where they really began, from west to east, then from south to north, as SMAC numbers its agents.
    /// Valid until the next call that is not const.
    [[nodiscard]] virtual std::span<const UnitState> units() const = 0;
    /// Takes a unit out of the battle at once, without what its death would do to others. ErrorCode::Usage: there is no
    /// such unit. The dead stay dead.
    [[nodiscard]] virtual Result<void> kill(int unit) = 0;
    /// The same object, and unchanged, as long as the engine lives.
    [[nodiscard]] virtual const Terrain& terrain() const = 0;
    /// By unit: whom it has fired at or healed in the last step(); -1: nobody. Valid like units().
    [[nodiscard]] virtual std::span<const int> struck() const = 0;

    /// The battle as bytes, for going on elsewhere; empty where the engine cannot do that.
    [[nodiscard]] virtual std::vector<std::byte> save() const = 0;
    /// Goes on with what save() of an equally made engine gave for a battle of these units. ErrorCode::Corrupt, with
    /// nothing changed: the bytes are damaged, or of other units. ErrorCode::Unsupported: the engine cannot do that.
    [[nodiscard]] virtual Result<void> restore(std::span<const std::byte> saved, std::span<const Placement> units) = 0;
};

} // namespace knife::smac
