// SPDX-License-Identifier: GPL-3.0-or-later
// FeedForward without a graph, for nets of no or one hidden layer (hypernetworks).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/nets/fused/composite_kernel.h"
#include "core/nets/fused/linear_kernel.h"
#include "core/nets/mixers/feed_forward.h"

namespace knife {

class FeedForwardKernel {
  public:
    /// `net` has at most one hidden layer, dense inputs and outputs, and outlives the kernel.
    explicit FeedForwardKernel(const FeedForward& net);
    FeedForwardKernel(const FeedForwardKernel&) = delete; // its layers refer to its own gradients
    FeedForwardKernel& operator=(const FeedForwardKernel&) = delete;

    void load(std::int64_t slots, const std::vector<std::int64_t>& blockRows, int shards);
    /// x [rows x in] -> y [rows x out], bias included.
    void forward(std::int64_t rows, std::int64_t slot, int shard, const float* x, float* y);
    void beginBackward(int shards);
    void backward(std::int64_t rows, std::int64_t slot, int shard, const float* x, const float* dy);
    void endBackward();
    /// Views that the next pass overwrites.
    void tap(SiteTaps& taps, std::int64_t slots) const;

  private:
    const FeedForward& m_net;
    GradientShards m_gradients;
    std::optional<CompositeKernel> m_composite;
    std::optional<LinearKernel> m_linear; ///< of a net without hidden layer
    const float* m_bias;
    std::size_t m_biasHandle;
    std::int64_t m_out;
};

} // namespace knife
