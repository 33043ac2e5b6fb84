// SPDX-License-Identifier: GPL-3.0-or-later
// What interventions have gathered about units, as bytes for checkpoints.
#pragma once

#include <cstddef>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace knife {

/// Tables of fixed lengths, one after another.
[[nodiscard]] inline std::string packTables(const std::vector<std::span<const double>>& tables) {
    std::string bytes;
    for (const std::span<const double> table : tables) {
        bytes.append(reinterpret_cast<const char*>(table.data()), table.size_bytes());
    }
    return bytes;
}

/// False, with the tables left alone, when the bytes are those of another total length.
[[nodiscard]] inline bool unpackTables(std::string_view bytes, const std::vector<std::span<double>>& tables) {
    std::size_t expected = 0;
    for (const std::span<double> table : tables) {
        expected += table.size_bytes();
    }
    if (bytes.size() != expected) {
        return false;
    }
    for (const std::span<double> table : tables) {
        std::memcpy(table.data(), bytes.data(), table.size_bytes());
        bytes.remove_prefix(table.size_bytes());
    }
    return true;
}

} // namespace knife
