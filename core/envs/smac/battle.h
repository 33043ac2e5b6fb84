// SPDX-License-Identifier: GPL-3.0-or-later
// The built-in combat engine: a battle in game loops of 1/16 second, a function of where its units were placed, of the
// orders and of a seed, which only weapons' times depend on. No allocation after begin(). Not
// thread-safe.
//
// A loop: enemies decide; everybody walks towards what they are after, and units that overlap push each other apart;
// whoever is in range and ready strikes; healing lands, then blows, of attackers from west to east, and the dead
// strike, too, if they die in this loop; the dead go; shields, health and energy come back.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/envs/smac/engine.h"
#include "core/envs/smac/unit_table.h"

namespace knife {
class StateReader;
}

namespace knife::smac {

class Battle final : public Engine {
  public:
    /// Weapons' times in whole numbers, so that they do not drift: what the table has has no finer ones.
    static constexpr int kTicks = 10'000; ///< per loop

    enum class Pace : std::uint8_t {
        Even,   ///< weapons take what the table says
        Uneven, ///< from one loop less to two more
    };
    /// Keeps memory for battles of `mostUnits`; larger ones allocate in begin(). `terrain` must outlive this.
    explicit Battle(const Terrain& terrain, Pace pace = Pace::Even, std::size_t mostUnits = 0);

    [[nodiscard]] Result<void> begin(std::span<const Placement> units, const EnemyPlan& enemies,
                                     std::uint64_t seed) override;
    [[nodiscard]] Result<void> step(std::span<const Order> orders, int loops) override;
    [[nodiscard]] std::span<const UnitState> units() const override { return m_units; }
    [[nodiscard]] Result<void> kill(int unit) override;
    [[nodiscard]] const Terrain& terrain() const override { return m_terrain; }
    [[nodiscard]] std::span<const int> struck() const override { return m_struck; }
    [[nodiscard]] std::vector<std::byte> save() const override;
    [[nodiscard]] Result<void> restore(std::span<const std::byte> saved, std::span<const Placement> units) override;

  private:
    /// What a unit is up to.
    struct Mind {
        enum class Task : std::uint8_t { Idle, Walk, Chase, AttackMove };
        static constexpr Task kLastTask = Task::AttackMove;
        Task task = Task::Idle;
        Vec2 point;      ///< of Walk and AttackMove
        int target = -1; ///< of Chase
        int aim = -1;    ///< whom it fights now; of units that choose for themselves
        int hurtBy = -1; ///< who struck it last
        int sinceHurt = kShieldDelay;
        int wait = 0; ///< ticks until its weapon is ready; negative: those that the loop it became ready in had left
        bool stands = false; ///< fights where it is: others do not push it aside as they like
    };
    /// What never changes of a unit, where loops find it.
    struct Body {
        const UnitStats* stats = nullptr;
        float radius = 0.F;
        float separation = 0.F;
        float speed = 0.F;
        float range = 0.F;
        int cooldown = 0;       ///< ticks
        std::uint8_t layer = 0; ///< units of other layers are walked through: ground, air, giants
    };
    /// What save() keeps.
    struct Saved {
        EnemyPlan plan;
        std::uint64_t seed = 0;
        int loops = 0;
        std::vector<UnitState> units;
        std::vector<Mind> minds;
        std::vector<int> byX;
        std::vector<int> struck;
    };
    struct Strike {
        int attacker = 0;
        int target = 0;
    };

    [[nodiscard]] bool canFollow(int unit, const Order& order) const;
    [[nodiscard]] static Saved read(StateReader& in, std::size_t units);
    /// Why that cannot be a battle of these units; empty: it can.
    [[nodiscard]] static std::string problemOf(const Saved& saved, std::span<const Placement> expected);
    void fillBodies();
    void numberAllies();
    void loop();
    void tellEnemies();
    void think(int unit);
    void thinkAsHealer(int unit);
    [[nodiscard]] int acquire(int unit) const;
    [[nodiscard]] int nearestToGoTo(int unit) const;
    void walk();
    [[nodiscard]] Vec2 goalOf(int unit, bool& going);
    void separate();
    void push(int a, int b);
    void strike();
    void land(const Strike& strike);
    void hurt(int unit, int attacker, double damage, const UnitStats& weapon);
    void explode(int unit);
    void bury();
    void recover();

    [[nodiscard]] UnitState& state(int unit) { return m_units[static_cast<std::size_t>(unit)]; }
    [[nodiscard]] const UnitState& state(int unit) const { return m_units[static_cast<std::size_t>(unit)]; }
    [[nodiscard]] Mind& mind(int unit) { return m_minds[static_cast<std::size_t>(unit)]; }
    [[nodiscard]] const Mind& mind(int unit) const { return m_minds[static_cast<std::size_t>(unit)]; }
    [[nodiscard]] const Body& body(int unit) const { return m_bodies[static_cast<std::size_t>(unit)]; }
    [[nodiscard]] int count() const { return static_cast<int>(m_units.size()); }
    [[nodiscard]] bool canHit(int attacker, int target) const;
    [[nodiscard]] bool isInRange(int attacker, int target) const;
    [[nodiscard]] float edgeDistance(int a, int b) const;
    [[nodiscard]] Vec2 freePlace(int unit, Vec2 wanted) const;

    const Terrain& m_terrain;
    Pace m_pace;
    std::uint64_t m_seed = 0;
    EnemyPlan m_plan;
    std::vector<UnitState> m_units;
    std::vector<Mind> m_minds;
    std::vector<Body> m_bodies;
    std::vector<int> m_byX;        ///< living units from west to east
    std::vector<Strike> m_strikes; ///< of this loop
    std::vector<int> m_dying;      ///< of this loop
    std::vector<int> m_struck;
    int m_loops = 0; ///< since begin()
    int m_allies = 0;
    float m_widest = 0.F; ///< largest separation
};

} // namespace knife::smac
