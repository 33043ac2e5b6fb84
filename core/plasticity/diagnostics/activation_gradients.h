// SPDX-License-Identifier: GPL-3.0-or-later
// What the gradients of the loss with respect to activations say about the units of one site. Rows that do not count
// are not read. The loss is a mean, so gradients carry the factor of its weights; all figures here are compared within
// one update.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <ATen/core/Tensor.h>

#include "core/nets/site.h"

namespace knife {

/// Some hidden neurons over the rows of a pass.
struct GradientRows {
    at::Tensor hidden;   ///< [rows, n]
    at::Tensor gradient; ///< of the loss with respect to it
    at::Tensor include;  ///< [rows] or fewer, 0 or 1
    SiteActivation activation = SiteActivation::Relu;
    std::int64_t agents = 1; ///< row r is agent r % agents's
};

struct GradientTotals {
    std::vector<double> magnitude; ///< [n]: mean |dL/dz|, z before the activation
    std::vector<double> gradient;  ///< [n]: mean dL/dh
    std::vector<double> byAgent;   ///< [agents x n]: sum of h dL/dh, what the loss gains when the unit is turned up
    std::int64_t rows = 0;         ///< that counted
};
[[nodiscard]] GradientTotals gradientTotals(const GradientRows& rows);

/// |sum_a G_a| / sum_a |G_a| for each of `n` units, of totals by agent [agents x n]; 1 where there is nothing to
/// disagree about.
[[nodiscard]] std::vector<double> efficiencies(std::span<const double> byAgent, std::size_t n);

/// |mean of (h - r) dL/dh| per unit, r one reference for each: to first order, how the loss changes when the unit gives
/// r and nothing else.
[[nodiscard]] std::vector<double> attributions(const GradientTotals& totals, std::span<const double> references);

/// The gradient of the incoming rows [n, d_in] by the rows of one agent alone: sum of dL/dz x^T.
[[nodiscard]] at::Tensor rowGradientOfAgent(const GradientRows& rows, const at::Tensor& input, std::int64_t agent);

} // namespace knife
