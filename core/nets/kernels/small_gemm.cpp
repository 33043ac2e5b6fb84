// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/nets/kernels/small_gemm.h"

#include <cassert>

#include <cblas.h>

#if KNIFE_HAS_XSMM
#include <libxsmm.h>
#endif

namespace knife {

namespace {

using Kernel = void (*)(const float* b, const float* a, float* c, ...);

// LIBXSMM counts columns first: the row-major C = A · B is its Cᵀ = Bᵀ · Aᵀ on the same memory.
Kernel generate([[maybe_unused]] const GemmShape& shape, [[maybe_unused]] bool transposed,
                [[maybe_unused]] bool accumulate) {
#if KNIFE_HAS_XSMM
    if (shape.m == 0 || shape.n == 0 || shape.k == 0) {
        return nullptr;
    }
    const float alpha = 1.0F;
    const float beta = accumulate ? 1.0F : 0.0F;
    const int flags = transposed ? LIBXSMM_GEMM_FLAG_TRANS_B : LIBXSMM_GEMM_FLAG_NONE;
    const int prefetch = LIBXSMM_PREFETCH_NONE;
    return libxsmm_smmdispatch(shape.n, shape.m, shape.k, &shape.ldb, &shape.lda, &shape.ldc, &alpha, &beta, &flags,
                               &prefetch);
#else
    return nullptr;
#endif
}

} // namespace

SmallGemm::SmallGemm(const GemmShape& shape, Operand a, Accumulate accumulate, GemmBackend preferred)
    : m_shape(shape), m_a(a), m_accumulate(accumulate) {
    assert(shape.m >= 0 && shape.n >= 0 && shape.k >= 0);
    assert(shape.lda >= (a == Operand::Transposed ? shape.m : shape.k) && shape.ldb >= shape.n && shape.ldc >= shape.n);
    if (preferred == GemmBackend::Generated) {
        m_generated = generate(shape, a == Operand::Transposed, accumulate == Accumulate::Yes);
    }
}

SmallGemm SmallGemm::product(const GemmShape& shape, Accumulate accumulate, GemmBackend preferred) {
    return {shape, Operand::AsStored, accumulate, preferred};
}

SmallGemm SmallGemm::transposedProduct(const GemmShape& shape, Accumulate accumulate, GemmBackend preferred) {
    return {shape, Operand::Transposed, accumulate, preferred};
}

void SmallGemm::operator()(const float* a, const float* b, float* c) const {
    if (m_generated != nullptr) {
        m_generated(b, a, c);
        return;
    }
    if (m_shape.m == 0 || m_shape.n == 0) {
        return;
    }
    cblas_sgemm(CblasRowMajor, m_a == Operand::Transposed ? CblasTrans : CblasNoTrans, CblasNoTrans, m_shape.m,
                m_shape.n, m_shape.k, 1.0F, a, m_shape.lda, b, m_shape.ldb,
                m_accumulate == Accumulate::Yes ? 1.0F : 0.0F, c, m_shape.ldc);
}

} // namespace knife
