// SPDX-License-Identifier: GPL-3.0-or-later
// Distortion risk measures of a distribution given by K quantiles at tau_k = (2k + 1) / (2K):
//   psi = sum_k theta_k g'(tau_k) / K,   g' limited to [0, 5] as in RiskQ's released code
//   wang     g(tau) = Phi(Phi^-1(tau) + p): p > 0 weighs low quantiles
//   cvar     g(tau) = min(tau / p, 1): the mean of the lowest share p
//   cpw      g(tau) = tau^p / (tau^p + (1 - tau)^p)^(1/p): weighs both tails
//   var      the last quantile at tau_k <= p, or the lowest; no distortion
//   neutral  the mean
// The weights are not renormalised, again as released. A negative p there means tau -> 1 - tau; here that is an option
// of its own, `risk_seeking`.
#pragma once

#include <cstdint>
#include <string>

#include <ATen/core/Tensor.h>

#include "core/config/section.h"

namespace knife {

struct RiskConfig {
    std::string measure = "wang";
    double wang = 0.75;
    double cvar = 0.25;
    double cpw = 0.71; ///< as in the paper of IQN
    double var = 0.25;
    bool seeking = false; ///< weighs high quantiles where the measure weighs low ones
};
void describe(FieldVisitor& visitor, RiskConfig& config);

/// g'(tau_k) / K of every quantile, lowest first: [quantiles].
[[nodiscard]] at::Tensor riskWeights(const RiskConfig& config, std::int64_t quantiles);

} // namespace knife
