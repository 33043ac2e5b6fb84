// SPDX-License-Identifier: GPL-3.0-or-later
// Where things are in a workspace folder.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "core/types/error.h"
#include "core/types/ids.h"

namespace knife {

[[nodiscard]] std::filesystem::path databaseFile(const std::filesystem::path& workspace);
[[nodiscard]] std::filesystem::path blobFolder(const std::filesystem::path& workspace);
[[nodiscard]] std::filesystem::path lockFolder(const std::filesystem::path& workspace);
[[nodiscard]] std::filesystem::path runLockFile(const std::filesystem::path& workspace, const RunId& run);

/// "process 4711 on host (boot …)": what stands in a lock file.
[[nodiscard]] std::string describeThisProcess();
[[nodiscard]] std::string hostName();
/// Unix time in milliseconds.
[[nodiscard]] std::int64_t nowMs();

/// Makes the content of `file` survive a power cut.
[[nodiscard]] Result<void> syncFile(const std::filesystem::path& file);
/// Makes a rename or a new name in `folder` survive a power cut.
[[nodiscard]] Result<void> syncFolder(const std::filesystem::path& folder);

} // namespace knife
