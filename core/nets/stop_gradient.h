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

} // namespace knife
