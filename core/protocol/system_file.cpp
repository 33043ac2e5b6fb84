// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/protocol/system_file.h"

#include <cerrno>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

namespace knife {

FileDescriptor::FileDescriptor(FileDescriptor&& other) noexcept : m_number(std::exchange(other.m_number, -1)) {}

FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept {
    std::swap(m_number, other.m_number);
    return *this;
}

FileDescriptor::~FileDescriptor() {
    if (m_number >= 0) {
        const int number = errno;
        close(m_number);
        errno = number;
    }
}

Error systemError(const char* what, const std::filesystem::path& file, int number) {
    // EFBIG: a limit on file sizes is a disk that is full for us.
    const bool full = number == ENOSPC || number == EDQUOT || number == EFBIG;
    return {full ? ErrorCode::DiskFull : ErrorCode::Io,
            fmt::format("cannot {} {}: {}", what, file.string(), std::generic_category().message(number)),
            {}};
}

} // namespace knife
