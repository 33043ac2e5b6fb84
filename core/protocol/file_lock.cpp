// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/protocol/file_lock.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace knife {
namespace {

constexpr auto kPause = std::chrono::milliseconds(10);
constexpr const char* kSomebody = "another process";

std::string readOwner(int descriptor) {
    std::array<char, 256> text{};
    const ssize_t length = pread(descriptor, text.data(), text.size(), 0);
    std::string owner(text.data(), length > 0 ? static_cast<std::size_t>(length) : 0);
    while (!owner.empty() && owner.back() == '\n') {
        owner.pop_back();
    }
    return owner.empty() ? kSomebody : owner;
}

/// The previous holder removes the file before it lets go, so the lock may be on a file that no path leads to any more.
bool isStillAt(int descriptor, const std::filesystem::path& file) {
    struct stat held {};
    struct stat named {};
    return fstat(descriptor, &held) == 0 && stat(file.c_str(), &named) == 0 && held.st_dev == named.st_dev &&
           held.st_ino == named.st_ino;
}

} // namespace

FileLock::FileLock(FileDescriptor descriptor, std::filesystem::path file)
    : m_descriptor(std::move(descriptor)), m_file(std::move(file)) {}

FileLock& FileLock::operator=(FileLock&& other) noexcept {
    std::swap(m_descriptor, other.m_descriptor);
    std::swap(m_file, other.m_file);
    return *this;
}

FileLock::~FileLock() {
    if (m_descriptor.isOpen()) {
        unlink(m_file.c_str()); // before the lock is let go: see isStillAt()
    }
}

Result<FileLock> FileLock::take(const std::filesystem::path& file, std::string_view owner,
                                std::chrono::milliseconds patience) {
    const auto until = std::chrono::steady_clock::now() + patience;
    std::string holder = kSomebody;
    for (bool first = true; first || std::chrono::steady_clock::now() < until; first = false) {
        if (!first) {
            std::this_thread::sleep_for(kPause);
        }
        FileDescriptor descriptor(open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644));
        if (!descriptor.isOpen()) {
            return tl::unexpected(systemError("lock", file, errno));
        }
        if (flock(descriptor.get(), LOCK_EX | LOCK_NB) != 0) {
            if (errno != EWOULDBLOCK && errno != EINTR) {
                return tl::unexpected(systemError("lock", file, errno));
            }
            holder = readOwner(descriptor.get());
            continue;
        }
        if (!isStillAt(descriptor.get(), file)) {
            continue;
        }
        if (ftruncate(descriptor.get(), 0) != 0 ||
            pwrite(descriptor.get(), owner.data(), owner.size(), 0) != static_cast<ssize_t>(owner.size())) {
            return tl::unexpected(systemError("lock", file, errno));
        }
        return FileLock(std::move(descriptor), file);
    }
    return fail(ErrorCode::Locked, fmt::format("{} is held by {}", file.string(), holder));
}

Result<bool> FileLock::isHeld(const std::filesystem::path& file) {
    const FileDescriptor descriptor(open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!descriptor.isOpen()) {
        return errno == ENOENT ? Result<bool>(false) : tl::unexpected(systemError("lock", file, errno));
    }
    if (flock(descriptor.get(), LOCK_SH | LOCK_NB) == 0) {
        return false;
    }
    return errno == EWOULDBLOCK ? Result<bool>(true) : tl::unexpected(systemError("lock", file, errno));
}

} // namespace knife
