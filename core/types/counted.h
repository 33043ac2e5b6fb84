// SPDX-License-Identifier: GPL-3.0-or-later
// Numbers of things, for people: "1 site", "3 sites".
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace knife {

/// `many`: where it is not `one` with an "s".
[[nodiscard]] inline std::string counted(std::size_t count, std::string_view one, std::string_view many = {}) {
    std::string text = std::to_string(count) + ' ';
    if (count == 1 || many.empty()) {
        text.append(one).append(count == 1 ? "" : "s");
    } else {
        text.append(many);
    }
    return text;
}

} // namespace knife
