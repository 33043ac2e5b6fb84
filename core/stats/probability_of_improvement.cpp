// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/stats/probability_of_improvement.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "core/stats/aggregate.h"

namespace knife {

namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

bool holdsNaN(std::span<const double> values) {
    return std::ranges::any_of(values, [](double value) { return std::isnan(value); });
}

} // namespace

double probabilityOfImprovement(std::span<const double> x, std::span<const double> y) {
    if (x.empty() || y.empty() || holdsNaN(x) || holdsNaN(y)) {
        return kNone;
    }
    // Twice U as a whole number. Comparing all pairs without a branch is vectorised, and quicker than sorting for as
    // many seeds as studies have.
    std::int64_t wins = 0;
    for (const double mine : x) {
        for (const double theirs : y) {
            wins += static_cast<std::int64_t>(mine > theirs) + static_cast<std::int64_t>(mine >= theirs);
        }
    }
    return static_cast<double>(wins) / (2.0 * static_cast<double>(x.size()) * static_cast<double>(y.size()));
}

double probabilityOfImprovement(const ScoreMatrix& x, const ScoreMatrix& y) {
    assert(x.tasks() == y.tasks());
    std::vector<double> perTask;
    for (std::size_t t = 0; t < x.tasks(); ++t) {
        perTask.push_back(probabilityOfImprovement(x.task(t), y.task(t)));
    }
    return mean(perTask);
}

} // namespace knife
