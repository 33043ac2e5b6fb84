// SPDX-License-Identifier: GPL-3.0-or-later
// FeedForward without a graph: hypernetworks, key and query nets.
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
    /// `net` has dense inputs and outputs, and outlives the kernel.
    explicit FeedForwardKernel(const FeedForward& net);
    FeedForwardKernel(const FeedForwardKernel&) = delete; // its layers refer to its own gradients
    FeedForwardKernel& operator=(const FeedForwardKernel&) = delete;

    void load(std::int64_t slots, const std::vector<std::int64_t>& blockRows, int shards);
    /// x [rows x in] -> y [rows x out], bias included.
    void forward(std::int64_t rows, std::int64_t slot, const float* x, float* y);
    void beginBackward(int shards);
    void backward(std::int64_t rows, std::int64_t slot, int shard, const float* x, const float* dy);
    void endBackward();
    /// Views that the next pass overwrites; see CompositeKernel::tap().
    void tap(SiteTaps& taps, std::int64_t slots);

  private:
    /// A plain layer and, where the net has hidden layers, the ReLU before it.
    struct Layer {
        LinearKernel linear;
        const float* bias = nullptr;
        std::size_t biasHandle = 0;
        std::size_t site = 0; ///< of that ReLU
        std::int64_t in = 0;
        std::int64_t out = 0;
        std::vector<float> hidden;   ///< [slots x in], what that ReLU left
        std::vector<float> gradient; ///< the same shape, of `hidden`; empty: not recorded
    };
    [[nodiscard]] bool isLast(std::size_t layer) const { return layer + 1 == m_layers.size(); }
    /// Where the layers before `layer` leave their result: its ReLU, or behind the last layer y.
    [[nodiscard]] float* resultBefore(std::size_t layer, std::int64_t slot, float* y);
    void forwardThroughComposite(std::int64_t rows, std::int64_t slot, const float* x, float* y);

    const FeedForward& m_net;
    GradientShards m_gradients;
    std::optional<CompositeKernel> m_composite; ///< none in a net without hidden layers
    const float* m_compositeBias = nullptr;     ///< of the layer that consumes the composites
    std::size_t m_compositeBiasHandle = 0;
    std::vector<Layer> m_layers; ///< behind the composites
    std::int64_t m_widest = 0;   ///< hidden layer behind the composites
    std::int64_t m_blockRows = 0;
    std::vector<std::vector<float>> m_scratch; ///< per shard: gradients of two hidden layers
};

} // namespace knife
