// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/site_measurement.h"

#include <cmath>

#include <ATen/ATen.h>

namespace knife {

namespace {

double rowNorm(const at::Tensor& matrix, std::int64_t row) {
    const std::int64_t width = matrix.size(1);
    const float* values = matrix.data_ptr<float>() + row * width;
    double sum = 0.0;
    for (std::int64_t i = 0; i < width; ++i) {
        sum += static_cast<double>(values[i]) * static_cast<double>(values[i]);
    }
    return std::sqrt(sum);
}

void measureRow(const Parameter& rows, std::int64_t row, std::size_t unit, SiteMeasurement& out) {
    out.gradNorm[unit] = rowNorm(rows.grad, row);
    out.weightNorm[unit] = rowNorm(rows.value, row);
}

// Weighted column means of one activation matrix.
struct ColumnMeans {
    at::Tensor mean;
    at::Tensor meanAbs;
    at::Tensor fires;

    ColumnMeans(const at::Tensor& activations, const at::Tensor& valid) {
        const at::Tensor weights = (valid / valid.sum().clamp_min(1.0)).unsqueeze(0);
        const auto average = [&](const at::Tensor& columns) {
            return at::mm(weights, columns).squeeze(0);
        };
        mean = average(activations);
        meanAbs = average(activations.abs());
        fires = average((activations > 0).to(at::kFloat));
    }

    void write(std::int64_t column, std::size_t unit, SiteMeasurement& out) const {
        const auto at = [column](const at::Tensor& values) {
            return static_cast<double>(values.data_ptr<float>()[column]);
        };
        out.meanActivation[unit] = at(mean);
        out.meanAbsActivation[unit] = at(meanAbs);
        out.firingShare[unit] = at(fires);
    }
};

void measureActivations(const Site& site, const SiteTap& tap, const at::Tensor& valid, SiteMeasurement& out) {
    const auto units = static_cast<std::size_t>(site.units);
    out.meanActivation.resize(units);
    out.meanAbsActivation.resize(units);
    out.firingShare.resize(units);
    const ColumnMeans base(tap.hidden, valid);
    for (std::size_t unit = 0; unit < units; ++unit) {
        base.write(static_cast<std::int64_t>(unit), unit, out);
    }
    if (site.composite == nullptr) {
        return;
    }
    for (std::size_t e = 0; e < tap.branches.size(); ++e) {
        const ColumnMeans active(tap.branches[e].active, valid);
        const CompositeBranch& branch = site.composite->branches()[e];
        for (std::size_t k = 0; k < branch.units.size(); ++k) {
            active.write(static_cast<std::int64_t>(k), static_cast<std::size_t>(branch.units[k]), out);
        }
    }
}

} // namespace

SiteMeasurement measure(const Site& site, const SiteTap* tap, const RowValidity& validity) {
    const at::NoGradGuard noGrad;
    SiteMeasurement out;
    const auto units = static_cast<std::size_t>(site.units);
    if (site.weight != nullptr) {
        out.gradNorm.resize(units);
        out.weightNorm.resize(units);
        for (std::size_t unit = 0; unit < units; ++unit) {
            measureRow(*site.weight, static_cast<std::int64_t>(unit), unit, out);
        }
    }
    if (site.composite != nullptr) {
        // Branches are in order of time, so the newest one of a unit, the live one, is written last.
        for (const CompositeBranch& branch : site.composite->branches()) {
            for (std::size_t k = 0; k < branch.units.size(); ++k) {
                measureRow(*branch.activeIn, static_cast<std::int64_t>(k), static_cast<std::size_t>(branch.units[k]),
                           out);
            }
        }
    }
    if (tap != nullptr && tap->hidden.defined()) {
        measureActivations(site, *tap, validity.of(site.scope), out);
    }
    return out;
}

} // namespace knife
