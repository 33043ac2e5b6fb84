// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/ctl/output.h"

#include <algorithm>
#include <cstdio>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace knife {

void printError(const Error& error) {
    fmt::print(stderr, "knifectl: {}\n", error.describe());
}

void TextTable::print() const {
    std::vector<std::size_t> widths;
    for (std::size_t c = 0; c < m_columns.size(); ++c) {
        std::size_t width = fmt::formatted_size("{}", m_columns[c].title);
        for (const auto& row : m_rows) {
            width = std::max(width, row[c].size());
        }
        widths.push_back(width);
    }
    const auto printRow = [&](const auto& cellOf) {
        std::string line;
        for (std::size_t c = 0; c < m_columns.size(); ++c) {
            const std::string& cell = cellOf(c);
            line += m_columns[c].rightAligned ? fmt::format("{:>{}}", cell, widths[c])
                                              : fmt::format("{:<{}}", cell, widths[c]);
            line += "  ";
        }
        line.erase(line.find_last_not_of(' ') + 1);
        fmt::print("{}\n", line);
    };
    printRow([&](std::size_t c) -> const std::string& { return m_columns[c].title; });
    for (const auto& row : m_rows) {
        printRow([&](std::size_t c) -> const std::string& { return row[c]; });
    }
}

void printSummary(std::string_view json) {
    const auto summary = nlohmann::ordered_json::parse(json);
    const auto printItem = [](const std::string& key, const nlohmann::ordered_json& value) {
        fmt::print("{:<18} {}\n", key, value.is_string() ? value.get<std::string>() : value.dump());
    };
    for (const auto& [key, value] : summary.items()) {
        if (!value.is_object()) {
            printItem(key, value);
            continue;
        }
        for (const auto& [inner, innerValue] : value.items()) {
            printItem(key + "." + inner, innerValue);
        }
    }
}

} // namespace knife
