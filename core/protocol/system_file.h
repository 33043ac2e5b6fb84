// SPDX-License-Identifier: GPL-3.0-or-later
// Files as the operating system has them: owned descriptors, and its refusals put into words.
#pragma once

#include <filesystem>

#include "core/types/error.h"

namespace knife {

/// Owns a file descriptor; -1 is none.
class FileDescriptor {
  public:
    explicit FileDescriptor(int number) : m_number(number) {}
    FileDescriptor(FileDescriptor&& other) noexcept;
    FileDescriptor& operator=(FileDescriptor&& other) noexcept;
    FileDescriptor(const FileDescriptor&) = delete;
    FileDescriptor& operator=(const FileDescriptor&) = delete;
    ~FileDescriptor(); ///< leaves errno as it is

    [[nodiscard]] int get() const { return m_number; }
    [[nodiscard]] bool isOpen() const { return m_number >= 0; }

  private:
    int m_number;
};

/// ErrorCode::DiskFull when `number` (an errno) says so, otherwise Io: "cannot <what> <file>: <reason>".
[[nodiscard]] Error systemError(const char* what, const std::filesystem::path& file, int number);

} // namespace knife
