// SPDX-License-Identifier: GPL-3.0-or-later
// Passes over a flat block of parameters: norms, masks and optimiser steps, vectorised for the processor that is found
// at run time. Element i depends on element i alone, so blocks may be split anywhere (but sumOfSquares() adds in an
// order of its own).
#pragma once

#include <cstdint>

namespace knife {

/// Sum of squares in double precision.
[[nodiscard]] double sumOfSquares(const float* values, std::int64_t count);

/// x *= factor.
void scale(float factor, float* values, std::int64_t count);

/// x = mask != 0 ? x : 0; not a product, which would keep a NaN.
void keepWhere(const float* mask, float* values, std::int64_t count);

/// What a step reads and writes: four arrays of one length. RMSprop leaves `moment1` alone.
struct StepArrays {
    float* theta = nullptr;
    const float* gradient = nullptr;
    float* moment1 = nullptr;
    float* moment2 = nullptr;
    std::int64_t count = 0;
};

struct RmspropRates {
    float lr = 0.F;
    float alpha = 0.F;
    float epsilon = 0.F;
};
/// v = alpha v + (1 - alpha) g^2, theta -= lr g / (sqrt(v) + epsilon).
void rmspropStep(const StepArrays& arrays, const RmspropRates& rates);

struct AdamStepRates {
    float lr = 0.F;
    float beta1 = 0.F;
    float beta2 = 0.F;
    float epsilon = 0.F;
    float correction1 = 1.F; ///< 1 - beta1^t
    float correction2 = 1.F; ///< 1 - beta2^t
};
/// Kingma & Ba 2015, algorithm 1.
void adamStep(const StepArrays& arrays, const AdamStepRates& rates);

} // namespace knife
