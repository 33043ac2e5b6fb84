// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/nets/kernels/utility_steps.h"

#include <algorithm>

// This file is compiled once for every instruction set: the first pass includes it again for each of them.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/nets/kernels/utility_steps.cpp"
#include <hwy/foreach_target.h>

#include <hwy/highway.h>

#include <hwy/contrib/math/math-inl.h>

#include "core/nets/kernels/vector_loop-inl.h"

HWY_BEFORE_NAMESPACE();
namespace knife::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using Lanes = hn::ScalableTag<float>;
using Words = hn::ScalableTag<std::uint32_t>;
using Wide = hn::ScalableTag<std::uint64_t>;
using WideVector = hn::Vec<Wide>;

// Four words of one counter in each 64-bit lane, after ten rounds of Salmon et al. 2011.
struct PhiloxWords {
    WideVector word[4];
};

HWY_INLINE PhiloxWords philox(WideVector counter, std::uint32_t key0, std::uint32_t key1) {
    const Wide d;
    const Words narrow;
    const auto low = hn::Set(d, 0xffffffffULL);
    const auto multiplier0 = hn::Set(narrow, 0xd2511f53U);
    const auto multiplier1 = hn::Set(narrow, 0xcd9e8d57U);
    WideVector a = hn::And(counter, low);
    WideVector b = hn::ShiftRight<32>(counter);
    WideVector c = hn::Zero(d);
    WideVector e = hn::Zero(d);
    for (int round = 0; round < 10; ++round) {
        const auto product0 = hn::MulEven(hn::BitCast(narrow, a), multiplier0);
        const auto product1 = hn::MulEven(hn::BitCast(narrow, c), multiplier1);
        a = hn::Xor(hn::Xor(hn::ShiftRight<32>(product1), b), hn::Set(d, std::uint64_t{key0}));
        b = hn::And(product1, low);
        c = hn::Xor(hn::Xor(hn::ShiftRight<32>(product0), e), hn::Set(d, std::uint64_t{key1}));
        e = hn::And(product0, low);
        key0 += 0x9e3779b9U;
        key1 += 0xbb67ae85U;
    }
    return {{a, b, c, e}};
}

// Multiples of 2^-24 in [0, 1).
HWY_INLINE hn::Vec<Lanes> unit(hn::Vec<Words> bits) {
    const Lanes d;
    const hn::RebindToSigned<Lanes> whole;
    return hn::Mul(hn::ConvertTo(d, hn::BitCast(whole, hn::ShiftRight<8>(bits))), hn::Set(d, 0x1p-24F));
}

void fillNormalImpl(std::uint32_t key0, std::uint32_t key1, std::uint64_t first, float* out, std::int64_t count) {
    const Lanes d;
    const Words narrow;
    const Wide wide;
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
    const auto counters = static_cast<std::uint64_t>(hn::Lanes(wide));
    HWY_ALIGN float rest[2 * hn::MaxLanes(Lanes())];
    for (std::int64_t i = 0; i < count; i += 2 * lanes, first += counters) {
        const PhiloxWords words = philox(hn::Iota(wide, first), key0, key1);
        const auto radii = hn::Or(words.word[0], hn::ShiftLeft<32>(words.word[1]));
        const auto angles = hn::Or(words.word[2], hn::ShiftLeft<32>(words.word[3]));
        const auto u = hn::Add(unit(hn::BitCast(narrow, radii)), hn::Set(d, 0x1p-25F)); // never 0
        const auto radius = hn::Sqrt(hn::Mul(hn::Set(d, -2.F), hn::Log(d, u)));
        const auto angle = hn::Mul(unit(hn::BitCast(narrow, angles)), hn::Set(d, 6.28318530717958647692F));
        const auto even = hn::Mul(radius, hn::Cos(d, angle));
        const auto odd = hn::Mul(radius, hn::Sin(d, angle));
        if (i + 2 * lanes <= count) {
            hn::StoreInterleaved2(even, odd, d, out + i);
        } else {
            hn::StoreInterleaved2(even, odd, d, rest);
            std::copy_n(rest, count - i, out + i);
        }
    }
}

float gatherUtilityImpl(const UtilityArrays& arrays, float beta) {
    const Lanes d;
    auto largest = hn::Zero(d);
    const auto keep = hn::Set(d, beta);
    const auto share = hn::Set(d, beta - 1.F);
    forVectors(arrays.count, {arrays.utility}, {arrays.gradient, arrays.before, arrays.mask},
               [&](float* const* out, const float* const* in) HWY_ATTR {
                   const auto product = hn::Mul(hn::LoadU(d, in[0]), hn::LoadU(d, in[1]));
                   const auto mean = hn::MulAdd(keep, hn::LoadU(d, out[0]), hn::Mul(share, product));
                   const auto counts = hn::Ne(hn::LoadU(d, in[2]), hn::Zero(d));
                   const auto utility = hn::IfThenElseZero(counts, mean);
                   hn::StoreU(utility, d, out[0]);
                   largest = hn::Max(largest, utility);
               });
    return hn::GetLane(hn::MaxOfLanes(d, largest));
}

void gatedStepImpl(const UtilityArrays& arrays, const UtilityRates& rates) {
    const Lanes d;
    const auto one = hn::Set(d, 1.F);
    const auto utilityScale = hn::Set(d, rates.utilityScale);
    const auto stepFactor = hn::Set(d, rates.stepFactor);
    const auto noiseFactor = hn::Set(d, rates.noiseFactor);
    const auto keep = hn::Set(d, rates.keep);
    forVectors(arrays.count, {arrays.theta}, {arrays.before, arrays.mask, arrays.noise, arrays.utility},
               [&](float* const* out, const float* const* in) HWY_ATTR {
                   const auto theta = hn::LoadU(d, out[0]);
                   const auto before = hn::LoadU(d, in[0]);
                   // 1 - sigmoid(x) = 1 / (1 + e^x)
                   const auto x = hn::Mul(hn::LoadU(d, in[3]), utilityScale);
                   const auto gate = hn::Div(one, hn::Add(one, hn::Exp(d, x)));
                   const auto held = rates.protects ? gate : one;
                   const auto step = hn::Mul(hn::Mul(stepFactor, held), hn::Sub(theta, before));
                   const auto noise = hn::Mul(hn::Mul(noiseFactor, gate), hn::LoadU(d, in[2]));
                   const auto stepped = hn::Sub(hn::MulAdd(keep, before, step), noise);
                   const auto counts = hn::Ne(hn::LoadU(d, in[1]), hn::Zero(d));
                   hn::StoreU(hn::IfThenElse(counts, stepped, theta), d, out[0]);
               });
}

} // namespace
} // namespace knife::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace knife {

HWY_EXPORT(fillNormalImpl);
HWY_EXPORT(gatherUtilityImpl);
HWY_EXPORT(gatedStepImpl);

void fillNormal(const std::array<std::uint32_t, 2>& key, std::uint64_t firstCounter, float* out, std::int64_t count) {
    HWY_DYNAMIC_DISPATCH(fillNormalImpl)(key[0], key[1], firstCounter, out, count);
}

float gatherUtility(const UtilityArrays& arrays, float beta) {
    return HWY_DYNAMIC_DISPATCH(gatherUtilityImpl)(arrays, beta);
}

void gatedStep(const UtilityArrays& arrays, const UtilityRates& rates) {
    HWY_DYNAMIC_DISPATCH(gatedStepImpl)(arrays, rates);
}

} // namespace knife
#endif
