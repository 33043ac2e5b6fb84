// SPDX-License-Identifier: GPL-3.0-or-later
// Order statistics of many short rows: the quantiles of every action of every agent and step. LibTorch sorts such rows
// several times as slowly, and most of them are wanted only for choosing actions, without gradient.
#pragma once

#include <ATen/core/Tensor.h>

namespace knife {

/// values [..., K] with every row ascending. Differentiable.
[[nodiscard]] at::Tensor sortedRows(const at::Tensor& values);

/// sum_k weights_k times the k-th smallest value of a row: values [..., K], weights [K] -> [...]. No gradient.
[[nodiscard]] at::Tensor weighSorted(const at::Tensor& values, const at::Tensor& weights);

/// The mean of the counts_i smallest values of row i: values [..., K], counts [...] int64 in 1 … K -> [...]. No
/// gradient.
[[nodiscard]] at::Tensor tailMeans(const at::Tensor& values, const at::Tensor& counts);

} // namespace knife
