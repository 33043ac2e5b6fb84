// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <vector>

namespace knife {

/// Makes room for `size` elements; a buffer that is reused from pass to pass never shrinks.
inline void grow(std::vector<float>& buffer, std::int64_t size) {
    if (buffer.size() < static_cast<std::size_t>(size)) {
        buffer.resize(static_cast<std::size_t>(size));
    }
}

} // namespace knife
