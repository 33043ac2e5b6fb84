// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/store/layout.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <fstream>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

namespace knife {

std::filesystem::path databaseFile(const std::filesystem::path& workspace) {
    return workspace / "workspace.sqlite";
}
std::filesystem::path blobFolder(const std::filesystem::path& workspace) {
    return workspace / "blobs";
}
std::filesystem::path lockFolder(const std::filesystem::path& workspace) {
    return workspace / "locks";
}

std::filesystem::path runLockFile(const std::filesystem::path& workspace, const RunId& run) {
    return lockFolder(workspace) / (run.value + ".lock");
}

Error systemError(const char* what, const std::filesystem::path& file, int number) {
    // EFBIG: a limit on file sizes is a disk that is full for us.
    const bool full = number == ENOSPC || number == EDQUOT || number == EFBIG;
    return {full ? ErrorCode::DiskFull : ErrorCode::Io,
            fmt::format("cannot {} {}: {}", what, file.string(), std::generic_category().message(number)),
            {}};
}

std::string hostName() {
    std::array<char, 256> name{};
    return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "unknown";
}

std::string describeThisProcess() {
    // The boot id tells a process of today from one with the same number before a restart.
    std::string boot;
    std::getline(std::ifstream("/proc/sys/kernel/random/boot_id"), boot);
    return fmt::format("process {} on {} (boot {})\n", getpid(), hostName(), boot.empty() ? "unknown" : boot);
}

std::int64_t nowMs() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
        .count();
}

Result<void> syncFolder(const std::filesystem::path& folder) {
    const int descriptor = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) {
        return tl::unexpected(systemError("open", folder, errno));
    }
    const int outcome = fsync(descriptor);
    const int number = errno;
    close(descriptor);
    // Some network file systems cannot sync a folder and say so; then there is nothing better to do.
    if (outcome != 0 && number != EINVAL && number != ENOTSUP) {
        return tl::unexpected(systemError("sync", folder, number));
    }
    return {};
}

} // namespace knife
