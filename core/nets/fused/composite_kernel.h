// SPDX-License-Identifier: GPL-3.0-or-later
// CompositeLinear without a graph: the same sums over plain memory, block of rows by block of rows.
//
// A branch whose active neurons still equal their compensation neurons, bit for bit, contributes exactly +0 and is left
// out of the output: a surgery changes nothing. All branches that have learned are evaluated together, so that the cost
// grows with their units and not with the number of surgeries.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/nets/composite_linear.h"
#include "core/nets/fused/gathered_neurons.h"
#include "core/nets/fused/hidden_kernel.h"

namespace knife {

class CompositeKernel {
  public:
    using Layout = HiddenKernel::Layout;
    /// `layer` must outlive the kernel.
    CompositeKernel(const CompositeLinear& layer, const Layout& layout);

    /// Before every pass: takes present values and branches, and makes room for `slots` rows of activations, for blocks
    /// of `blockRows` and that many shards.
    void load(std::int64_t slots, const std::vector<std::int64_t>& blockRows, int shards);
    /// x [rows x in] -> y [rows x out], without the consumer's bias. Activations go to rows [slot, slot + rows).
    void forward(std::int64_t rows, std::int64_t slot, const float* x, float* y);
    /// Begins a backward pass of that many shards.
    void beginBackward(int shards);
    /// Gradients of all weights and hidden biases, from dy [rows x out] and the activations of forward().
    void backward(std::int64_t rows, std::int64_t slot, int shard, const float* x, const float* dy);
    void endBackward();

    /// Shows the activations of rows [0, slots), and if so wished where backward() will leave their gradients: views
    /// that the next pass overwrites. After forward(), before backward().
    void tap(SiteTap& tap, std::int64_t slots);

  private:
    // Neurons of some events, evaluated at once.
    struct Group {
        GatheredNeurons gathered;
        HiddenKernel kernel;
        Group(const std::vector<const CompositeBranch*>& branches, BranchHalf half, const Layout& layout);
        void load(std::int64_t slots, const std::vector<std::int64_t>& blockRows);
    };
    void adoptStructure();

    const CompositeLinear& m_layer;
    Layout m_layout;
    std::unique_ptr<HiddenKernel> m_base;
    std::int64_t m_version = -1;     ///< of the layer's structure
    std::vector<char> m_learned;     ///< per branch
    std::unique_ptr<Group> m_active; ///< this and the next: of branches that have learned; nullptr: none has
    std::unique_ptr<Group> m_compensation;
    std::unique_ptr<Group> m_newborn;          ///< active neurons of the other branches; nullptr: there is none
    std::vector<std::vector<float>> m_scratch; ///< per shard: the gradient of one hidden block
};

} // namespace knife
