// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/plot/smoothing.h"

#include <algorithm>
#include <cmath>

namespace knife {

std::vector<double> smoothed(std::span<const double> x, std::span<const double> y, double span) {
    std::vector<double> result(y.begin(), y.end());
    if (!(span > 0.0)) {
        return result;
    }
    const std::size_t count = std::min(x.size(), y.size());
    // Mean and weight rather than two sums: a constant stays that constant to the last bit.
    double mean = 0.0;
    double weight = 0.0;
    double before = 0.0;
    for (std::size_t i = 0; i < count; ++i) {
        if (!std::isfinite(y[i])) {
            continue;
        }
        weight = weight > 0.0 ? weight * std::exp((before - x[i]) / span) + 1.0 : 1.0;
        mean += (y[i] - mean) / weight;
        before = x[i];
        result[i] = mean;
    }
    return result;
}

} // namespace knife
