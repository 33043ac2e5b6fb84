// SPDX-License-Identifier: GPL-3.0-or-later
// What the built-in combat engine knows of each type of unit: numbers of StarCraft II 4.10, in its own units. Lengths
// are map cells; times are game loops, 16 to a second at "Normal" speed; whatever goes by per second in the game's data
// is written per loop here.
#pragma once

#include "core/envs/smac/unit_type.h"

namespace knife::smac {

inline constexpr int kLoopsPerSecond = 16;

/// What a weapon or a spell does to where it lands.
enum class Effect : std::uint8_t {
    Hit,     ///< damage to the target
    Line,    ///< damage to all in a thin rectangle across the line of fire
    Explode, ///< damage to all in a circle; the unit dies of it
    Heal,    ///< not damage at all
};

struct UnitStats {
    std::string_view name; ///< "marine"
    double health = 0.0;
    double shield = 0.0;
    double armor = 0.0; ///< off every hit to health; shields have none
    bool light = false;
    bool armored = false;
    bool biological = false;
    bool structure = false;
    bool flies = false;
    bool climbs = false; ///< walks over cliffs and over other ground units
    bool tall = false;   ///< is hit by what hits ground and by what hits air

    double speed = 0.0;      ///< per loop
    double radius = 0.0;     ///< of its body, which weapons reach to
    double separation = 0.0; ///< radius that other units keep away from

    Effect effect = Effect::Hit;
    double damage = 0.0; ///< of each hit
    int hits = 1;
    double bonusLight = 0.0; ///< more damage of each hit
    double bonusArmored = 0.0;
    double bonusStructure = 0.0;
    bool hitsGround = true;
    bool hitsAir = false;
    double range = 0.0;    ///< edge to edge
    double cooldown = 0.0; ///< loops between two attacks

    double healthPerLoop = 0.0;
    double energyPerLoop = 0.0;
    double energyAtStart = 0.0;
    double energyMax = 0.0;
};

/// As the team has it: the maps give agents some units that differ from the enemies'.
[[nodiscard]] const UnitStats& statsOf(UnitType type, Team team);

/// Whether a weapon can be aimed at that, or a healer can heal it; teams and distance aside.
[[nodiscard]] inline bool canHit(const UnitStats& attacker, const UnitStats& target) {
    if (attacker.effect == Effect::Heal) {
        return target.biological && !target.flies;
    }
    return (attacker.hitsGround && (!target.flies || target.tall)) ||
           (attacker.hitsAir && (target.flies || target.tall));
}

// Rules of combat that no type changes.
inline constexpr double kShieldPerLoop = 2.0 / kLoopsPerSecond;
inline constexpr int kShieldDelay = 10 * kLoopsPerSecond; ///< loops without damage before shields come back
inline constexpr double kSmallestHit = 0.5;               ///< what armor leaves of a hit to health
inline constexpr double kLineWidth = 2.8;                 ///< of Effect::Line, across
inline constexpr double kLineDepth = 0.3;                 ///< along
inline constexpr double kBlastRadius = 2.2;               ///< of Effect::Explode
inline constexpr double kHealPerLoop = 9.0 / kLoopsPerSecond;
inline constexpr double kHealPerEnergy = 3.0;
inline constexpr double kAcquireRange = 5.0; ///< edge to edge; longer weapons look as far as they reach

/// Which rules and numbers these are: `rule_set` of stored runs.
inline constexpr int kRuleSet = 1;

} // namespace knife::smac
