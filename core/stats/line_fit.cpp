// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/stats/line_fit.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <vector>

#include <boost/math/distributions/students_t.hpp>
#include <boost/math/statistics/linear_regression.hpp>

namespace knife {

namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

bool finite(double value) {
    return std::isfinite(value);
}

/// Sum of squared distances of y from the line, over that of x from its mean and n - 2 degrees of freedom.
double slopeVariance(const std::vector<double>& x, const std::vector<double>& y, const LineFit& fit) {
    const double centre = boost::math::statistics::mean(x);
    double residuals = 0.0;
    double spread = 0.0;
    for (std::size_t i = 0; i < x.size(); ++i) {
        residuals += std::pow(y[i] - fit.intercept - fit.slope * x[i], 2);
        spread += std::pow(x[i] - centre, 2);
    }
    return residuals / (spread * static_cast<double>(x.size() - 2));
}

} // namespace

LineFit fitLine(std::span<const double> x, std::span<const double> y, double level) {
    assert(x.size() == y.size());
    LineFit fit{kNone, kNone, kNone, kNone, kNone};
    const std::vector<double> xs(x.begin(), x.end());
    const std::vector<double> ys(y.begin(), y.end());
    const bool usable = std::ranges::all_of(xs, finite) && std::ranges::all_of(ys, finite);
    if (!usable || xs.empty() || std::ranges::min(xs) == std::ranges::max(xs)) {
        return fit;
    }
    std::tie(fit.intercept, fit.slope) = boost::math::statistics::simple_ordinary_least_squares(xs, ys);
    if (xs.size() < 3) {
        return fit;
    }
    fit.slopeStandardError = std::sqrt(slopeVariance(xs, ys, fit));
    const boost::math::students_t student(static_cast<double>(xs.size() - 2));
    const double reach = boost::math::quantile(student, (1.0 + level) / 2.0) * fit.slopeStandardError;
    fit.slopeLow = fit.slope - reach;
    fit.slopeHigh = fit.slope + reach;
    return fit;
}

double slopeOverIndex(std::span<const double> y) {
    if (y.size() < 2) {
        return kNone;
    }
    const double centre = static_cast<double>(y.size() - 1) / 2.0;
    double product = 0.0;
    double spread = 0.0;
    for (std::size_t i = 0; i < y.size(); ++i) {
        const double distance = static_cast<double>(i) - centre;
        product += distance * y[i];
        spread += distance * distance;
    }
    return product / spread;
}

} // namespace knife
