// SPDX-License-Identifier: GPL-3.0-or-later
// "--set a.b[0].c=value" on the raw tree, before anybody reads it: so an unknown key gets the same answer as in a file.
#pragma once

#include <string>
#include <string_view>

#include "core/config/section_node.h"

namespace knife::detail {

/// `root` with one override laid on top. The value is TOML; a bare word that is not is taken as text. Missing tables on
/// the way are made; an index one past the end of a list of tables adds a table. A table whose `method` changes loses
/// the keys that the file gave it for its own method. Errors are ErrorCode::Usage and name
/// the override.
[[nodiscard]] Result<Table> withOverride(const Table& root, std::string_view assignment);

} // namespace knife::detail
