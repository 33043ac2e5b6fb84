// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/nets/fused/linear_kernel.h"

#include <algorithm>
#include <array>
#include <cstring>

#include <ATen/core/Tensor.h>
#include <c10/util/Exception.h>

namespace knife {

namespace {

int narrow(std::int64_t value) {
    return static_cast<int>(value); // sizes of networks, far below the limit
}

using Four = float __attribute__((vector_size(16)));

Four read(const float* from) {
    Four four;
    std::memcpy(&four, from, sizeof four);
    return four;
}

// to [4 x 4] = from [4 x 4] transposed.
void transposeFour(const float* from, std::int64_t fromStride, float* to, std::int64_t toStride) {
    const Four a = read(from);
    const Four b = read(from + fromStride);
    const Four c = read(from + 2 * fromStride);
    const Four d = read(from + 3 * fromStride);
    const Four ab01 = __builtin_shufflevector(a, b, 0, 4, 1, 5);
    const Four ab23 = __builtin_shufflevector(a, b, 2, 6, 3, 7);
    const Four cd01 = __builtin_shufflevector(c, d, 0, 4, 1, 5);
    const Four cd23 = __builtin_shufflevector(c, d, 2, 6, 3, 7);
    const std::array<Four, 4> rows = {
        __builtin_shufflevector(ab01, cd01, 0, 1, 4, 5), __builtin_shufflevector(ab01, cd01, 2, 3, 6, 7),
        __builtin_shufflevector(ab23, cd23, 0, 1, 4, 5), __builtin_shufflevector(ab23, cd23, 2, 3, 6, 7)};
    for (const Four& row : rows) {
        std::memcpy(to, &row, sizeof row);
        to += toStride;
    }
}

// to [columns x rows] = from [rows x columns] transposed.
void transpose(const float* from, std::int64_t rows, std::int64_t columns, float* to) {
    // Tiles that fill whole cache lines of `to` and stay in the first cache on both sides.
    constexpr std::int64_t kTile = 16;
    const std::int64_t wholeColumns = columns / 4 * 4;
    for (std::int64_t first = 0; first < rows; first += kTile) {
        const std::int64_t end = std::min(first + kTile, rows);
        const std::int64_t wholeEnd = first + (end - first) / 4 * 4;
        for (std::int64_t column = 0; column < wholeColumns; column += 4) {
            for (std::int64_t row = first; row < wholeEnd; row += 4) {
                transposeFour(from + row * columns + column, columns, to + column * rows + row, rows);
            }
        }
        for (std::int64_t row = first; row < end; ++row) {
            for (std::int64_t column = row < wholeEnd ? wholeColumns : 0; column < columns; ++column) {
                to[column * rows + row] = from[row * columns + column];
            }
        }
    }
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
    transpose(m_weight, m_out, m_in, m_transposed.data());
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
