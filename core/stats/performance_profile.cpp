// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/stats/performance_profile.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>

namespace knife {

std::vector<double> performanceProfile(const ScoreMatrix& scores, std::span<const double> taus) {
    std::vector<double> sorted(scores.cells().begin(), scores.cells().end());
    if (sorted.empty() || std::ranges::any_of(sorted, [](double score) { return std::isnan(score); })) {
        return std::vector<double>(taus.size(), std::numeric_limits<double>::quiet_NaN());
    }
    std::ranges::sort(sorted);
    std::vector<double> shares;
    for (const double tau : taus) {
        const auto above = sorted.end() - std::ranges::upper_bound(sorted, tau);
        shares.push_back(static_cast<double>(above) / static_cast<double>(sorted.size()));
    }
    return shares;
}

std::vector<Estimate> performanceBands(const ScoreMatrix& scores, std::span<const double> taus,
                                       const BootstrapOptions& options) {
    return bootstrap(
        scores, [taus](const ScoreMatrix& sample) { return performanceProfile(sample, taus); }, options);
}

std::vector<double> thresholdGrid(double low, double high, std::size_t count) {
    assert(count >= 2);
    std::vector<double> grid;
    for (std::size_t i = 0; i < count; ++i) {
        grid.push_back(std::lerp(low, high, static_cast<double>(i) / static_cast<double>(count - 1)));
    }
    return grid;
}

} // namespace knife
