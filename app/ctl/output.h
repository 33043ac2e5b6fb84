// SPDX-License-Identifier: GPL-3.0-or-later
// What commands print: results on stdout, errors on stderr.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "core/types/error.h"

namespace knife {

/// One line on stderr: "knifectl: …".
void printError(const Error& error);
/// The same, for an action to end with: the exit code of the error. With `json` stdout gets it too, as
/// {"error": {"code", "message"}}.
[[nodiscard]] int failWith(const Error& error, bool json);

/// One line on stdout. Bytes that are not UTF-8 are replaced; NaN and infinities become null.
void printJson(const nlohmann::ordered_json& value);

// Numbers for people: an em dash for NaN.
[[nodiscard]] std::string formatNumber(double value);
[[nodiscard]] std::string formatPercent(double share);
/// "12 s", "3 min", "5 h", "2 d".
[[nodiscard]] std::string formatAge(std::int64_t milliseconds);
/// "2026-11-22 08:07:30", local time.
[[nodiscard]] std::string formatTime(std::int64_t unixMs);

/// A table with aligned columns; numbers are told from text by the caller through `rightAligned`.
class TextTable {
  public:
    struct Column {
        std::string title;
        bool rightAligned = false;
    };
    explicit TextTable(std::vector<Column> columns) : m_columns(std::move(columns)) {}
    void add(std::vector<std::string> row) { m_rows.push_back(std::move(row)); }
    void print() const;

  private:
    std::vector<Column> m_columns;
    std::vector<std::vector<std::string>> m_rows;
};

/// The summary of a finished run, one "key value" line each, nested objects as "outer.inner".
void printSummary(std::string_view json);

} // namespace knife
