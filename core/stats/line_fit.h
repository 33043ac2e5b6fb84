// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <span>

namespace knife {

/// Least-squares line y = intercept + slope x.
struct LineFit {
    double intercept = 0.0;
    double slope = 0.0;
    double slopeStandardError = 0.0; ///< NaN for fewer than three points
    double slopeLow = 0.0;           ///< interval of the slope by Student's t with n - 2 degrees of freedom
    double slopeHigh = 0.0;
};

/// `x` and `y` are equally long. All NaN for fewer than two different x, or where a value is not finite. The interval
/// takes the points for independent and equally scattered, which tasks of one run are not: resampling runs is the way
/// to an interval for a group of runs (bootstrap.h).
[[nodiscard]] LineFit fitLine(std::span<const double> x, std::span<const double> y, double level = 0.95);

/// The slope alone of y over 1, 2, 3, …; NaN for fewer than two values.
[[nodiscard]] double slopeOverIndex(std::span<const double> y);

} // namespace knife
