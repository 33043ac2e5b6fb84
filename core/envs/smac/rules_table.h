// SPDX-License-Identifier: GPL-3.0-or-later
// What the rules of SMAC and SMACv2 know of each type of unit: constants of the released code, whatever engine moves
// the units.
#pragma once

#include "core/envs/smac/unit_type.h"

namespace knife::smac {

struct UnitRules {
    bool hasShield = false;
    double sight = 9.0;          ///< cells, with use_unit_ranges
    double shootRange = 6.0;     ///< cells, centre to centre, before min_attack_range
    double cooldownScale = 15.0; ///< game loops that the state divides a weapon's cooldown by
};
[[nodiscard]] const UnitRules& rulesOf(UnitType type);

inline constexpr float kEnergyScale = 200.F; ///< that the state divides the energy of healers by

} // namespace knife::smac
