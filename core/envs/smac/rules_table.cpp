// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/envs/smac/rules_table.h"

#include <array>

namespace knife::smac {

namespace {

// By UnitType. A hydralisk's cooldown is longer than what it is divided by: its share in the state exceeds 1.
constexpr std::array<UnitRules, kUnitTypes> kRules{{
    {.sight = 8, .shootRange = 0.25, .cooldownScale = 1},                    // baneling
    {.hasShield = true, .sight = 10, .shootRange = 7, .cooldownScale = 24},  // colossus
    {.sight = 9, .shootRange = 5, .cooldownScale = 10},                      // hydralisk
    {.sight = 10, .shootRange = 6, .cooldownScale = 25},                     // marauder
    {.sight = 9, .shootRange = 5, .cooldownScale = 15},                      // marine
    {.sight = 11, .shootRange = 4, .cooldownScale = 200},                    // medivac
    {.hasShield = true, .sight = 10, .shootRange = 6, .cooldownScale = 35},  // stalker
    {.hasShield = true, .sight = 9, .shootRange = 0.1, .cooldownScale = 22}, // zealot
    {.sight = 8, .shootRange = 0.1, .cooldownScale = 11},                    // zergling
    {},                                                                      // spine crawler: never an agent
}};

} // namespace

const UnitRules& rulesOf(UnitType type) {
    return kRules[static_cast<std::size_t>(type)];
}

} // namespace knife::smac
