// SPDX-License-Identifier: GPL-3.0-or-later
// Quantile regression (Dabney et al. 2018): the fractions at which a distribution is described, and the loss by which
// its quantiles are learned.
#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include "core/types/counter_rng.h"

namespace knife {

/// (2k + 1) / (2 count) for k = 0 … count - 1: [count].
[[nodiscard]] at::Tensor midpoints(std::int64_t count);

/// Fractions drawn from U(0, 1). Filled row by row, so that more rows leave the draws of the first ones alone.
[[nodiscard]] at::Tensor drawFractions(const std::vector<std::int64_t>& shape, const StreamKey& key);

/// The quantile Huber loss of threshold 1. values, fractions [..., K] of equal shape, targets [..., K'] -> [...]:
///   sum_k mean_k' |tau_k - 1{u <= 0}| huber(u),   u = targets_k' - values_k
/// Differentiable by `values` only.
[[nodiscard]] at::Tensor quantileHuber(const at::Tensor& values, const at::Tensor& fractions,
                                       const at::Tensor& targets);

} // namespace knife
