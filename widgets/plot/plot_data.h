// SPDX-License-Identifier: GPL-3.0-or-later
// The points behind a PlotView, and the ranges and texts that follow from them. Knows nothing of drawing.
#pragma once

#include <optional>
#include <vector>

#include "widgets/plot/plot_view.h"

namespace knife {

struct PlotSeries {
    QString id;
    SeriesStyle style;
    std::vector<double> x;
    std::vector<double> y;
    std::vector<double> bandX;
    std::vector<double> bandLower;
    std::vector<double> bandUpper;
};

/// Lowest and highest x of all series; nothing without data.
[[nodiscard]] std::optional<PlotRange> xExtentOf(const std::vector<PlotSeries>& series, AxisScale scale);

enum class OutlierRule {
    Show,    ///< every point lies in the range
    SetAside ///< points far beyond the bulk do not stretch the range; the plot marks them at its edge
};

/// The y range that suits the points within `x`, with a margin. Clean data are never trimmed: only points further
/// from the 5 % and 95 % quantiles than twice their distance count as outliers.
[[nodiscard]] std::optional<PlotRange> yExtentOf(const std::vector<PlotSeries>& series, PlotRange x, AxisScale scale,
                                                 OutlierRule rule);

/// Makes room around a range, also around a single value.
[[nodiscard]] PlotRange withMargin(PlotRange range, double share, AxisScale scale);

/// Index of the last point at or before x that has a value.
[[nodiscard]] std::optional<std::size_t> pointBefore(const PlotSeries& series, double x);

/// One line per x of any series within the range, one column per series.
[[nodiscard]] QString tableOf(const std::vector<PlotSeries>& series, PlotRange x, const QString& xTitle);

} // namespace knife
