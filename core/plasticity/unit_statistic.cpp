// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/unit_statistic.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace knife {

UnitStatistic::UnitStatistic(std::vector<Reading> readings, Quantity quantity, int units, Memory memory)
    : m_readings(std::move(readings)),
      m_quantity(std::move(quantity)),
      m_memory(memory),
      m_sums(static_cast<std::size_t>(units), 0.0),
      m_counts(static_cast<std::size_t>(units), 0.0) {}

// A unit gets more values when the layer before it grows; new ones come last.
void UnitStatistic::widen(std::size_t width) {
    std::vector<double> wide(m_counts.size() * width, 0.0);
    const std::size_t narrow = this->width();
    for (std::size_t unit = 0; unit < m_counts.size(); ++unit) {
        std::copy_n(m_sums.data() + unit * narrow, std::min(narrow, width), wide.data() + unit * width);
    }
    m_sums = std::move(wide);
}

void UnitStatistic::observe(const SiteMeasurement& measurement) {
    const Values values = m_quantity(measurement);
    if (values.empty() || m_counts.empty()) {
        return;
    }
    if (values.size() != m_sums.size()) {
        widen(values.size() / m_counts.size());
    }
    if (m_memory.decay < 1.0) {
        count();
        for (std::vector<double>* decaying : {&m_sums, &m_counts}) {
            for (double& value : *decaying) {
                value *= m_memory.decay;
            }
        }
    }
    // Every update comes through here: plain pointers, which do not alias, let the sum be one of vectors.
    double* __restrict sums = m_sums.data();
    const double* __restrict from = values.data();
    for (std::size_t i = 0, n = m_sums.size(); i < n; ++i) {
        sums[i] += from[i];
    }
    m_uncounted += 1.0;
}

void UnitStatistic::count() {
    if (m_uncounted == 0.0) {
        return;
    }
    for (double& value : m_counts) {
        value += m_uncounted;
    }
    m_uncounted = 0.0;
}

std::vector<double> UnitStatistic::counts() const {
    std::vector<double> all = m_counts;
    for (double& value : all) {
        value += m_uncounted;
    }
    return all;
}

std::vector<UnitDiagnostic> UnitStatistic::read() const {
    std::vector<UnitDiagnostic> columns;
    const std::vector<float> read = means();
    for (const Reading& reading : m_readings) {
        columns.push_back({reading.name, read});
        if (reading.finish) {
            reading.finish(columns.back().values);
        }
    }
    return columns;
}

std::vector<float> UnitStatistic::means() const {
    std::vector<float> means(m_counts.size(), std::numeric_limits<float>::quiet_NaN());
    const std::size_t perUnit = width();
    for (std::size_t unit = 0; unit < means.size(); ++unit) {
        const double count = m_counts[unit] + m_uncounted;
        if (count <= 0.0) {
            continue;
        }
        if (!m_memory.normOfMean) {
            means[unit] = static_cast<float>(m_sums[unit] / count);
            continue;
        }
        double squares = 0.0;
        for (std::size_t i = unit * perUnit; i < (unit + 1) * perUnit; ++i) {
            squares += m_sums[i] * m_sums[i];
        }
        means[unit] = static_cast<float>(std::sqrt(squares) / count);
    }
    return means;
}

void UnitStatistic::restart(Boundary passed) {
    // A mean that ends with its window has ended before its task does, or goes on.
    if (m_memory.until == passed) {
        std::ranges::fill(m_sums, 0.0);
        std::ranges::fill(m_counts, 0.0);
        m_uncounted = 0.0;
    }
}

void UnitStatistic::forget(int unit) {
    count();
    const std::size_t perUnit = width();
    std::fill_n(m_sums.data() + static_cast<std::size_t>(unit) * perUnit, perUnit, 0.0);
    m_counts[static_cast<std::size_t>(unit)] = 0.0;
}

void UnitStatistic::setState(std::vector<double> sums, std::vector<double> counts) {
    m_sums = std::move(sums);
    m_counts = std::move(counts);
    m_uncounted = 0.0;
}

void divideByLayerMean(std::vector<float>& means) {
    normalise(RuaRule::Normaliser::Mean, means);
}

} // namespace knife
