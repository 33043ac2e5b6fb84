// SPDX-License-Identifier: GPL-3.0-or-later
// Inner products of gradients, and what they say about each other.
#pragma once

#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "core/plasticity/network/net_copy.h"

namespace knife {

/// gradients [k, P] -> [k, k] in double precision, over the parameters of one module; "all": over all.
[[nodiscard]] at::Tensor gramOf(const at::Tensor& gradients, const std::vector<GradientSlice>& slices,
                                const std::string& module);

/// Cosines of all pairs, of which none has a gradient of length 0.
struct PairedCosines {
    double mean = 0.0;    ///< NaN where there is no pair
    double opposed = 0.0; ///< share below -0.1
    double aligned = 0.0; ///< share above 0.9
};
[[nodiscard]] PairedCosines cosinesOf(const at::Tensor& gram);

} // namespace knife
