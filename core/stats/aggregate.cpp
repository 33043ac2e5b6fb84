// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/stats/aggregate.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>

#include <boost/math/statistics/univariate_statistics.hpp>

namespace knife {

namespace {

namespace bstat = boost::math::statistics;

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

/// A NaN has no place in an order, and sorting would silently give it one.
bool cannotBeSorted(std::span<const double> values) {
    return values.empty() || std::any_of(values.begin(), values.end(), [](double value) { return std::isnan(value); });
}

} // namespace

double mean(std::span<const double> values) {
    return values.empty() ? kNone : bstat::mean(values.begin(), values.end());
}

double median(std::span<const double> values) {
    if (cannotBeSorted(values)) {
        return kNone;
    }
    std::vector<double> copy(values.begin(), values.end());
    return bstat::median(copy.begin(), copy.end());
}

double standardDeviation(std::span<const double> values) {
    return values.size() < 2 ? kNone : std::sqrt(bstat::sample_variance(values.begin(), values.end()));
}

double standardError(std::span<const double> values) {
    return standardDeviation(values) / std::sqrt(static_cast<double>(values.size()));
}

double interquartileMean(std::span<const double> values) {
    if (cannotBeSorted(values)) {
        return kNone;
    }
    std::vector<double> copy(values.begin(), values.end());
    const auto cut = static_cast<std::ptrdiff_t>(copy.size() / 4);
    if (cut > 0) { // only who belongs to the middle matters, not the order there
        std::nth_element(copy.begin(), copy.begin() + cut, copy.end());
        std::nth_element(copy.begin() + cut, copy.end() - cut, copy.end());
    }
    return bstat::mean(copy.begin() + cut, copy.end() - cut);
}

double quantile(std::span<const double> values, double p) {
    return quantiles(values, std::span(&p, 1)).front();
}

std::vector<double> quantiles(std::span<const double> values, std::span<const double> p) {
    if (cannotBeSorted(values)) {
        return std::vector<double>(p.size(), kNone);
    }
    std::vector<double> copy(values.begin(), values.end());
    std::vector<double> result;
    for (const double share : p) {
        assert(share >= 0.0 && share <= 1.0);
        const double position = share * static_cast<double>(copy.size() - 1);
        // Selecting the two neighbours is several times quicker than sorting the resamples of every figure.
        const auto below = copy.begin() + static_cast<std::ptrdiff_t>(position);
        std::nth_element(copy.begin(), below, copy.end());
        const double above = below + 1 == copy.end() ? *below : *std::min_element(below + 1, copy.end());
        // Between equal values nothing may be added, or two infinities would give a NaN.
        const double step = above == *below ? 0.0 : above - *below;
        result.push_back(*below + (position - std::floor(position)) * step);
    }
    return result;
}

double optimalityGap(std::span<const double> values, double gamma) {
    double sum = 0.0;
    for (const double value : values) {
        sum += std::isnan(value) ? value : std::min(value, gamma);
    }
    return values.empty() ? kNone : gamma - sum / static_cast<double>(values.size());
}

std::vector<double> taskMeans(const ScoreMatrix& scores) {
    std::vector<double> means(scores.tasks(), 0.0);
    for (std::size_t r = 0; r < scores.runs(); ++r) {
        const auto row = scores.run(r);
        for (std::size_t t = 0; t < means.size(); ++t) {
            means[t] += row[t];
        }
    }
    for (double& sum : means) {
        sum /= static_cast<double>(scores.runs()); // 0 / 0 without runs: NaN
    }
    return means;
}

std::vector<double> runMeans(const ScoreMatrix& scores) {
    std::vector<double> means;
    for (std::size_t r = 0; r < scores.runs(); ++r) {
        means.push_back(mean(scores.run(r)));
    }
    return means;
}

Aggregates aggregate(const ScoreMatrix& scores) {
    const std::vector<double> means = taskMeans(scores);
    return {.mean = mean(means),
            .median = median(means),
            .iqm = interquartileMean(scores.cells()),
            .optimalityGap = optimalityGap(scores.cells())};
}

} // namespace knife
