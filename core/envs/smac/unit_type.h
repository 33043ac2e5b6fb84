// SPDX-License-Identifier: GPL-3.0-or-later
// Which units there are: what rules and engines have in common.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace knife::smac {

/// In the order of the ids that the maps give their units, which is alphabetical; enemies' structures last.
enum class UnitType : std::uint8_t {
    Baneling,
    Colossus,
    Hydralisk,
    Marauder,
    Marine,
    Medivac,
    Stalker,
    Zealot,
    Zergling,
    SpineCrawler,
};
inline constexpr std::size_t kUnitTypes = 10;

enum class Team : std::uint8_t { Ally, Enemy };

/// "marine", "spine_crawler".
[[nodiscard]] std::string_view nameOf(UnitType type);

} // namespace knife::smac
