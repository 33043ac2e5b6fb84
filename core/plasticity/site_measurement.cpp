// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/site_measurement.h"

#include <algorithm>
#include <cmath>

#include <ATen/ATen.h>

namespace knife {

namespace {

// A tensor's values in the CPU's memory; those that are there already are not copied.
class HostValues {
  public:
    explicit HostValues(const at::Tensor& values) : m_data(values.is_cpu() ? values.data_ptr<float>() : copy(values)) {}
    [[nodiscard]] const float* data() const { return m_data; }

  private:
    const float* copy(const at::Tensor& values) {
        m_copy = values.cpu();
        return m_copy.data_ptr<float>();
    }
    at::Tensor m_copy; // before m_data, which may point into it
    const float* m_data;
};

// Sums of squares over the trainable entries of incoming rows. Frozen ones have no gradient; counted as weights, they
// would make a unit behind composites look stagnant.
class RowReader {
  public:
    explicit RowReader(const Parameter& rows)
        : m_gradient(rows.grad), m_weight(rows.value), m_mask(rows.mask), m_width(rows.value.size(1)) {}
    void addTo(std::int64_t first, std::int64_t count, double* gradient, double* weight) const {
        const IncomingRows all{m_gradient.data(), m_weight.data(), m_mask.data(), m_width};
        addRowSquares(all.from(first), count, gradient, weight);
    }

  private:
    HostValues m_gradient;
    HostValues m_weight;
    HostValues m_mask;
    std::int64_t m_width;
};

// Vectors keep their memory.
void begin(std::vector<double>& values, std::size_t units) {
    values.assign(units, 0.0);
}

} // namespace

void relateNorms(SiteMeasurement& measurement) {
    constexpr double kEpsilon = 1e-8;
    measurement.activity.resize(measurement.gradNorm.size());
    for (std::size_t i = 0; i < measurement.activity.size(); ++i) {
        measurement.activity[i] = measurement.gradNorm[i] / (measurement.weightNorm[i] + kEpsilon);
    }
}

const SiteMeasurement& SiteMeter::measure(const Site& site, const SiteTap* tap, const RowValidity& validity) {
    const at::NoGradGuard noGrad;
    SiteMeasurement& out = m_measurement;
    for (std::vector<double>* values : {&out.gradNorm, &out.weightNorm, &out.activity, &out.meanActivation,
                                        &out.meanAbsActivation, &out.firingShare}) {
        values->clear();
    }
    if (site.weight != nullptr) {
        measureRows(site);
    }
    if (tap != nullptr && tap->hidden.defined()) {
        measureActivations(site, *tap, validity.of(site.scope));
    }
    return out;
}

void SiteMeter::measureRows(const Site& site) {
    SiteMeasurement& out = m_measurement;
    begin(out.gradNorm, static_cast<std::size_t>(site.units));
    begin(out.weightNorm, static_cast<std::size_t>(site.units));
    RowReader(*site.weight).addTo(0, site.units, out.gradNorm.data(), out.weightNorm.data());
    if (site.feeder != nullptr) {
        for (const CompositeBranch& branch : site.feeder->branches()) {
            RowReader(*branch.activeOut).addTo(0, site.units, out.gradNorm.data(), out.weightNorm.data());
        }
    }
    if (site.composite != nullptr) {
        // Branches are in order of time, so the newest one of a unit, the live one, is written last.
        for (const CompositeBranch& branch : site.composite->branches()) {
            const RowReader rows(*branch.activeIn);
            for (std::size_t k = 0; k < branch.units.size(); ++k) {
                const auto unit = static_cast<std::size_t>(branch.units[k]);
                out.gradNorm[unit] = 0.0;
                out.weightNorm[unit] = 0.0;
                rows.addTo(static_cast<std::int64_t>(k), 1, &out.gradNorm[unit], &out.weightNorm[unit]);
            }
        }
    }
    for (std::vector<double>* squares : {&out.gradNorm, &out.weightNorm}) {
        for (double& value : *squares) {
            value = std::sqrt(value);
        }
    }
    relateNorms(out);
}

ColumnTotals SiteMeter::columnMeans(const at::Tensor& activations, const at::Tensor& validRows) {
    const at::Tensor dense = activations.contiguous();
    const std::int64_t n = dense.size(1);
    m_columns.assign(static_cast<std::size_t>(3 * n), 0.0);
    const ColumnTotals totals{m_columns.data(), m_columns.data() + n, m_columns.data() + 2 * n};
    // Mixers with a row per agent do not see the observation after the last step, which the rows end with.
    const std::int64_t rows = std::min(dense.size(0), validRows.size(0));
    const std::int64_t counted =
        addColumnTotals({HostValues(dense).data(), n}, HostValues(validRows).data(), rows, n, totals);
    for (double& value : m_columns) {
        value /= static_cast<double>(std::max<std::int64_t>(counted, 1));
    }
    return totals;
}

void SiteMeter::measureActivations(const Site& site, const SiteTap& tap, const at::Tensor& validRows) {
    SiteMeasurement& out = m_measurement;
    const ColumnTotals base = columnMeans(tap.hidden, validRows);
    out.meanActivation.assign(base.sum, base.sum + site.units);
    out.meanAbsActivation.assign(base.magnitude, base.magnitude + site.units);
    out.firingShare.assign(base.positive, base.positive + site.units);
    if (site.composite == nullptr) {
        return;
    }
    for (std::size_t e = 0; e < tap.branches.size(); ++e) {
        const ColumnTotals active = columnMeans(tap.branches[e].active, validRows);
        const std::vector<int>& units = site.composite->branches()[e].units;
        for (std::size_t k = 0; k < units.size(); ++k) {
            const auto unit = static_cast<std::size_t>(units[k]);
            out.meanActivation[unit] = active.sum[k];
            out.meanAbsActivation[unit] = active.magnitude[k];
            out.firingShare[unit] = active.positive[k];
        }
    }
}

} // namespace knife
