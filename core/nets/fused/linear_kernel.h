// SPDX-License-Identifier: GPL-3.0-or-later
// The products of one linear layer y = x W^T over blocks of rows: forward, to the input, to the weight. Biases are the
// caller's, because they are fused with what follows.
#pragma once

#include <cstdint>
#include <vector>

#include "core/nets/fused/gradient_shards.h"
#include "core/nets/kernels/small_gemm.h"
#include "core/nets/parameters.h"

namespace knife {

class LinearKernel {
  public:
    struct Layout {
        std::int64_t ldx = 0;      ///< row stride of x
        std::int64_t ldy = 0;      ///< row stride of y
        std::int64_t lddy = 0;     ///< row stride of its gradient; 0: as y
        std::int64_t firstRow = 0; ///< of the weight: a layer may be part of a larger one
        std::int64_t outputs = 0;  ///< rows of the weight; 0: all
    };
    /// The parameter and `gradients` must outlive the kernel.
    LinearKernel(const Parameter& weight, GradientShards& gradients, const Layout& layout);

    /// Takes the weight's present values; before every pass.
    void load();
    /// Makes products for blocks of that many rows, which the passes below need; not from several threads.
    void prepare(std::int64_t rows);

    /// y (+)= x W^T.
    void forward(std::int64_t rows, const float* x, float* y, Accumulate accumulate = Accumulate::No) const;
    /// dx (+)= dy W, with dx dense [rows x in].
    void toInput(std::int64_t rows, const float* dy, float* dx, Accumulate accumulate = Accumulate::No) const;
    /// dW += dy^T x, into one shard's gradient.
    void toWeight(std::int64_t rows, const float* dy, const float* x, int shard) const;

  private:
    struct Products {
        std::int64_t rows;
        SmallGemm forward;
        SmallGemm forwardAdd;
        SmallGemm toInput;
        SmallGemm toInputAdd;
        SmallGemm toWeight;
    };
    [[nodiscard]] const Products& of(std::int64_t rows) const;

    const float* m_weight; ///< [out x in]
    GradientShards& m_gradients;
    std::size_t m_handle;
    Layout m_layout;
    std::int64_t m_in;
    std::int64_t m_out;
    std::vector<float> m_transposed; ///< [in x out]
    std::vector<Products> m_products;
};

} // namespace knife
