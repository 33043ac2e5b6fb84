// SPDX-License-Identifier: GPL-3.0-or-later
// Options that are whole numbers: "10000" and "1e4" are, "1.5", "-1", "many" and "1e30" get one clear answer. CLI11's
// own conversion wraps negative numbers for unsigned types and says nothing of the range.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>

namespace knife {

struct IntegerBounds {
    std::int64_t low = 0;
    std::int64_t high = std::numeric_limits<std::int64_t>::max();
};

/// Adds `name` to `command`; `value` is empty unless the option is given.
void addIntegerOption(CLI::App& command, const std::string& name, std::optional<std::int64_t>& value,
                      IntegerBounds bounds, const std::string& help);

} // namespace knife
