// SPDX-License-Identifier: GPL-3.0-or-later
// CompositeLinear without a graph: the same sums over plain memory, block of rows by block of rows.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/nets/composite_linear.h"
#include "core/nets/fused/linear_kernel.h"
#include "core/nets/kernels/pointwise.h"

namespace knife {

class CompositeKernel {
  public:
    struct Layout {
        std::int64_t ldx = 0;  ///< row stride of x
        std::int64_t ldy = 0;  ///< row stride of y
        std::int64_t lddy = 0; ///< row stride of the gradient of y; 0: as y
    };
    /// `layer` must outlive the kernel.
    CompositeKernel(const CompositeLinear& layer, const Layout& layout);
    CompositeKernel(const CompositeKernel&) = delete; // its branches refer to its own gradients
    CompositeKernel& operator=(const CompositeKernel&) = delete;

    /// Before every pass: takes present values and branches, and makes room for `slots` rows of activations, for blocks
    /// of `blockRows` and that many shards.
    void load(std::int64_t slots, const std::vector<std::int64_t>& blockRows, int shards);
    /// x [rows x in] -> y [rows x out], without the consumer's bias. Activations go to rows [slot, slot + rows).
    void forward(std::int64_t rows, std::int64_t slot, int shard, const float* x, float* y);
    /// Begins a backward pass of that many shards.
    void beginBackward(int shards) { m_gradients.begin(shards); }
    /// Gradients of all weights and hidden biases, from dy [rows x out] and the activations of forward().
    void backward(std::int64_t rows, std::int64_t slot, int shard, const float* x, const float* dy);
    void endBackward() { m_gradients.finish(); }

    /// Shows the activations of rows [0, slots), and if so wished where backward() will leave their gradients: views
    /// that the next pass overwrites. After forward(), before backward().
    void tap(SiteTap& tap, std::int64_t slots);

  private:
    // One hidden layer of its own: the base, an event's active or its compensation neurons.
    struct Branch {
        LinearKernel in;
        LinearKernel out;
        const float* bias;
        std::size_t biasHandle;
        std::int64_t units;
        std::vector<float> hidden;   ///< [slots x units]
        std::vector<float> gradient; ///< the same shape, of the activations; empty: not recorded
        Branch(const Parameter& weight, const Parameter& biasParameter, const Parameter& outgoing,
               GradientShards& gradients, const Layout& layout);
        Branch(const Branch&) = delete;
        Branch& operator=(const Branch&) = delete;
        [[nodiscard]] Rows at(std::int64_t slot) { return {hidden.data() + slot * units, units}; }
        void forward(std::int64_t rows, std::int64_t slot, const float* x, float* y);
    };
    void adoptStructure();
    void backwardThrough(Branch& branch, std::int64_t rows, std::int64_t slot, int shard, const float* x,
                         const float* dy);

    const CompositeLinear& m_layer;
    Layout m_layout;
    GradientShards m_gradients;
    GradientShards m_frozen; ///< of compensation neurons: registered, never used
    std::unique_ptr<Branch> m_base;
    std::int64_t m_version = -1; ///< of the layer's structure
    struct Event {
        std::unique_ptr<Branch> active;
        std::unique_ptr<Branch> compensation;
    };
    std::vector<Event> m_events;
    /// Per shard: room for both outputs of an event, or for the gradient of one hidden block.
    std::vector<std::vector<float>> m_scratch;
    std::int64_t m_blockRows = 0;
};

} // namespace knife
