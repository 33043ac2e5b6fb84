// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/types/unit_flags.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace knife {

namespace {

double ratio(std::int64_t part, std::int64_t whole) {
    return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole)
                     : std::numeric_limits<double>::quiet_NaN();
}

std::size_t indexOf(UnitFlag flag) {
    return static_cast<std::size_t>(flag);
}

double meanOfMeasured(const std::vector<float>& values) {
    double sum = 0.0;
    std::int64_t count = 0;
    for (const float value : values) {
        if (!std::isnan(value)) {
            sum += static_cast<double>(value);
            ++count;
        }
    }
    return count > 0 ? sum / static_cast<double>(count) : 0.0;
}

template <typename Predicate>
void mark(UnitMarks& marks, const SiteSnapshot& site, const char* diagnostic, UnitFlag flag, Predicate raised) {
    const UnitDiagnostic* column = site.find(diagnostic);
    if (column == nullptr) {
        return;
    }
    const std::uint8_t bit = UnitMarks::bit(flag);
    for (std::size_t unit = 0; unit < std::min(column->values.size(), marks.raised.size()); ++unit) {
        const float value = column->values[unit];
        if (std::isnan(value)) {
            continue;
        }
        marks.measured[unit] |= bit;
        if (raised(static_cast<double>(value))) {
            marks.raised[unit] |= bit;
        }
    }
}

} // namespace

std::string_view nameOf(UnitFlag flag) {
    constexpr std::array<std::string_view, kUnitFlags> kNames{"dead",   "dormant",  "low_grama",
                                                              "futile", "stagnant", "over_active"};
    return kNames[indexOf(flag)];
}

std::array<UnitFlag, kUnitFlags> allUnitFlags() {
    return {UnitFlag::Dead,   UnitFlag::Dormant,  UnitFlag::LowGrama,
            UnitFlag::Futile, UnitFlag::Stagnant, UnitFlag::OverActive};
}

UnitMarks markUnits(const SiteSnapshot& site, const UnitLimits& limits) {
    const auto units = static_cast<std::size_t>(site.units);
    UnitMarks marks{std::vector<std::uint8_t>(units, 0), std::vector<std::uint8_t>(units, 0)};
    mark(marks, site, "firing_share", UnitFlag::Dead, [&](double v) { return v < limits.deadBelow; });
    mark(marks, site, "dormancy", UnitFlag::Dormant, [&](double v) { return v <= limits.dormantBelow; });
    mark(marks, site, "dormancy", UnitFlag::OverActive, [&](double v) { return v > limits.overActiveAbove; });
    mark(marks, site, "grama", UnitFlag::LowGrama, [&](double v) { return v <= limits.gramaBelow; });
    mark(marks, site, "rua", UnitFlag::Stagnant, [&](double v) { return v < limits.stagnantBelow; });
    if (const UnitDiagnostic* efficiency = site.find("efficiency")) {
        const double below = limits.futileBelow * meanOfMeasured(efficiency->values);
        mark(marks, site, "efficiency", UnitFlag::Futile, [&](double v) { return v < below; });
    }
    return marks;
}

double FlagOverlap::share(UnitFlag flag) const {
    const std::size_t i = indexOf(flag);
    return ratio(both[i][i], judged[i][i]);
}

double FlagOverlap::jaccard(UnitFlag a, UnitFlag b) const {
    return ratio(both[indexOf(a)][indexOf(b)], either[indexOf(a)][indexOf(b)]);
}

FlagOverlap& FlagOverlap::operator+=(const FlagOverlap& other) {
    for (std::size_t a = 0; a < kUnitFlags; ++a) {
        for (std::size_t b = 0; b < kUnitFlags; ++b) {
            both[a][b] += other.both[a][b];
            either[a][b] += other.either[a][b];
            judged[a][b] += other.judged[a][b];
        }
    }
    return *this;
}

FlagOverlap countOverlap(const UnitMarks& marks) {
    FlagOverlap overlap;
    for (std::size_t unit = 0; unit < marks.raised.size(); ++unit) {
        const auto has = [](std::uint8_t bits, std::size_t flag) {
            return ((static_cast<unsigned>(bits) >> flag) & 1U) != 0;
        };
        for (std::size_t a = 0; a < kUnitFlags; ++a) {
            for (std::size_t b = 0; b < kUnitFlags; ++b) {
                if (!has(marks.measured[unit], a) || !has(marks.measured[unit], b)) {
                    continue;
                }
                const bool first = has(marks.raised[unit], a);
                const bool second = has(marks.raised[unit], b);
                overlap.judged[a][b] += 1;
                overlap.both[a][b] += first && second ? 1 : 0;
                overlap.either[a][b] += first || second ? 1 : 0;
            }
        }
    }
    return overlap;
}

std::vector<SiteOverlap> overlapOf(const NeuronFrame& frame, const UnitLimits& limits) {
    std::vector<SiteOverlap> all;
    FlagOverlap pooled;
    for (const SiteSnapshot& site : frame.sites) {
        all.push_back({site.name, countOverlap(markUnits(site, limits))});
        pooled += all.back().overlap;
    }
    all.push_back({{}, pooled});
    return all;
}

double FlagTurnover::persistence(UnitFlag flag) const {
    return ratio(stayed[indexOf(flag)], before[indexOf(flag)]);
}

FlagTurnover& FlagTurnover::operator+=(const FlagTurnover& other) {
    for (std::size_t flag = 0; flag < kUnitFlags; ++flag) {
        before[flag] += other.before[flag];
        stayed[flag] += other.stayed[flag];
    }
    return *this;
}

FlagTurnover countTurnover(const std::vector<std::uint8_t>& before, const UnitMarks& now) {
    FlagTurnover turnover;
    for (std::size_t unit = 0; unit < std::min(before.size(), now.raised.size()); ++unit) {
        for (const UnitFlag flag : allUnitFlags()) {
            const std::uint8_t bit = UnitMarks::bit(flag);
            if ((before[unit] & now.measured[unit] & bit) != 0) {
                turnover.before[indexOf(flag)] += 1;
                turnover.stayed[indexOf(flag)] += (now.raised[unit] & bit) != 0 ? 1 : 0;
            }
        }
    }
    return turnover;
}

} // namespace knife
