// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/nets/kernels/pointwise.h"

#include <algorithm>

// This file is compiled once for every instruction set: the first pass includes it again for each of them.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/nets/kernels/pointwise.cpp"
#include <hwy/foreach_target.h>

#include <hwy/highway.h>

#include <hwy/contrib/math/math-inl.h>

HWY_BEFORE_NAMESPACE();
namespace knife::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using Lanes = hn::ScalableTag<float>;
using Vector = hn::Vec<Lanes>;

// Reads and writes a whole vector.
struct Whole {
    HWY_INLINE Vector load(const float* from) const { return hn::LoadU(Lanes(), from); }
    HWY_INLINE void store(Vector value, float* to) const { hn::StoreU(value, Lanes(), to); }
};

// Reads and writes the first `count` lanes only; the others read as 0. Computes on full vectors like Whole, so that an
// element gets the same value at the end of a row as inside one.
struct Part {
    std::size_t count;
    HWY_INLINE Vector load(const float* from) const {
        HWY_ALIGN float lanes[hn::MaxLanes(Lanes())] = {};
        std::copy_n(from, count, lanes);
        return hn::Load(Lanes(), lanes);
    }
    HWY_INLINE void store(Vector value, float* to) const {
        HWY_ALIGN float lanes[hn::MaxLanes(Lanes())];
        hn::Store(value, Lanes(), lanes);
        std::copy_n(lanes, count, to);
    }
};

// Calls body(access, first column) for the columns [0, n), one vector at a time.
template <class Body>
HWY_INLINE void forColumns(std::int64_t n, const Body& body) {
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(Lanes()));
    std::int64_t j = 0;
    for (; j + lanes <= n; j += lanes) {
        body(Whole(), j);
    }
    if (j < n) {
        body(Part{static_cast<std::size_t>(n - j)}, j);
    }
}

HWY_INLINE Vector sigmoid(Vector x) {
    const Lanes d;
    // Exp ends at 104 and maps NaN to 0. Below -88 the result is below the smallest normal float anyway.
    const Vector e = hn::Exp(d, hn::Neg(hn::Max(hn::Set(d, -88.0F), x)));
    const Vector one = hn::Set(d, 1.0F);
    return hn::IfThenElse(hn::IsNaN(x), x, hn::Div(one, hn::Add(one, e)));
}

HWY_INLINE Vector elu(Vector x) {
    return hn::IfThenElse(hn::Gt(x, hn::Zero(Lanes())), x, hn::Expm1(Lanes(), x));
}

// x times the derivative of |w|.
HWY_INLINE Vector timesSign(Vector x, Vector w) {
    const Lanes d;
    return hn::IfThenZeroElse(hn::Eq(w, hn::Zero(d)), hn::Xor(x, hn::And(hn::SignBit(d), w)));
}

void biasReluImpl(const float* bias, std::int64_t rows, std::int64_t n, Rows x) {
    for (std::int64_t r = 0; r < rows; ++r) {
        float* row = x.row(r);
        forColumns(n, [&](auto access, std::int64_t j) HWY_ATTR {
            const Vector sum = hn::Add(access.load(row + j), access.load(bias + j));
            // Not Max, which may lose a NaN.
            access.store(hn::IfThenElse(hn::Lt(sum, hn::Zero(Lanes())), hn::Zero(Lanes()), sum), row + j);
        });
    }
}

void reluBackwardImpl(ConstRows activation, std::int64_t rows, std::int64_t n, Rows grad) {
    for (std::int64_t r = 0; r < rows; ++r) {
        const float* active = activation.row(r);
        float* row = grad.row(r);
        forColumns(n, [&](auto access, std::int64_t j) HWY_ATTR {
            const auto positive = hn::Gt(access.load(active + j), hn::Zero(Lanes()));
            access.store(hn::IfThenElseZero(positive, access.load(row + j)), row + j);
        });
    }
}

// Columns [j, j + lanes) of `rows` rows.
template <class Access>
HWY_INLINE void addOneColumnVector(Access access, ConstRows grad, std::int64_t rows, std::int64_t j, float* sums) {
    Vector sum = hn::Zero(Lanes());
    for (std::int64_t r = 0; r < rows; ++r) {
        sum = hn::Add(sum, access.load(grad.row(r) + j));
    }
    access.store(hn::Add(access.load(sums + j), sum), sums + j);
}

// Four vectors at once hide the latency of the additions; the order within a column is the same.
HWY_INLINE void addFourColumnVectors(ConstRows grad, std::int64_t rows, std::int64_t j, float* sums) {
    const Lanes d;
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
    Vector sum0 = hn::Zero(d);
    Vector sum1 = hn::Zero(d);
    Vector sum2 = hn::Zero(d);
    Vector sum3 = hn::Zero(d);
    for (std::int64_t r = 0; r < rows; ++r) {
        const float* row = grad.row(r) + j;
        sum0 = hn::Add(sum0, hn::LoadU(d, row));
        sum1 = hn::Add(sum1, hn::LoadU(d, row + lanes));
        sum2 = hn::Add(sum2, hn::LoadU(d, row + 2 * lanes));
        sum3 = hn::Add(sum3, hn::LoadU(d, row + 3 * lanes));
    }
    float* to = sums + j;
    hn::StoreU(hn::Add(hn::LoadU(d, to), sum0), d, to);
    hn::StoreU(hn::Add(hn::LoadU(d, to + lanes), sum1), d, to + lanes);
    hn::StoreU(hn::Add(hn::LoadU(d, to + 2 * lanes), sum2), d, to + 2 * lanes);
    hn::StoreU(hn::Add(hn::LoadU(d, to + 3 * lanes), sum3), d, to + 3 * lanes);
}

