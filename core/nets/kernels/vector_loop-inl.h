// SPDX-License-Identifier: GPL-3.0-or-later
// A loop over arrays by whole vectors, compiled once for every instruction set.
#if defined(KNIFE_VECTOR_LOOP_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef KNIFE_VECTOR_LOOP_INL_H_
#undef KNIFE_VECTOR_LOOP_INL_H_
#else
#define KNIFE_VECTOR_LOOP_INL_H_
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace knife::HWY_NAMESPACE {

/// Calls body(out, in) for every whole vector of arrays of `count` floats, then once more on copies of what is left:
/// out[k] and in[k] are where the vector begins in written[k] and in read[k]. What is only read is never written.
template <std::size_t kWritten, std::size_t kRead, class Body>
HWY_INLINE void forVectors(std::int64_t count, float* const (&written)[kWritten], const float* const (&read)[kRead],
                           const Body& body) {
    namespace hn = hwy::HWY_NAMESPACE;
    using Lanes = hn::ScalableTag<float>;
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(Lanes()));
    float* out[kWritten];
    const float* in[kRead];
    std::int64_t i = 0;
    for (; i + lanes <= count; i += lanes) {
        for (std::size_t a = 0; a < kWritten; ++a) {
            out[a] = written[a] + i;
        }
        for (std::size_t a = 0; a < kRead; ++a) {
            in[a] = read[a] + i;
        }
        body(out, in);
    }
    if (i == count) {
        return;
    }
    HWY_ALIGN float rest[kWritten + kRead][hn::MaxLanes(Lanes())] = {};
    for (std::size_t a = 0; a < kWritten; ++a) {
        std::copy_n(written[a] + i, count - i, rest[a]);
        out[a] = rest[a];
    }
    for (std::size_t a = 0; a < kRead; ++a) {
        std::copy_n(read[a] + i, count - i, rest[kWritten + a]);
        in[a] = rest[kWritten + a];
    }
    body(out, in);
    for (std::size_t a = 0; a < kWritten; ++a) {
        std::copy_n(rest[a], count - i, written[a] + i);
    }
}

} // namespace knife::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
