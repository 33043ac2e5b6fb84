// SPDX-License-Identifier: GPL-3.0-or-later
// One set of hidden neurons without a graph: V relu(W x + b) over plain memory, block of rows by block of rows.
#pragma once

#include <cstdint>
#include <vector>

#include "core/nets/fused/linear_kernel.h"
#include "core/nets/parameters.h"

namespace knife {

/// The parameters of a set of neurons.
struct HiddenNeurons {
    const Parameter& in;   ///< W [n, d_in]
    const Parameter& bias; ///< b [n]
    const Parameter& out;  ///< V [d_out, n]
};

class HiddenKernel {
  public:
    struct Layout {
        std::int64_t ldx = 0;  ///< row stride of x
        std::int64_t ldy = 0;  ///< row stride of y
        std::int64_t lddy = 0; ///< row stride of the gradient of y; 0: as y
    };
    /// The parameters must outlive the kernel.
    HiddenKernel(const HiddenNeurons& neurons, const Layout& layout);
    HiddenKernel(const HiddenKernel&) = delete; // its layers refer to its own gradients
    HiddenKernel& operator=(const HiddenKernel&) = delete;

    [[nodiscard]] std::int64_t units() const { return m_units; }
    /// Before every pass: takes present values and makes room for `slots` rows of activations, for blocks of
    /// `blockRows`.
    void load(std::int64_t slots, const std::vector<std::int64_t>& blockRows);
    /// relu(W x + b) of x [rows x in] into rows [slot, slot + rows) of the activations.
    void activate(std::int64_t rows, std::int64_t slot, const float* x);
    /// y (+)= V h, from those activations.
    void read(std::int64_t rows, std::int64_t slot, float* y, Accumulate accumulate);

    /// Begins a backward pass of that many shards.
    void beginBackward(int shards) { m_gradients.begin(shards); }
    /// Gradients of W, b and V from dy [rows x out]. `scratch`: room for rows x units.
    void backward(std::int64_t rows, std::int64_t slot, int shard, const float* x, const float* dy, float* scratch);
    void endBackward() { m_gradients.finish(); }

    /// Activations of rows [0, slots): a view that the next pass overwrites.
    [[nodiscard]] at::Tensor activations(std::int64_t slots);
    /// Where backward() will leave the gradients of activations(), a view as well. After load(), for one pass.
    [[nodiscard]] at::Tensor recordGradients(std::int64_t slots);

  private:
    GradientShards m_gradients;
    LinearKernel m_in;
    LinearKernel m_out;
    const float* m_bias;
    std::size_t m_biasHandle;
    std::int64_t m_units;
    std::vector<float> m_hidden;   ///< [slots x units]
    std::vector<float> m_recorded; ///< the same shape, gradients of the activations; empty: not recorded
};

} // namespace knife
