// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/nets/kernels/parameter_steps.h"

#include <algorithm>

// This file is compiled once for every instruction set: the first pass includes it again for each of them.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/nets/kernels/parameter_steps.cpp"
#include <hwy/foreach_target.h>

#include <hwy/highway.h>

#include "core/nets/kernels/vector_loop-inl.h"

HWY_BEFORE_NAMESPACE();
namespace knife::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using Lanes = hn::ScalableTag<float>;

double sumOfSquaresImpl(const float* values, std::int64_t count) {
    const hn::ScalableTag<double> wide;
    const hn::Rebind<float, decltype(wide)> narrow;
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(wide));
    auto even = hn::Zero(wide);
    auto odd = hn::Zero(wide);
    std::int64_t i = 0;
    for (; i + 2 * lanes <= count; i += 2 * lanes) {
        const auto a = hn::PromoteTo(wide, hn::LoadU(narrow, values + i));
        const auto b = hn::PromoteTo(wide, hn::LoadU(narrow, values + i + lanes));
        even = hn::MulAdd(a, a, even);
        odd = hn::MulAdd(b, b, odd);
    }
    double sum = hn::GetLane(hn::SumOfLanes(wide, hn::Add(even, odd)));
    for (; i < count; ++i) {
        sum += static_cast<double>(values[i]) * static_cast<double>(values[i]);
    }
    return sum;
}

void scaleImpl(float factor, float* values, std::int64_t count) {
    const Lanes d;
    forVectors(count, {values}, {values}, [&](float* const* out, const float* const* in) HWY_ATTR {
        hn::StoreU(hn::Mul(hn::LoadU(d, in[0]), hn::Set(d, factor)), d, out[0]);
    });
}

void keepWhereImpl(const float* mask, float* values, std::int64_t count) {
    const Lanes d;
    forVectors(count, {values}, {mask}, [&](float* const* out, const float* const* in) HWY_ATTR {
        const auto keep = hn::Ne(hn::LoadU(d, in[0]), hn::Zero(d));
        hn::StoreU(hn::IfThenElseZero(keep, hn::LoadU(d, out[0])), d, out[0]);
    });
}

void rmspropStepImpl(const StepArrays& arrays, const RmspropRates& rates) {
    const Lanes d;
    const auto alpha = hn::Set(d, rates.alpha);
    const auto share = hn::Set(d, 1.F - rates.alpha);
    const auto epsilon = hn::Set(d, rates.epsilon);
    const auto lr = hn::Set(d, rates.lr);
    forVectors(arrays.count, {arrays.theta, arrays.moment2}, {arrays.gradient},
               [&](float* const* out, const float* const* in) HWY_ATTR {
                   const auto g = hn::LoadU(d, in[0]);
                   const auto v = hn::MulAdd(alpha, hn::LoadU(d, out[1]), hn::Mul(share, hn::Mul(g, g)));
                   const auto step = hn::Div(hn::Mul(lr, g), hn::Add(hn::Sqrt(v), epsilon));
                   hn::StoreU(v, d, out[1]);
                   hn::StoreU(hn::Sub(hn::LoadU(d, out[0]), step), d, out[0]);
               });
}

void adamStepImpl(const StepArrays& arrays, const AdamStepRates& rates) {
    const Lanes d;
    const auto beta1 = hn::Set(d, rates.beta1);
    const auto share1 = hn::Set(d, 1.F - rates.beta1);
    const auto beta2 = hn::Set(d, rates.beta2);
    const auto share2 = hn::Set(d, 1.F - rates.beta2);
    const auto correction1 = hn::Set(d, rates.correction1);
    const auto correction2 = hn::Set(d, rates.correction2);
    const auto epsilon = hn::Set(d, rates.epsilon);
    const auto lr = hn::Set(d, rates.lr);
    forVectors(arrays.count, {arrays.theta, arrays.moment1, arrays.moment2}, {arrays.gradient},
               [&](float* const* out, const float* const* in) HWY_ATTR {
                   const auto g = hn::LoadU(d, in[0]);
                   const auto m = hn::MulAdd(beta1, hn::LoadU(d, out[1]), hn::Mul(share1, g));
                   const auto v = hn::MulAdd(beta2, hn::LoadU(d, out[2]), hn::Mul(share2, hn::Mul(g, g)));
                   const auto root = hn::Add(hn::Sqrt(hn::Div(v, correction2)), epsilon);
                   const auto step = hn::Div(hn::Mul(lr, hn::Div(m, correction1)), root);
                   hn::StoreU(m, d, out[1]);
                   hn::StoreU(v, d, out[2]);
                   hn::StoreU(hn::Sub(hn::LoadU(d, out[0]), step), d, out[0]);
               });
}

} // namespace
} // namespace knife::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace knife {

HWY_EXPORT(sumOfSquaresImpl);
HWY_EXPORT(scaleImpl);
HWY_EXPORT(keepWhereImpl);
HWY_EXPORT(rmspropStepImpl);
HWY_EXPORT(adamStepImpl);

double sumOfSquares(const float* values, std::int64_t count) {
    return HWY_DYNAMIC_DISPATCH(sumOfSquaresImpl)(values, count);
}

void scale(float factor, float* values, std::int64_t count) {
    HWY_DYNAMIC_DISPATCH(scaleImpl)(factor, values, count);
}

void keepWhere(const float* mask, float* values, std::int64_t count) {
    HWY_DYNAMIC_DISPATCH(keepWhereImpl)(mask, values, count);
}

void rmspropStep(const StepArrays& arrays, const RmspropRates& rates) {
    HWY_DYNAMIC_DISPATCH(rmspropStepImpl)(arrays, rates);
}

void adamStep(const StepArrays& arrays, const AdamStepRates& rates) {
    HWY_DYNAMIC_DISPATCH(adamStepImpl)(arrays, rates);
}

} // namespace knife
#endif
