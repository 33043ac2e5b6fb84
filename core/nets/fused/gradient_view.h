// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <vector>

#include <ATen/ATen.h>

namespace knife {

/// The first `rows` rows of dense memory as a tensor that shares it.
inline at::Tensor viewOf(std::vector<float>& memory, std::int64_t rows, std::int64_t width) {
    return at::from_blob(memory.data(), {rows, width});
}

/// The same of memory that is made here, all 0: rows that no gradient reaches stay so.
inline at::Tensor gradientView(std::vector<float>& memory, std::int64_t rows, std::int64_t width) {
    memory.assign(static_cast<std::size_t>(rows * width), 0.F);
    return viewOf(memory, rows, width);
}

} // namespace knife
