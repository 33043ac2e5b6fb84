// SPDX-License-Identifier: GPL-3.0-or-later
// A workspace is a folder: workspace.sqlite (WAL, STRICT tables, numbered migrations), blobs/ (content-addressed, zstd)
// and locks/ (one advisory lock per run, held by its writer for as long as it lives).
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "core/types/error.h"
#include "core/types/ids.h"

namespace knife {

/// The schema this program writes. Older files are migrated after a backup; newer ones are refused untouched.
inline constexpr int kSchemaVersion = 3;

/// A fresh identity for a run, from the operating system's entropy.
[[nodiscard]] RunId makeRunId();

/// The user's default workspace: $XDG_DATA_HOME/knife-workbench/workspace.
[[nodiscard]] std::filesystem::path defaultWorkspacePath();

/// Makes sure that `folder` holds a workspace of the current version, creating or migrating it as needed. Errors:
/// Foreign (not ours; untouched), NewerVersion (untouched), Corrupt, Io, DiskFull.
[[nodiscard]] Result<void> prepareWorkspace(const std::filesystem::path& folder);

/// Version strings and integrity of a workspace for `doctor`; opens read-only.
struct WorkspaceHealth {
    int schemaVersion = 0;
    std::int64_t runs = 0;
    std::int64_t databaseBytes = 0;
    std::int64_t blobBytes = 0;
    std::vector<std::string> problems; ///< empty: sound
};
[[nodiscard]] Result<WorkspaceHealth> inspectWorkspace(const std::filesystem::path& folder);

/// Names and versions of the libraries that the store runs on, as loaded.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> storeLibraryVersions();

} // namespace knife
