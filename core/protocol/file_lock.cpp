// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/protocol/file_lock.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <system_error>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace knife {
namespace {

// isHeld() of another process holds a shared lock for some microseconds; that must not look like a second writer.
constexpr int kAttempts = 20;
constexpr auto kPause = std::chrono::milliseconds(10);

Error systemError(const std::filesystem::path& file, int number) {
    const ErrorCode code =
        number == ENOSPC || number == EDQUOT || number == EFBIG ? ErrorCode::DiskFull : ErrorCode::Io;
    return Error{code, fmt::format("cannot lock {}: {}", file.string(), std::generic_category().message(number)), {}};
}

std::string readOwner(int descriptor) {
    std::array<char, 256> text{};
    const ssize_t length = pread(descriptor, text.data(), text.size(), 0);
    std::string owner(text.data(), length > 0 ? static_cast<std::size_t>(length) : 0);
    while (!owner.empty() && owner.back() == '\n') {
        owner.pop_back();
    }
    return owner.empty() ? "another process" : owner;
}

/// The previous holder removes the file before it lets go, so the lock may be on a file that no path leads to any more.
bool isStillAt(int descriptor, const std::filesystem::path& file) {
    struct stat held {};
    struct stat named {};
    return fstat(descriptor, &held) == 0 && stat(file.c_str(), &named) == 0 && held.st_dev == named.st_dev &&
           held.st_ino == named.st_ino;
}

} // namespace

FileLock::FileLock(int descriptor, std::filesystem::path file) : m_descriptor(descriptor), m_file(std::move(file)) {}

FileLock::FileLock(FileLock&& other) noexcept
    : m_descriptor(std::exchange(other.m_descriptor, -1)), m_file(std::move(other.m_file)) {}

FileLock& FileLock::operator=(FileLock&& other) noexcept {
    if (this != &other) {
        release();
        m_descriptor = std::exchange(other.m_descriptor, -1);
        m_file = std::move(other.m_file);
    }
    return *this;
}

FileLock::~FileLock() {
    release();
}

void FileLock::release() {
    if (m_descriptor >= 0) {
        unlink(m_file.c_str());
        close(m_descriptor);
        m_descriptor = -1;
    }
}

Result<FileLock> FileLock::take(const std::filesystem::path& file, std::string_view owner) {
    std::string holder;
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
        const int descriptor = open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
        if (descriptor < 0) {
            return tl::unexpected(systemError(file, errno));
        }
        if (flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
            const int number = errno;
            holder = readOwner(descriptor);
            close(descriptor);
            if (number != EWOULDBLOCK && number != EINTR) {
                return tl::unexpected(systemError(file, number));
            }
            std::this_thread::sleep_for(kPause);
            continue;
        }
        if (!isStillAt(descriptor, file)) {
            close(descriptor);
            continue;
        }
        if (ftruncate(descriptor, 0) != 0 ||
            pwrite(descriptor, owner.data(), owner.size(), 0) != static_cast<ssize_t>(owner.size())) {
            const int number = errno;
            close(descriptor);
            return tl::unexpected(systemError(file, number));
        }
        return FileLock(descriptor, file);
    }
    return fail(ErrorCode::Locked, fmt::format("{} is held by {}", file.string(), holder));
}

Result<bool> FileLock::isHeld(const std::filesystem::path& file) {
    const int descriptor = open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (descriptor < 0) {
        return errno == ENOENT ? Result<bool>(false) : tl::unexpected(systemError(file, errno));
    }
    const int number = flock(descriptor, LOCK_SH | LOCK_NB) != 0 ? errno : 0;
    close(descriptor);
    if (number != 0 && number != EWOULDBLOCK) {
        return tl::unexpected(systemError(file, number));
    }
    return number == EWOULDBLOCK;
}

} // namespace knife
