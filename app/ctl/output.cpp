// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/ctl/output.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ctime>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace knife {

namespace {

/// Characters, not bytes: names may be in any language.
std::size_t widthOf(const std::string& text) {
    return static_cast<std::size_t>(std::ranges::count_if(text, [](char byte) { return (byte & 0xC0) != 0x80; }));
}

std::string padded(const std::string& text, std::size_t width, bool rightAligned) {
    const std::string space(width - widthOf(text), ' ');
    return rightAligned ? space + text : text + space;
}

} // namespace

void printError(const Error& error) {
    std::fputs(fmt::format("knifectl: {}\n", error.describe()).c_str(), stderr); // a lost stderr must not throw
}

int failWith(const Error& error, bool json) {
    printError(error);
    if (json) {
        printJson({{"error", {{"code", toString(error.code)}, {"message", error.describe()}}}});
    }
    return exitCode(error);
}

void printJson(const nlohmann::ordered_json& value) {
    fmt::print("{}\n", value.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

std::string formatNumber(double value) {
    return std::isnan(value) ? "—" : fmt::format("{:.5g}", value + 0.0); // + 0.0: no "-0"
}

std::string formatPercent(double share) {
    return std::isnan(share) ? "—" : fmt::format("{:.0f} %", 100.0 * share);
}

std::string formatAge(std::int64_t milliseconds) {
    constexpr std::int64_t kMinute = 60;
    constexpr std::int64_t kHour = 60 * kMinute;
    constexpr std::int64_t kDay = 24 * kHour;
    const std::int64_t seconds = std::max<std::int64_t>(milliseconds / 1000, 0);
    if (seconds < kMinute) {
        return fmt::format("{} s", seconds);
    }
    if (seconds < kHour) {
        return fmt::format("{} min", seconds / kMinute);
    }
    return seconds < 2 * kDay ? fmt::format("{} h", seconds / kHour) : fmt::format("{} d", seconds / kDay);
}

std::string formatTime(std::int64_t unixMs) {
    const std::time_t seconds = unixMs / 1000;
    std::tm local{};
    localtime_r(&seconds, &local);
    return fmt::format("{:%Y-%m-%d %H:%M:%S}", local);
}

void TextTable::print() const {
    std::vector<std::size_t> widths;
    for (std::size_t c = 0; c < m_columns.size(); ++c) {
        std::size_t width = widthOf(m_columns[c].title);
        for (const auto& row : m_rows) {
            width = std::max(width, widthOf(row[c]));
        }
        widths.push_back(width);
    }
    const auto printRow = [&](const auto& cellOf) {
        std::string line;
        for (std::size_t c = 0; c < m_columns.size(); ++c) {
            line += padded(cellOf(c), widths[c], m_columns[c].rightAligned) + "  ";
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
