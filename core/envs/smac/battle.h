// SPDX-License-Identifier: GPL-3.0-or-later
// The built-in combat engine: a battle in game loops of 1/16 second, a function of where its units were placed, of the
// orders and of a seed, which only weapons' times depend on. No allocation after begin(). Not thread-safe.
//
// A loop: units decide whom they fight (minds.h), walk (crowd.h) and strike (weapons.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/envs/smac/battlefield.h"
#include "core/envs/smac/engine.h"
#include "core/envs/smac/weapons.h"

namespace knife {
class StateReader;
}

namespace knife::smac {

class Battle final : public Engine {
  public:
    using Pace = Weapons::Pace;
    /// Keeps memory for battles of `mostUnits`; larger ones allocate in begin(). `terrain` must outlive this.
    explicit Battle(const Terrain& terrain, Pace pace = Pace::Even, std::size_t mostUnits = 0);

    [[nodiscard]] Result<void> begin(std::span<const Placement> units, const EnemyPlan& enemies,
                                     std::uint64_t seed) override;
    [[nodiscard]] Result<void> step(std::span<const Order> orders, int loops) override;
    [[nodiscard]] std::span<const UnitState> units() const override { return m_field.units; }
    [[nodiscard]] Result<void> kill(int unit) override;
    [[nodiscard]] const Terrain& terrain() const override { return m_field.terrain; }
    [[nodiscard]] std::span<const int> struck() const override { return m_field.struck; }
    [[nodiscard]] std::vector<std::byte> save() const override;
    [[nodiscard]] Result<void> restore(std::span<const std::byte> saved, std::span<const Placement> units) override;

  private:
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
    [[nodiscard]] static Saved read(StateReader& in, std::size_t units);
    /// Why that cannot be a battle of these units; empty: it can.
    [[nodiscard]] static std::string problemOf(const Saved& saved, std::span<const Placement> expected);
    void give(int unit, const Order& order);

    Battlefield m_field;
    Weapons m_weapons;
};

} // namespace knife::smac
