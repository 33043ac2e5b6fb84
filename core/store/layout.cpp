// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/store/layout.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <fstream>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "core/protocol/system_file.h"

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

Result<void> syncFile(const std::filesystem::path& file) {
    const FileDescriptor descriptor(open(file.c_str(), O_RDONLY | O_CLOEXEC));
    if (!descriptor.isOpen() || fsync(descriptor.get()) != 0) {
        return tl::unexpected(systemError("write", file, errno));
    }
    return {};
}

Result<void> syncFolder(const std::filesystem::path& folder) {
    const FileDescriptor descriptor(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!descriptor.isOpen()) {
        return tl::unexpected(systemError("open", folder, errno));
    }
    // Some network file systems cannot sync a folder and say so; then there is nothing better to do.
    if (fsync(descriptor.get()) != 0 && errno != EINVAL && errno != ENOTSUP) {
        return tl::unexpected(systemError("sync", folder, errno));
    }
    return {};
}

} // namespace knife
