// SPDX-License-Identifier: GPL-3.0-or-later
// Products of small float matrices of one shape, generated once and called often.
//
// Equal arguments give bit-equal results, whichever thread calls and wherever the memory lies.
#pragma once

namespace knife {

/// Sizes and row strides of C [m x n] (+)= A · B over k, in elements. All matrices are row-major.
struct GemmShape {
    int m = 0;   ///< rows of C
    int n = 0;   ///< columns of C and of B
    int k = 0;   ///< length of the sums
    int lda = 0; ///< row stride of A as it is stored
    int ldb = 0; ///< row stride of B, at least n
    int ldc = 0; ///< row stride of C, at least n
};

enum class Accumulate : unsigned char {
    No,  ///< C is overwritten and never read
    Yes, ///< the product is added to C
};

enum class GemmBackend : unsigned char {
    Generated, ///< code made for the shape by LIBXSMM
    Blas,      ///< sgemm of the system's BLAS
};

/// A product of one shape. A small value: copy it freely. Making one may generate code (some 10 µs, process-wide
/// cache); calling it never allocates and starts no thread, except that a BLAS may for large products unless told not
/// to. Both may be done from any number of threads.
class SmallGemm {
  public:
    /// C = A · B (+ C) with A stored [m x k], lda >= k, and B stored [k x n]. Sizes may be 0.
    /// Falls back to BLAS where code for the shape cannot be generated.
    [[nodiscard]] static SmallGemm product(const GemmShape& shape, Accumulate accumulate,
                                           GemmBackend preferred = GemmBackend::Generated);
    /// C = Aᵀ · B (+ C) with A stored [k x m], lda >= m, and B stored [k x n]: weight gradients over k rows.
    [[nodiscard]] static SmallGemm transposedProduct(const GemmShape& shape, Accumulate accumulate,
                                                     GemmBackend preferred = GemmBackend::Generated);

    /// C must overlap neither A nor B.
    void operator()(const float* a, const float* b, float* c) const;

    [[nodiscard]] GemmBackend backend() const {
        return m_generated != nullptr ? GemmBackend::Generated : GemmBackend::Blas;
    }
    [[nodiscard]] const GemmShape& shape() const { return m_shape; }
    [[nodiscard]] double flops() const { return 2.0 * m_shape.m * m_shape.n * m_shape.k; }

  private:
    enum class Operand : unsigned char { AsStored, Transposed };
    using Generated = void (*)(const float* b, const float* a, float* c, ...);

    SmallGemm(const GemmShape& shape, Operand a, Accumulate accumulate, GemmBackend preferred);

    GemmShape m_shape;
    Operand m_a;
    Accumulate m_accumulate;
    Generated m_generated = nullptr;
};

} // namespace knife
