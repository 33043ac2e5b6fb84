// SPDX-License-Identifier: GPL-3.0-or-later
// Large content outside the database: one zstd file per content, named after its XXH3-128 hash, verified on every read.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/types/error.h"

namespace knife {

/// A blob that is safely on the disk under a temporary name. Gone with the object unless it is put in its place.
class PendingBlob {
  public:
    PendingBlob(std::string hash, std::filesystem::path temporary);
    PendingBlob(PendingBlob&& other) noexcept;
    PendingBlob& operator=(PendingBlob&&) = delete;
    PendingBlob(const PendingBlob&) = delete;
    PendingBlob& operator=(const PendingBlob&) = delete;
    ~PendingBlob();

    [[nodiscard]] const std::string& hash() const { return m_hash; }
    [[nodiscard]] const std::filesystem::path& file() const { return m_temporary; }
    void keep() { m_temporary.clear(); }

  private:
    std::string m_hash;
    std::filesystem::path m_temporary;
};

/// Not synchronised: whoever places or removes blobs holds the database's write lock meanwhile, so that no blob is
/// removed in one process while another one is about to refer to it.
class BlobStore {
  public:
    explicit BlobStore(std::filesystem::path folder);

    /// Compresses and writes the content, and waits until it is on the disk. `owner` (a run) tells the temporary files
    /// of one writer from those of others.
    [[nodiscard]] Result<PendingBlob> write(std::span<const std::byte> content, std::string_view owner) const;
    /// Gives the blob its final name; the same content twice is one file.
    [[nodiscard]] Result<void> place(PendingBlob blob) const;
    /// Content of `bytes` bytes. ErrorCode::Corrupt names the file when it is missing, cut short or changed.
    [[nodiscard]] Result<std::vector<std::byte>> read(std::string_view hash, std::size_t bytes) const;
    void remove(std::string_view hash) const;
    /// Removes what a killed writer left under temporary names.
    void removeTemporaries(std::string_view owner) const;

    [[nodiscard]] std::filesystem::path fileOf(std::string_view hash) const;

  private:
    std::filesystem::path m_folder;
};

} // namespace knife
