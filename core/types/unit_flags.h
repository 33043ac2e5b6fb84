// SPDX-License-Identifier: GPL-3.0-or-later
// Which units a frame shows as impaired, in which respects, and how far these sets of units agree. Works on stored
// values alone, so that any moment of a run can be judged again, by other limits too.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "core/types/snapshot.h"

namespace knife {

enum class UnitFlag : std::uint8_t { Dead, Dormant, LowGrama, Futile, Stagnant, OverActive };
inline constexpr std::size_t kUnitFlags = 6;
/// "dead", "dormant", "low_grama", "futile", "stagnant", "over_active".
[[nodiscard]] std::string_view nameOf(UnitFlag flag);
[[nodiscard]] std::array<UnitFlag, kUnitFlags> allUnitFlags();

/// Keys of [diagnostics], where their defaults stand. `futileBelow` is relative to the site's mean.
struct UnitLimits {
    double stagnantBelow = 0.0;   ///< "rua" < this
    double dormantBelow = 0.0;    ///< "dormancy" <= this
    double deadBelow = 0.0;       ///< "firing_share" < this
    double gramaBelow = 0.0;      ///< "grama" <= this
    double futileBelow = 0.0;     ///< "efficiency" < this times its mean over the site
    double overActiveAbove = 0.0; ///< "dormancy" > this
};

/// Flags of the units of one site: one bit per flag, bit number static_cast<int>(flag).
struct UnitMarks {
    std::vector<std::uint8_t> measured; ///< whether the flag can be judged
    std::vector<std::uint8_t> raised;   ///< only where it can
    [[nodiscard]] static constexpr std::uint8_t bit(UnitFlag flag) {
        return static_cast<std::uint8_t>(1U << static_cast<unsigned>(flag));
    }
};
[[nodiscard]] UnitMarks markUnits(const SiteSnapshot& site, const UnitLimits& limits);

/// How many units carry two flags: entry [a][b] counts units that are judged by both. Adds up over sites.
struct FlagOverlap {
    using Matrix = std::array<std::array<std::int64_t, kUnitFlags>, kUnitFlags>;
    Matrix both{}; ///< [a][a]: carry the flag
    Matrix either{};
    Matrix judged{}; ///< [a][a]: can be judged by it
    /// Share of the units that carry the flag; NaN where none can be judged.
    [[nodiscard]] double share(UnitFlag flag) const;
    /// Jaccard index: units with both flags over units with any of them; NaN where no unit has any.
    [[nodiscard]] double jaccard(UnitFlag a, UnitFlag b) const;
    FlagOverlap& operator+=(const FlagOverlap& other);
};
[[nodiscard]] FlagOverlap countOverlap(const UnitMarks& marks);

/// One site, or all of them pooled with units as weights.
struct SiteOverlap {
    std::string site; ///< empty: pooled
    FlagOverlap overlap;
};
/// All sites of a frame, then the pooled one.
[[nodiscard]] std::vector<SiteOverlap> overlapOf(const NeuronFrame& frame, const UnitLimits& limits);

/// How many of the units that carried a flag still carry it. Adds up over sites.
struct FlagTurnover {
    std::array<std::int64_t, kUnitFlags> before{};
    std::array<std::int64_t, kUnitFlags> stayed{};
    /// Share of them that stayed; NaN where there were none.
    [[nodiscard]] double persistence(UnitFlag flag) const;
    FlagTurnover& operator+=(const FlagTurnover& other);
};
/// `before` has the bits of UnitMarks::raised, or is empty: nothing is known. Units that `now` cannot judge are left
/// out.
[[nodiscard]] FlagTurnover countTurnover(const std::vector<std::uint8_t>& before, const UnitMarks& now);

} // namespace knife
