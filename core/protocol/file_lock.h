// SPDX-License-Identifier: GPL-3.0-or-later
// An advisory lock on a file (flock), held until the object or its process is gone, whichever is first. The file says
// who holds it, and disappears with a lock that was given back in good order.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>

#include "core/protocol/system_file.h"
#include "core/types/error.h"

namespace knife {

class FileLock {
  public:
    /// isHeld() of another process holds a shared lock for some microseconds; that must not look like a second writer.
    static constexpr std::chrono::milliseconds kMoment{200};

    /// Takes the lock, creating the file if need be, and writes `owner` into it. Waits up to `patience` for whoever
    /// holds it. ErrorCode::Locked names the owner that stands in the file; Io or DiskFull when the file cannot be
    /// written.
    [[nodiscard]] static Result<FileLock> take(const std::filesystem::path& file, std::string_view owner,
                                               std::chrono::milliseconds patience = kMoment);
    /// Whether a living process holds it. Modifies nothing; a missing file is a free lock. ErrorCode::Io when the file
    /// is there and cannot be asked: then nothing is known, least of all that the lock is free.
    [[nodiscard]] static Result<bool> isHeld(const std::filesystem::path& file);

    FileLock(FileLock&& other) noexcept = default;
    FileLock& operator=(FileLock&& other) noexcept;
    FileLock(const FileLock&) = delete;
    FileLock& operator=(const FileLock&) = delete;
    ~FileLock();

  private:
    FileLock(FileDescriptor descriptor, std::filesystem::path file);

    FileDescriptor m_descriptor;
    std::filesystem::path m_file;
};

} // namespace knife
