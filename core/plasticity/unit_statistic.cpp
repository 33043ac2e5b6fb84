// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/unit_statistic.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace knife {

UnitStatistic::UnitStatistic(std::string name, Quantity quantity, Finish finish, int units)
    : m_name(std::move(name)),
      m_quantity(quantity),
      m_finish(finish),
      m_sums(static_cast<std::size_t>(units), 0.0),
      m_counts(static_cast<std::size_t>(units), 0.0) {}

void UnitStatistic::observe(const SiteMeasurement& measurement) {
    const Values values = m_quantity(measurement);
    for (std::size_t i = 0; i < values.size(); ++i) {
        m_sums[i] += values[i];
        m_counts[i] += 1.0;
    }
}

std::vector<float> UnitStatistic::values() const {
    std::vector<float> means(m_sums.size(), std::numeric_limits<float>::quiet_NaN());
    for (std::size_t i = 0; i < means.size(); ++i) {
        if (m_counts[i] > 0.0) {
            means[i] = static_cast<float>(m_sums[i] / m_counts[i]);
        }
    }
    if (m_finish != nullptr) {
        m_finish(means);
    }
    return means;
}

void UnitStatistic::restart() {
    std::ranges::fill(m_sums, 0.0);
    std::ranges::fill(m_counts, 0.0);
}

void UnitStatistic::forget(int unit) {
    m_sums[static_cast<std::size_t>(unit)] = 0.0;
    m_counts[static_cast<std::size_t>(unit)] = 0.0;
}

void UnitStatistic::setState(std::vector<double> sums, std::vector<double> counts) {
    m_sums = std::move(sums);
    m_counts = std::move(counts);
}

void divideByLayerMean(std::vector<float>& means) {
    double sum = 0.0;
    double measured = 0.0;
    for (const float value : means) {
        if (!std::isnan(value)) {
            sum += static_cast<double>(value);
            measured += 1.0;
        }
    }
    constexpr double kTiny = 1e-12; // of the public re-implementations of RUA
    const double mean = std::max(measured > 0.0 ? sum / measured : 0.0, kTiny);
    for (float& value : means) {
        value = static_cast<float>(static_cast<double>(value) / mean); // NaN stays NaN
    }
}

} // namespace knife
