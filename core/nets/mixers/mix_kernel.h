// SPDX-License-Identifier: GPL-3.0-or-later
// The fast path of a mixer whose joint value depends on the chosen action values and the state alone: forward and
// backward over plain memory, without a graph. Must agree with Mixer::mix() up to rounding.
#pragma once

#include <cstdint>

#include "core/nets/keep.h"
#include "core/nets/site.h"

namespace knife {

class MixKernel {
  public:
    virtual ~MixKernel() = default;
    /// q [rows, N], state [rows, S], both row-major -> joint [rows, outputs()].
    virtual void forward(const float* q, const float* state, std::int64_t rows, float* joint, Keep keep,
                         SiteTaps* taps) = 0;
    /// For the last forward() with Keep::Gradient: gradient of the joint values [rows, outputs()] -> that of q [rows,
    /// N]. Adds to the gradients of the mixer's parameters. q and state must still be what forward() saw.
    virtual void backward(const float* dJoint, float* dQ) = 0;
};

} // namespace knife
