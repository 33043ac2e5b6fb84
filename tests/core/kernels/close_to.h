// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

namespace knife {

/// Values to feed a kernel with. A plain generator: cases come from the seed alone.
class Draw {
  public:
    explicit Draw(std::uint32_t seed) : m_engine(seed) {}
    std::vector<float> uniform(std::int64_t count, float bound) {
        std::uniform_real_distribution<float> distribution(-bound, bound);
        std::vector<float> values(static_cast<std::size_t>(count));
        for (float& value : values) {
            value = distribution(m_engine);
        }
        return values;
    }

  private:
    std::mt19937 m_engine;
};

/// The largest |actual - expected| / max(|expected|, floor); infinite where just one of the two is NaN.
[[nodiscard]] inline double worstError(const std::vector<float>& actual, const std::vector<double>& expected,
                                       double floor) {
    double worst = actual.size() == expected.size() ? 0.0 : INFINITY;
    for (std::size_t i = 0; i < actual.size() && i < expected.size(); ++i) {
        const double error = std::abs(static_cast<double>(actual[i]) - expected[i]);
        const double scaled = error / std::max(std::abs(expected[i]), floor);
        if (std::isnan(expected[i]) != std::isnan(actual[i])) {
            return INFINITY;
        }
        worst = std::isnan(expected[i]) ? worst : std::max(worst, scaled);
    }
    return worst;
}

[[nodiscard]] inline bool bitEqual(const std::vector<float>& a, const std::vector<float>& b) {
    return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
}

} // namespace knife
