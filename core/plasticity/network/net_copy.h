// SPDX-License-Identifier: GPL-3.0-or-later
// Private copies of a network, for gradients and fits that must not touch the one that is trained.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/nets/factorized_net.h"
#include "core/plasticity/network/probe.h"
#include "core/types/error.h"

namespace knife {

/// A network of the same structure, composites included, with equal values and masks and fresh moments. `spec` is what
/// `net` was built from. ErrorCode::Unsupported when the structure cannot be built again.
[[nodiscard]] Result<std::unique_ptr<FactorizedNet>> copyOf(const FactorizedNet& net, const NetSpec& spec);

/// A scalar of one forward pass, from what its mixer sees.
using ScalarOf = std::function<at::Tensor(const FactorizedNet&, const JointView&)>;

/// Fills the gradients of `copy` with those of `scalar` over the whole probe; returns its value.
double differentiate(FactorizedNet& copy, const ProbeBatch& probe, const ScalarOf& scalar);

/// The gradients of all trainable blocks behind one another, those of frozen entries as 0. [P]
[[nodiscard]] at::Tensor flatGradient(const ParameterSet& parameters);

/// The part of flatGradient() that belongs to one parameter.
struct GradientSlice {
    std::string module; ///< first part of the parameter's name: "agent", "mixer", …
    std::int64_t begin = 0;
    std::int64_t length = 0;
};
[[nodiscard]] std::vector<GradientSlice> gradientSlices(const ParameterSet& parameters);
/// "agent" of "agent.fc1.weight".
[[nodiscard]] std::string moduleOf(const std::string& parameter);

} // namespace knife
