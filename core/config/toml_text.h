// SPDX-License-Identifier: GPL-3.0-or-later
// TOML text to tree and back. The only file of the room that sees the TOML library is toml_text.cpp.
#pragma once

#include <string>
#include <string_view>

#include "core/config/section_node.h"

namespace knife::detail {

/// The whole text as one table. Errors are ErrorCode::Usage with file:line:column: bad syntax, bytes that are not
/// UTF-8, dates (no experiment needs one).
[[nodiscard]] Result<Table> parseToml(std::string_view toml, std::string_view sourceName);

/// "key = value" lines in order; tables within are written inline.
[[nodiscard]] std::string tomlLines(const SectionNode& table);
/// One value, on one line.
[[nodiscard]] std::string tomlValue(const Value& value);

} // namespace knife::detail