void addColumnSumsImpl(ConstRows grad, std::int64_t rows, std::int64_t n, float* sums) {
    constexpr std::int64_t kRowsPerPartialSum = 128;
    const auto four = 4 * static_cast<std::int64_t>(hn::Lanes(Lanes()));
    for (std::int64_t r = 0; r < rows; r += kRowsPerPartialSum) {
        const ConstRows part = grad.from(r);
        const std::int64_t count = std::min(kRowsPerPartialSum, rows - r);
        std::int64_t j = 0;
        for (; j + four <= n; j += four) {
            addFourColumnVectors(part, count, j, sums);
        }
        forColumns(n - j, [&](auto access, std::int64_t rest)
                              HWY_ATTR { addOneColumnVector(access, part, count, j + rest, sums); });
    }
}

void gruForwardImpl(const float* bias, std::int64_t rows, std::int64_t hidden, ConstRows hPrev, Rows gates, Rows h) {
    for (std::int64_t row = 0; row < rows; ++row) {
        float* gate = gates.row(row);
        const float* before = hPrev.row(row);
        float* after = h.row(row);
        // Reset and update first: with the candidate in the same loop, its wait for the reset gate would show.
        forColumns(2 * hidden, [&](auto access, std::int64_t j) HWY_ATTR {
            access.store(sigmoid(hn::Add(access.load(gate + j), access.load(bias + j))), gate + j);
        });
        forColumns(hidden, [&](auto access, std::int64_t j) HWY_ATTR {
            const auto biased = [&](std::int64_t block) HWY_ATTR {
                const std::int64_t at = block * hidden + j;
                return hn::Add(access.load(gate + at), access.load(bias + at));
            };
            const Vector r = access.load(gate + j);
            const Vector z = access.load(gate + hidden + j);
            const Vector c = biased(3);
            const Vector n = hn::Tanh(Lanes(), hn::MulAdd(r, c, biased(2)));
            access.store(n, gate + 2 * hidden + j);
            access.store(c, gate + 3 * hidden + j);
            access.store(hn::MulAdd(z, hn::Sub(access.load(before + j), n), n), after + j);
        });
    }
}

void gruBackwardImpl(ConstRows gates, ConstRows hPrev, std::int64_t rows, std::int64_t hidden, Rows dh, Rows dGates) {
    for (std::int64_t row = 0; row < rows; ++row) {
        const float* gate = gates.row(row);
        const float* before = hPrev.row(row);
        float* grad = dh.row(row);
        float* out = dGates.row(row);
        forColumns(hidden, [&](auto access, std::int64_t j) HWY_ATTR {
            const Vector one = hn::Set(Lanes(), 1.0F);
            const Vector r = access.load(gate + j);
            const Vector z = access.load(gate + hidden + j);
            const Vector n = access.load(gate + 2 * hidden + j);
            const Vector c = access.load(gate + 3 * hidden + j);
            const Vector g = access.load(grad + j);
            const Vector notZ = hn::Sub(one, z);
            const Vector direct = hn::Mul(g, z);
            const Vector dn = hn::Mul(hn::Mul(g, notZ), hn::NegMulAdd(n, n, one));
            const Vector dc = hn::Mul(dn, r);
            access.store(hn::Mul(hn::Mul(dc, c), hn::Sub(one, r)), out + j);
            access.store(hn::Mul(hn::Mul(direct, notZ), hn::Sub(access.load(before + j), n)), out + hidden + j);
            access.store(dn, out + 2 * hidden + j);
            access.store(dc, out + 3 * hidden + j);
            access.store(direct, grad + j);
        });
    }
}

void qmixForwardImpl(const QmixShape& shape, const QmixInputs& inputs, Rows hidden, float* qTot) {
    for (std::int64_t row = 0; row < shape.rows; ++row) {
        const float* q = inputs.q.row(row);
        const float* w1 = inputs.w1.row(row);
        const float* b1 = inputs.b1.row(row);
        const float* w2 = inputs.w2.row(row);
        float* mixed = hidden.row(row);
        Vector total = hn::Zero(Lanes());
        forColumns(shape.embed, [&](auto access, std::int64_t e) HWY_ATTR {
            Vector sum = access.load(b1 + e);
            for (std::int64_t agent = 0; agent < shape.agents; ++agent) {
                const Vector weight = hn::Abs(access.load(w1 + agent * shape.embed + e));
                sum = hn::MulAdd(hn::Set(Lanes(), q[agent]), weight, sum);
            }
            const Vector activation = elu(sum);
            access.store(activation, mixed + e);
            total = hn::MulAdd(activation, hn::Abs(access.load(w2 + e)), total);
        });
        qTot[row] = hn::GetLane(hn::SumOfLanes(Lanes(), total)) + *inputs.v.row(row);
    }
}

