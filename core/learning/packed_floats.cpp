// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/learning/packed_floats.h"

#include <algorithm>
#include <bit>

namespace knife {

namespace {

bool fitsNarrow(float value) {
    if (!(value >= -128.F && value <= 127.F)) { // false for NaN too
        return false;
    }
    // Compared by bits, so that a negative zero stays one.
    return std::bit_cast<std::uint32_t>(static_cast<float>(static_cast<std::int8_t>(value))) ==
           std::bit_cast<std::uint32_t>(value);
}

} // namespace

PackedFloats::PackedFloats(std::span<const float> values) {
    if (std::ranges::all_of(values, fitsNarrow)) {
        m_narrow.resize(values.size());
        std::ranges::transform(values, m_narrow.begin(), [](float value) { return static_cast<std::int8_t>(value); });
    } else {
        m_wide.assign(values.begin(), values.end());
    }
}

void PackedFloats::copyTo(std::size_t first, std::span<float> out) const {
    if (m_narrow.empty()) {
        std::copy_n(m_wide.begin() + static_cast<std::ptrdiff_t>(first), out.size(), out.begin());
        return;
    }
    const std::int8_t* source = m_narrow.data() + first;
    for (std::size_t i = 0; i < out.size(); ++i) {
        out[i] = static_cast<float>(source[i]);
    }
}

} // namespace knife
