// SPDX-License-Identifier: GPL-3.0-or-later
// Min/max envelope of a curve for drawing. Pure functions; nothing is ever sampled away at random.
#pragma once

#include <span>
#include <vector>

namespace knife {

enum class AxisScale {
    Linear,
    Log, ///< points at or below zero are not drawn; they leave a gap
};

struct PlotRange {
    double lower = 0.0;
    double upper = 1.0;
    [[nodiscard]] double size() const { return upper - lower; }
    bool operator==(const PlotRange&) const = default;
};

struct Polyline {
    std::vector<double> x;
    std::vector<double> y; ///< NaN breaks the line
    bool envelope = false; ///< true: fewer points than the curve has; every extreme of every column is among them
};

/// The points of a curve that a plot `columns` pixels wide has to draw over `range`.
/// `x` ascends (ties allowed), `y` is as long; a y that is not finite is a gap. Each pixel column keeps its lowest and
/// its highest point, in the order in which they occur: two at most. Gaps between columns add one NaN each, and the
/// nearest point on either side of the range is kept, so that lines run to the edges. Cost: one pass over the points in
/// range. A curve that has no more points than the budget comes back unchanged.
[[nodiscard]] Polyline decimate(std::span<const double> x, std::span<const double> y, PlotRange range, int columns,
                                AxisScale xScale = AxisScale::Linear);

struct BandOutline {
    std::vector<double> x;
    std::vector<double> lower;
    std::vector<double> upper;
};

/// The outline of a band: per column the lowest lower edge and the highest upper edge, one point per column.
[[nodiscard]] BandOutline decimateBand(std::span<const double> x, std::span<const double> lower,
                                       std::span<const double> upper, PlotRange range, int columns,
                                       AxisScale xScale = AxisScale::Linear);

} // namespace knife
