// SPDX-License-Identifier: GPL-3.0-or-later
// The maps of SMAC and the random teams of SMACv2: who fights whom, where, and for how long.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/envs/smac/engine.h"

namespace knife::smac {

/// Some units of one type that begin around one point.
struct Group {
    UnitType type = UnitType::Marine;
    int count = 0;
    Vec2 point;
};

/// Kinds of maps that the rules know by name.
enum class MapKind : std::uint8_t {
    Plain,
    WithMedivacs, ///< medivacs of the team heal instead of attacking: MMM and terran_gen
};

/// A map of SMAC.
struct Scenario {
    std::string_view name; ///< "3m"
    std::vector<Group> allies;
    std::vector<Group> enemies;
    int episodeLimit = 0;
    /// By index in the one-hot of types; empty: no one-hot.
    std::vector<UnitType> allyTypes;
    std::vector<UnitType> enemyTypes;
    MapKind kind = MapKind::Plain;
    std::string_view terrain;
    EnemyPlan plan;
    /// Enemies are told to go to a point drawn between the first two groups of allies.
    bool goesBetweenAllies = false;
};
[[nodiscard]] const std::vector<Scenario>& scenarios();

/// A race of SMACv2: teams are drawn from its three types.
struct Race {
    std::string_view name; ///< "terran"
    std::vector<UnitType> types;
    std::vector<double> weights;
    std::vector<UnitType> exceptions; ///< a team does not consist of these alone
    MapKind kind = MapKind::Plain;
};
[[nodiscard]] const std::vector<Race>& races();

/// Sizes of teams that SMACv2 names: allies, enemies.
struct TeamSizes {
    int allies = 0;
    int enemies = 0;
};
[[nodiscard]] const std::vector<TeamSizes>& teamSizes();
/// "terran_5_vs_5".
[[nodiscard]] std::string scenarioName(const Race& race, TeamSizes sizes);

[[nodiscard]] bool hasShields(const std::vector<UnitType>& types);
[[nodiscard]] int countOf(const std::vector<Group>& groups);

} // namespace knife::smac
