// SPDX-License-Identifier: GPL-3.0-or-later
// The tables, as numbered migrations, and the checks that need no SQLite connection.
#pragma once

#include <filesystem>
#include <span>

#include <SQLiteCpp/Database.h>

#include "core/types/error.h"

namespace knife {

/// Stands in the header of every workspace file: "KNFW".
inline constexpr std::int32_t kApplicationId = 0x4B4E4657;

/// Migration i (from 0) leads from version i to version i + 1.
[[nodiscard]] std::span<const char* const> migrations();

/// Schema version of a workspace, from the first bytes of its file alone. Errors: NotFound, Foreign, NewerVersion,
/// Corrupt, Io.
[[nodiscard]] Result<int> readSchemaVersion(const std::filesystem::path& workspace);

/// Brings an open database to the version that `steps` leads to, in one transaction: all or nothing. A database that
/// holds something is first copied to "<file>.v<version>.backup".
[[nodiscard]] Result<void> migrate(SQLite::Database& connection, const std::filesystem::path& file,
                                   std::span<const char* const> steps);

} // namespace knife
