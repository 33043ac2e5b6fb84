// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/site_measurement.h"

#include <cmath>

#include <ATen/ATen.h>

namespace knife {

namespace {

// A parameter's tensors in the CPU's memory; those that are there already are not copied.
struct HostRows {
    at::Tensor gradient;
    at::Tensor weight;
    at::Tensor mask;

    explicit HostRows(const Parameter& rows)
        : gradient(rows.grad.cpu()), weight(rows.value.detach().cpu()), mask(rows.mask.cpu()) {}
};

// Sums of squares over the trainable entries of one incoming row. Frozen ones have no gradient; counted as weights,
// they would make a unit behind composites look stagnant.
struct RowSquares {
    double gradient = 0.0;
    double weight = 0.0;

    void add(const HostRows& rows, std::int64_t row) {
        const std::int64_t width = rows.weight.size(1);
        const float* gradients = rows.gradient.data_ptr<float>() + row * width;
        const float* weights = rows.weight.data_ptr<float>() + row * width;
        const float* mask = rows.mask.data_ptr<float>() + row * width;
        for (std::int64_t i = 0; i < width; ++i) {
            const auto g = static_cast<double>(gradients[i]);
            const auto w = static_cast<double>(weights[i] * mask[i]);
            gradient += g * g;
            weight += w * w;
        }
    }

    void write(std::size_t unit, SiteMeasurement& out) const {
        out.gradNorm[unit] = std::sqrt(gradient);
        out.weightNorm[unit] = std::sqrt(weight);
    }
};

// Weighted column means of one activation matrix.
struct ColumnMeans {
    at::Tensor mean;
    at::Tensor meanAbs;
    at::Tensor fires;

    ColumnMeans(const at::Tensor& activations, const at::Tensor& valid) {
        const at::Tensor weights = (valid / valid.sum().clamp_min(1.0)).unsqueeze(0);
        const auto average = [&](const at::Tensor& columns) {
            return at::mm(weights, columns).squeeze(0).cpu();
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

void measureActivations(const Site& site, const SiteTap& tap, const at::Tensor& validRows, SiteMeasurement& out) {
    // Mixers with a row per agent do not see the observation after the last step, which the rows end with.
    const at::Tensor valid = validRows.slice(0, 0, tap.hidden.size(0));
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
        std::vector<HostRows> parts{HostRows(*site.weight)};
        if (site.feeder != nullptr) {
            for (const CompositeBranch& branch : site.feeder->branches()) {
                parts.emplace_back(*branch.activeOut);
            }
        }
        for (std::size_t unit = 0; unit < units; ++unit) {
            RowSquares squares;
            for (const HostRows& part : parts) {
                squares.add(part, static_cast<std::int64_t>(unit));
            }
            squares.write(unit, out);
        }
    }
    if (site.composite != nullptr) {
        // Branches are in order of time, so the newest one of a unit, the live one, is written last.
        for (const CompositeBranch& branch : site.composite->branches()) {
            const HostRows rows(*branch.activeIn);
            for (std::size_t k = 0; k < branch.units.size(); ++k) {
                RowSquares squares;
                squares.add(rows, static_cast<std::int64_t>(k));
                squares.write(static_cast<std::size_t>(branch.units[k]), out);
            }
        }
    }
    if (tap != nullptr && tap->hidden.defined()) {
        measureActivations(site, *tap, validity.of(site.scope), out);
    }
    return out;
}

} // namespace knife
