// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/nets/fused/linear_kernel.h"

#include <algorithm>

#include <ATen/core/Tensor.h>
#include <c10/util/Exception.h>

namespace knife {

namespace {

int narrow(std::int64_t value) {
    return static_cast<int>(value); // sizes of networks, far below the limit
}

} // namespace

LinearKernel::LinearKernel(const Parameter& weight, GradientShards& gradients, const Layout& layout)
    : m_weight(weight.value.data_ptr<float>() + layout.firstRow * weight.value.size(1)),
      m_gradients(gradients),
      m_handle(gradients.add(weight)),
      m_layout(layout),
      m_in(weight.value.size(1)),
      m_out(layout.outputs > 0 ? layout.outputs : weight.value.size(0)),
      m_transposed(static_cast<std::size_t>(m_in * m_out)) {}

void LinearKernel::load() {
    // Tiles that stay in the first cache on both sides.
    constexpr std::int64_t kTile = 16;
    for (std::int64_t o = 0; o < m_out; o += kTile) {
        const std::int64_t lastO = std::min(o + kTile, m_out);
        for (std::int64_t i = 0; i < m_in; ++i) {
            float* row = m_transposed.data() + i * m_out;
            for (std::int64_t column = o; column < lastO; ++column) {
                row[column] = m_weight[column * m_in + i];
            }
        }
    }
}

void LinearKernel::prepare(std::int64_t rows) {
    if (std::ranges::find(m_products, rows, &Products::rows) != m_products.end()) {
        return;
    }
    const int r = narrow(rows);
    const int in = narrow(m_in);
    const int out = narrow(m_out);
    const int ldx = narrow(m_layout.ldx);
    const int ldy = narrow(m_layout.ldy);
    const int lddy = m_layout.lddy > 0 ? narrow(m_layout.lddy) : ldy;
    const GemmShape forward{.m = r, .n = out, .k = in, .lda = ldx, .ldb = out, .ldc = ldy};
    const GemmShape toInput{.m = r, .n = in, .k = out, .lda = lddy, .ldb = in, .ldc = in};
    const GemmShape toWeight{.m = out, .n = in, .k = r, .lda = lddy, .ldb = ldx, .ldc = in};
    m_products.push_back({rows, SmallGemm::product(forward, Accumulate::No),
                          SmallGemm::product(forward, Accumulate::Yes), SmallGemm::product(toInput, Accumulate::No),
                          SmallGemm::product(toInput, Accumulate::Yes),
                          SmallGemm::transposedProduct(toWeight, Accumulate::Yes)});
}

const LinearKernel::Products& LinearKernel::of(std::int64_t rows) const {
    const auto found = std::ranges::find(m_products, rows, &Products::rows);
    TORCH_INTERNAL_ASSERT(found != m_products.end(), "prepare(", rows, ") was forgotten");
    return *found;
}

void LinearKernel::forward(std::int64_t rows, const float* x, float* y, Accumulate accumulate) const {
    const Products& products = of(rows);
    (accumulate == Accumulate::Yes ? products.forwardAdd : products.forward)(x, m_transposed.data(), y);
}

void LinearKernel::toInput(std::int64_t rows, const float* dy, float* dx, Accumulate accumulate) const {
    const Products& products = of(rows);
    (accumulate == Accumulate::Yes ? products.toInputAdd : products.toInput)(dy, m_weight, dx);
}

void LinearKernel::toWeight(std::int64_t rows, const float* dy, const float* x, int shard) const {
    of(rows).toWeight(dy, x, m_gradients.of(m_handle, shard) + m_layout.firstRow * m_in);
}

} // namespace knife
