// SPDX-License-Identifier: GPL-3.0-or-later
// What one update says about the units of one site, read from the gradients and activations of the training pass.
// A composite unit is measured on its live, trainable neuron.
#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include "core/nets/kernels/unit_sums.h"
#include "core/nets/site.h"

namespace knife {

/// Which activation rows are real, as column weights 0 or 1.
struct RowValidity {
    at::Tensor agent; ///< [rows of agent sites]
    at::Tensor mixer; ///< [rows of mixer sites]
    [[nodiscard]] const at::Tensor& of(SiteScope scope) const { return scope == SiteScope::Agent ? agent : mixer; }
};

/// One value per unit. Empty vectors: not measured in this update.
struct SiteMeasurement {
    std::vector<double> gradNorm;          ///< L2 of the incoming row's gradient, before clipping; bias excluded
    std::vector<double> weightNorm;        ///< L2 of the incoming row's trainable entries; bias excluded
    std::vector<double> activity;          ///< see relateNorms()
    std::vector<double> meanActivation;    ///< over valid rows
    std::vector<double> meanAbsActivation; ///< over valid rows
    std::vector<double> firingShare;       ///< share of valid rows with a positive activation
};

/// Fills `activity` from the norms: gradNorm / (weightNorm + 1e-8).
void relateNorms(SiteMeasurement& measurement);

/// Measures one site after another into the same memory, so that no update allocates.
class SiteMeter {
  public:
    /// Requires that the backward pass has just filled the gradients. `tap` may be nullptr. The result stands until the
    /// next call.
    const SiteMeasurement& measure(const Site& site, const SiteTap* tap, const RowValidity& validity);

  private:
    void measureRows(const Site& site);
    void measureActivations(const Site& site, const SiteTap& tap, const at::Tensor& validRows);
    /// Means over the valid rows of each column, into m_columns: mean, mean magnitude, share of positives.
    ColumnTotals columnMeans(const at::Tensor& activations, const at::Tensor& validRows);

    SiteMeasurement m_measurement;
    std::vector<double> m_columns; ///< three values per column of one activation matrix
};

} // namespace knife
