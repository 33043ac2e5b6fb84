// SPDX-License-Identifier: GPL-3.0-or-later
// What one update says about the units of one site, read from the gradients and activations of the training pass.
// A composite unit is measured on its live, trainable neuron.
#pragma once

#include <vector>

#include <ATen/core/Tensor.h>

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
    std::vector<double> meanActivation;    ///< over valid rows
    std::vector<double> meanAbsActivation; ///< over valid rows
    std::vector<double> firingShare;       ///< share of valid rows with a positive activation
};

/// Requires that the backward pass has just filled the gradients. `tap` may be nullptr.
[[nodiscard]] SiteMeasurement measure(const Site& site, const SiteTap* tap, const RowValidity& validity);

} // namespace knife
