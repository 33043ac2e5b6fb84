// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <vector>

#include <ATen/ATen.h>

namespace knife {

/// `values` [rows, n], of which these columns pass no gradient back. No value changes.
[[nodiscard]] inline at::Tensor withoutGradient(const at::Tensor& values, const std::vector<std::int64_t>& columns) {
    if (columns.empty()) {
        return values;
    }
    const at::Tensor index = at::tensor(columns, at::kLong).to(values.device());
    return values.index_copy(1, index, values.detach().index_select(1, index));
}

/// Indices of the neurons of a branch that a later event froze (CompositeBranch::superseded and its like).
[[nodiscard]] inline std::vector<std::int64_t> supersededNeurons(const std::vector<char>& superseded) {
    std::vector<std::int64_t> neurons;
    for (std::size_t k = 0; k < superseded.size(); ++k) {
        if (superseded[k] != 0) {
            neurons.push_back(static_cast<std::int64_t>(k));
        }
    }
    return neurons;
}

} // namespace knife
