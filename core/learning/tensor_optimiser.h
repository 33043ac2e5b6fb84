// SPDX-License-Identifier: GPL-3.0-or-later
// The arithmetic of optimiser.h in tensor operations, for parameters outside the CPU's memory. On the CPU the loops
// that optimiser.cpp calls are faster; results agree up to rounding.
#pragma once

#include "core/nets/parameters.h"

namespace knife::by_tensors {

void maskGradient(ParameterBlock& block);
[[nodiscard]] double sumOfSquares(const at::Tensor& gradient);
void scaleGradient(ParameterBlock& block, float scale);
void rmsprop(ParameterBlock& block, double lr, double alpha, double epsilon);

struct AdamRates {
    double lr = 0.0;
    double beta1 = 0.0;
    double beta2 = 0.0;
    double epsilon = 0.0;
    double correction1 = 1.0; ///< 1 - beta1^t
    double correction2 = 1.0; ///< 1 - beta2^t
};
void adam(ParameterBlock& block, const AdamRates& rates);

} // namespace knife::by_tensors
