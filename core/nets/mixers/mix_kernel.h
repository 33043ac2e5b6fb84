// SPDX-License-Identifier: GPL-3.0-or-later
// The fast path of a mixer whose joint value depends on action values, the joint action and the state alone: forward
// and backward over plain memory, without a graph. Must agree with Mixer::mix() up to rounding.
#pragma once

#include <cstdint>

#include "core/nets/keep.h"
#include "core/nets/site.h"

namespace knife {

/// What a mixer reads of N agents. All row-major.
struct MixInputs {
    const float* q = nullptr;              ///< [rows, N] values of the actions
    const float* best = nullptr;           ///< [rows, N] largest available values; unless readsBest(), nullptr
    const std::int64_t* actions = nullptr; ///< [rows, N]
    const float* state = nullptr;          ///< [rows, S]
    std::int64_t rows = 0;
};

class MixKernel {
  public:
    virtual ~MixKernel() = default;
    /// Whether MixInputs::best is asked for. No gradient flows back to it.
    [[nodiscard]] virtual bool readsBest() const { return false; }
    /// -> joint [rows, outputs()], row-major.
    virtual void forward(const MixInputs& inputs, float* joint, Keep keep, SiteTaps* taps) = 0;
    /// For the last forward() with Keep::Gradient: gradient of the joint values [rows, outputs()] -> that of q [rows,
    /// N]. Adds to the gradients of the mixer's parameters. The inputs must still be what forward() saw.
    virtual void backward(const float* dJoint, float* dQ) = 0;
};

} // namespace knife
