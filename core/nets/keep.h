// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

namespace knife {

/// What a forward pass has to remember.
enum class Keep : std::uint8_t {
    Nothing,  ///< values only
    Gradient, ///< what the backward pass needs
};

} // namespace knife
