// SPDX-License-Identifier: GPL-3.0-or-later
// What interventions have gathered about units, as bytes for checkpoints.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <iterator>
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

/// The tables of one state after another; `tablesOf` gives those of one, as an array of spans.
template <typename State, typename TablesOf>
[[nodiscard]] std::string saveStates(const std::vector<State>& states, TablesOf tablesOf) {
    std::vector<std::span<const double>> tables;
    for (const State& state : states) {
        std::ranges::copy(tablesOf(state), std::back_inserter(tables));
    }
    return packTables(tables);
}

template <typename State, typename TablesOf>
[[nodiscard]] bool restoreStates(std::string_view saved, std::vector<State>& states, TablesOf tablesOf) {
    std::vector<std::span<double>> tables;
    for (State& state : states) {
        std::ranges::copy(tablesOf(state), std::back_inserter(tables));
    }
    return unpackTables(saved, tables);
}

} // namespace knife