// Gradients that need only what is behind the activation: w2, b1 (which is that of the mixing sum) and v.
HWY_INLINE void qmixOuterGradients(const QmixShape& shape, const QmixInputs& inputs, ConstRows hidden, float dQTot,
                                   std::int64_t row, const QmixGradients& gradients) {
    const Lanes d;
    const Vector grad = hn::Set(d, dQTot);
    const float* w2 = inputs.w2.row(row);
    const float* mixed = hidden.row(row);
    float* dW2 = gradients.w2.row(row);
    float* dSum = gradients.b1.row(row);
    forColumns(shape.embed, [&](auto access, std::int64_t e) HWY_ATTR {
        const Vector weight = access.load(w2 + e);
        const Vector activation = access.load(mixed + e);
        // elu'(x) = exp(x) = elu(x) + 1 for x <= 0. Min in this order keeps NaN on x86.
        const Vector slope = hn::Add(hn::Min(hn::Zero(d), activation), hn::Set(d, 1.0F));
        access.store(timesSign(hn::Mul(grad, activation), weight), dW2 + e);
        access.store(hn::Mul(hn::Mul(grad, hn::Abs(weight)), slope), dSum + e);
    });
    *gradients.v.row(row) = dQTot;
}

void qmixBackwardImpl(const QmixShape& shape, const QmixInputs& inputs, ConstRows hidden, const float* dQTot,
                      const QmixGradients& gradients) {
    for (std::int64_t row = 0; row < shape.rows; ++row) {
        qmixOuterGradients(shape, inputs, hidden, dQTot[row], row, gradients);
        const float* q = inputs.q.row(row);
        const float* dSum = gradients.b1.row(row);
        for (std::int64_t agent = 0; agent < shape.agents; ++agent) {
            const float* w1 = inputs.w1.row(row) + agent * shape.embed;
            float* dW1 = gradients.w1.row(row) + agent * shape.embed;
            const Vector value = hn::Set(Lanes(), q[agent]);
            Vector total = hn::Zero(Lanes());
            forColumns(shape.embed, [&](auto access, std::int64_t e) HWY_ATTR {
                const Vector weight = access.load(w1 + e);
                const Vector grad = access.load(dSum + e);
                total = hn::MulAdd(grad, hn::Abs(weight), total);
                access.store(timesSign(hn::Mul(grad, value), weight), dW1 + e);
            });
            gradients.q.row(row)[agent] = hn::GetLane(hn::SumOfLanes(Lanes(), total));
        }
    }
}

} // namespace
} // namespace knife::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace knife {

HWY_EXPORT(biasReluImpl);
HWY_EXPORT(reluBackwardImpl);
HWY_EXPORT(addColumnSumsImpl);
HWY_EXPORT(gruForwardImpl);
HWY_EXPORT(gruBackwardImpl);
HWY_EXPORT(qmixForwardImpl);
HWY_EXPORT(qmixBackwardImpl);

void fillRows(const float* bias, std::int64_t rows, std::int64_t n, Rows out) {
    for (std::int64_t r = 0; r < rows; ++r) {
        std::copy_n(bias, n, out.row(r));
    }
}

void biasRelu(const float* bias, std::int64_t rows, std::int64_t n, Rows x) {
    HWY_DYNAMIC_DISPATCH(biasReluImpl)(bias, rows, n, x);
}

void reluBackward(ConstRows activation, std::int64_t rows, std::int64_t n, Rows grad) {
    HWY_DYNAMIC_DISPATCH(reluBackwardImpl)(activation, rows, n, grad);
}

void addColumnSums(ConstRows grad, std::int64_t rows, std::int64_t n, float* sums) {
    HWY_DYNAMIC_DISPATCH(addColumnSumsImpl)(grad, rows, n, sums);
}

void gruForward(const float* bias, std::int64_t rows, std::int64_t hidden, ConstRows hPrev, Rows gates, Rows h) {
    HWY_DYNAMIC_DISPATCH(gruForwardImpl)(bias, rows, hidden, hPrev, gates, h);
}

void gruBackward(ConstRows gates, ConstRows hPrev, std::int64_t rows, std::int64_t hidden, Rows dh, Rows dGates) {
    HWY_DYNAMIC_DISPATCH(gruBackwardImpl)(gates, hPrev, rows, hidden, dh, dGates);
}

void qmixForward(const QmixShape& shape, const QmixInputs& inputs, Rows hidden, float* qTot) {
    HWY_DYNAMIC_DISPATCH(qmixForwardImpl)(shape, inputs, hidden, qTot);
}

void qmixBackward(const QmixShape& shape, const QmixInputs& inputs, ConstRows hidden, const float* dQTot,
                  const QmixGradients& gradients) {
    HWY_DYNAMIC_DISPATCH(qmixBackwardImpl)(shape, inputs, hidden, dQTot, gradients);
}

} // namespace knife

#endif
