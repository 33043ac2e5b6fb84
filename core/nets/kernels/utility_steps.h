// SPDX-License-Identifier: GPL-3.0-or-later
// Passes over a flat block of parameters for utility-based perturbed gradient descent (Elsayed, Mahmood 2024), and the
// normal noise that it asks for, vectorised for the processor that is found at run time. Element i depends on element i
// alone.
#pragma once

#include <array>
#include <cstdint>

namespace knife {

/// Standard normal numbers by Philox4x32-10 and Box-Muller: counter c of `key` gives elements 4c to 4c + 3, the cosine
/// and the sine of its words 0 and 2, then of 1 and 3, of which the upper 24 bits count. Fills elements
/// 4 `firstCounter` to 4 `firstCounter` + count - 1.
void fillNormal(const std::array<std::uint32_t, 2>& key, std::uint64_t firstCounter, float* out, std::int64_t count);

/// What a step reads and writes: arrays of one length.
struct UtilityArrays {
    float* theta = nullptr;          ///< after the optimiser's step
    const float* before = nullptr;   ///< before it
    const float* gradient = nullptr; ///< that it was taken on
    const float* mask = nullptr;     ///< where it is 0, nothing is done and the utility is 0
    const float* noise = nullptr;
    float* utility = nullptr; ///< running mean
    std::int64_t count = 0;
};

/// utility = beta utility - (1 - beta) gradient before. Returns the largest; 0 for none.
[[nodiscard]] float gatherUtility(const UtilityArrays& arrays, float beta);

struct UtilityRates {
    float utilityScale = 0.F; ///< by which utilities go into the gate
    float stepFactor = 1.F;   ///< of the optimiser's step
    float noiseFactor = 0.F;  ///< learning rate times sigma
    float keep = 1.F;         ///< share of the values that weight decay leaves
    bool protects = true;     ///< whether the gate holds the optimiser's step back too
};
/// gate = 1 - sigmoid(utilityScale utility),
/// theta = keep before + stepFactor gate (theta - before) - noiseFactor gate noise.
void gatedStep(const UtilityArrays& arrays, const UtilityRates& rates);

} // namespace knife
