// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/store/blobs.h"

#include <cerrno>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "core/protocol/system_file.h"
#include "core/store/compression.h"
#include "core/store/layout.h"

namespace knife {
namespace {

std::string hashOf(std::span<const std::byte> content) {
    const XXH128_hash_t hash = XXH3_128bits(content.data(), content.size());
    return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

Result<void> writeSynced(const std::filesystem::path& file, std::string_view bytes) {
    const FileDescriptor descriptor(open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (!descriptor.isOpen()) {
        return tl::unexpected(systemError("create", file, errno));
    }
    while (!bytes.empty()) {
        const ssize_t written = ::write(descriptor.get(), bytes.data(), bytes.size());
        if (written < 0 && errno != EINTR) {
            return tl::unexpected(systemError("write", file, errno));
        }
        bytes.remove_prefix(written > 0 ? static_cast<std::size_t>(written) : 0);
    }
    if (fsync(descriptor.get()) != 0) {
        return tl::unexpected(systemError("write", file, errno));
    }
    return {};
}

Result<std::vector<std::byte>> readAll(const std::filesystem::path& file) {
    const FileDescriptor descriptor(open(file.c_str(), O_RDONLY | O_CLOEXEC));
    struct stat info {};
    if (!descriptor.isOpen() || fstat(descriptor.get(), &info) != 0) {
        const int number = errno;
        Error error = systemError("read", file, number);
        error.code = number == ENOENT ? ErrorCode::Corrupt : error.code; // somebody removed what the database counts on
        return tl::unexpected(std::move(error));
    }
    std::vector<std::byte> bytes(static_cast<std::size_t>(info.st_size));
    std::size_t have = 0;
    while (have < bytes.size()) {
        const ssize_t count = ::read(descriptor.get(), bytes.data() + have, bytes.size() - have);
        if (count < 0 && errno != EINTR) {
            return tl::unexpected(systemError("read", file, errno));
        }
        if (count == 0) {
            break;
        }
        have += count > 0 ? static_cast<std::size_t>(count) : 0;
    }
    bytes.resize(have);
    return bytes;
}

} // namespace

PendingBlob::PendingBlob(std::string hash, std::filesystem::path temporary)
    : m_hash(std::move(hash)), m_temporary(std::move(temporary)) {}

PendingBlob::PendingBlob(PendingBlob&& other) noexcept
    : m_hash(std::move(other.m_hash)), m_temporary(std::exchange(other.m_temporary, {})) {}

PendingBlob::~PendingBlob() {
    if (!m_temporary.empty()) {
        unlink(m_temporary.c_str());
    }
}

BlobStore::BlobStore(std::filesystem::path folder) : m_folder(std::move(folder)) {}

std::filesystem::path BlobStore::fileOf(std::string_view hash) const {
    // 256 folders keep each one small enough for every file system.
    return m_folder / hash.substr(0, 2) / fmt::format("{}.zst", hash);
}

Result<PendingBlob> BlobStore::write(std::span<const std::byte> content, std::string_view owner) const {
    std::string hash = hashOf(content);
    const std::filesystem::path file = fileOf(hash);
    std::error_code error;
    std::filesystem::create_directories(file.parent_path(), error);
    if (error) {
        return tl::unexpected(systemError("create", file.parent_path(), error.value()));
    }
    PendingBlob blob(hash, m_folder / fmt::format("{}.{}.tmp", owner, hash));
    if (Result<void> written = writeSynced(blob.file(), compress(content)); !written) {
        return tl::unexpected(std::move(written).error());
    }
    return blob;
}

Result<void> BlobStore::place(PendingBlob blob) const {
    const std::filesystem::path file = fileOf(blob.hash());
    if (rename(blob.file().c_str(), file.c_str()) != 0) {
        return tl::unexpected(systemError("create", file, errno));
    }
    blob.keep();
    if (Result<void> synced = syncFolder(file.parent_path()); !synced) {
        return synced;
    }
    return syncFolder(m_folder); // the sub-folder may be new
}

Result<std::vector<std::byte>> BlobStore::read(std::string_view hash, std::size_t bytes) const {
    const std::filesystem::path file = fileOf(hash);
    const Result<std::vector<std::byte>> compressed = readAll(file);
    if (!compressed) {
        return compressed;
    }
    Result<std::vector<std::byte>> content = decompress(*compressed, bytes);
    if (!content || hashOf(*content) != hash) {
        return fail(ErrorCode::Corrupt,
                    fmt::format("{} is damaged: its content does not match its name", file.string()));
    }
    return content;
}

void BlobStore::remove(std::string_view hash) const {
    unlink(fileOf(hash).c_str());
}

void BlobStore::removeTemporaries(std::string_view owner) const {
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(m_folder, ignored)) {
        const std::string name = entry.path().filename().string();
        if (name.starts_with(owner) && name.ends_with(".tmp")) {
            unlink(entry.path().c_str());
        }
    }
}

} // namespace knife
