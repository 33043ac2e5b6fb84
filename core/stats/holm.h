// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <span>
#include <vector>

namespace knife {

/// p values adjusted for their number by Holm's step-down procedure (Holm 1979): of m of them the j-th smallest becomes
/// the largest of (m - i + 1) p_i over i <= j, at most 1. NaN is no test: it stays NaN and is not counted.
[[nodiscard]] std::vector<double> holmAdjusted(std::span<const double> p);

} // namespace knife
