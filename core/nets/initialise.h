// SPDX-License-Identifier: GPL-3.0-or-later
// Initial values, drawn from counter-based streams named after the parameter, so that adding a layer never changes
// the draws of another.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "core/nets/parameters.h"
#include "core/types/counter_rng.h"

namespace knife {

/// Half-width of the uniform distribution that torch.nn.Linear draws weights and biases from: 1/sqrt(fan_in).
[[nodiscard]] double linearBound(std::int64_t fanIn);

/// A float32 tensor of draws from U(-bound, bound).
[[nodiscard]] at::Tensor drawUniform(const std::vector<std::int64_t>& shape, double bound, const StreamKey& key);

/// A float32 matrix whose rows (or columns, if they are fewer) are orthogonal with norm `gain`, uniformly distributed
/// among such matrices: torch.nn.init.orthogonal_ (Saxe et al. 2014).
[[nodiscard]] at::Tensor drawOrthogonal(std::int64_t rows, std::int64_t columns, double gain, const StreamKey& key);

/// Declares a parameter drawn as torch.nn.Linear draws one of a layer that reads `fanIn` inputs.
[[nodiscard]] Parameter* declareUniform(ParameterSet& parameters, const std::string& name,
                                        const std::vector<std::int64_t>& shape, std::int64_t fanIn, std::uint64_t seed);

} // namespace knife
