// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/envs/smac/unit_table.h"

#include <array>

namespace knife::smac {

namespace {

constexpr double perLoop(double perSecond) {
    return perSecond / kLoopsPerSecond;
}

constexpr double loops(double seconds) {
    return seconds * kLoopsPerSecond;
}

// Life that zerg units regain.
constexpr double kZergRegeneration = perLoop(0.2734);

constexpr std::array<UnitStats, kUnitTypes> kStandard{
    UnitStats{.name = "baneling",
              .health = 30,
              .biological = true,
              .speed = perLoop(2.5),
              .radius = 0.375,
              .separation = 0.375,
              .effect = Effect::Explode,
              .damage = 20,
              .bonusLight = 15,
              .bonusStructure = 60,
              .range = 0.25,
              .cooldown = 1,
              .healthPerLoop = kZergRegeneration},
    UnitStats{.name = "colossus",
              .health = 200,
              .shield = 150,
              .armor = 1,
              .armored = true,
              .climbs = true,
              .tall = true,
              .speed = perLoop(2.25),
              .radius = 1.0,
              .separation = 0.75,
              .effect = Effect::Line,
              .damage = 10,
              .hits = 2,
              .bonusLight = 5,
              .range = 7,
              .cooldown = loops(1.5)},
    UnitStats{.name = "hydralisk",
              .health = 90,
              .light = true,
              .biological = true,
              .speed = perLoop(2.25),
              .radius = 0.625,
              .separation = 0.625,
              .damage = 12,
              .hitsAir = true,
              .range = 5,
              .cooldown = loops(0.825),
              .healthPerLoop = kZergRegeneration},
    UnitStats{.name = "marauder",
              .health = 125,
              .armor = 1,
              .armored = true,
              .biological = true,
              .speed = perLoop(2.25),
              .radius = 0.5625,
              .separation = 0.5625,
              .damage = 10,
              .bonusArmored = 10,
              .range = 6,
              .cooldown = loops(1.5)},
    UnitStats{.name = "marine",
              .health = 45,
              .light = true,
              .biological = true,
              .speed = perLoop(2.25),
              .radius = 0.375,
              .separation = 0.375,
              .damage = 6,
              .hitsAir = true,
              .range = 5,
              .cooldown = loops(0.8608)},
    UnitStats{.name = "medivac",
              .health = 150,
              .armor = 1,
              .armored = true,
              .flies = true,
              .speed = perLoop(2.5),
              .radius = 0.75,
              .separation = 0.75,
              .effect = Effect::Heal,
              .hitsGround = false,
              .range = 4,
              .energyPerLoop = perLoop(0.5625),
              .energyAtStart = 50,
              .energyMax = 200},
    UnitStats{.name = "stalker",
              .health = 80,
              .shield = 80,
              .armor = 1,
              .armored = true,
              .speed = perLoop(2.9531),
              .radius = 0.625,
              .separation = 0.625,
              .damage = 13,
              .bonusArmored = 5,
              .hitsAir = true,
              .range = 6,
              .cooldown = loops(1.8701)},
    UnitStats{.name = "zealot",
              .health = 100,
              .shield = 50,
              .armor = 1,
              .light = true,
              .biological = true,
              .speed = perLoop(2.25),
              .radius = 0.5,
              .separation = 0.375,
              .damage = 8,
              .hits = 2,
              .range = 0.1,
              .cooldown = loops(1.2)},
    UnitStats{.name = "zergling",
              .health = 35,
              .light = true,
              .biological = true,
              .speed = perLoop(2.9531),
              .radius = 0.375,
              .separation = 0.375,
              .damage = 5,
              .range = 0.1,
              .cooldown = loops(0.696),
              .healthPerLoop = kZergRegeneration},
    UnitStats{.name = "spine_crawler",
              .health = 300,
              .armor = 2,
              .armored = true,
              .biological = true,
              .structure = true,
              .radius = 1.125,
              .separation = 1.125,
              .damage = 25,
              .bonusArmored = 5,
              .range = 7,
              .cooldown = loops(1.85),
              .healthPerLoop = kZergRegeneration},
};

// The units of the maps that players control: copies that differ here from the standard ones.
constexpr std::array<UnitStats, kUnitTypes> kOfMaps = [] {
    std::array<UnitStats, kUnitTypes> stats = kStandard;
    stats[static_cast<std::size_t>(UnitType::Hydralisk)].health = 80;
    stats[static_cast<std::size_t>(UnitType::Medivac)].speed = perLoop(2.75);
    return stats;
}();

} // namespace

const UnitStats& statsOf(UnitType type, Team team) {
    const auto& stats = team == Team::Ally ? kOfMaps : kStandard;
    return stats[static_cast<std::size_t>(type)];
}

std::string_view nameOf(UnitType type) {
    return kStandard[static_cast<std::size_t>(type)].name;
}

} // namespace knife::smac
