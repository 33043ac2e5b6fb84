// SPDX-License-Identifier: GPL-3.0-or-later
// What commands print: results on stdout, errors on stderr.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/types/error.h"

namespace knife {

/// One line on stderr: "knifectl: …".
void printError(const Error& error);

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
