// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/store/compression.h"

#include <stdexcept>

#include <fmt/format.h>
#include <zstd.h>

namespace knife {
namespace {

// Weights hardly compress and chunks compress well at any level; what counts is that training does not wait.
constexpr int kLevel = 1;

} // namespace

std::string compress(std::span<const std::byte> content) {
    std::string bytes(ZSTD_compressBound(content.size()), '\0');
    const std::size_t size = ZSTD_compress(bytes.data(), bytes.size(), content.data(), content.size(), kLevel);
    if (ZSTD_isError(size) != 0) {
        throw std::runtime_error(ZSTD_getErrorName(size)); // only out of memory is possible here
    }
    bytes.resize(size);
    return bytes;
}

Result<std::vector<std::byte>> decompress(std::span<const std::byte> bytes, std::size_t limit) {
    const unsigned long long size = ZSTD_getFrameContentSize(bytes.data(), bytes.size());
    if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN || size > limit) {
        return fail(ErrorCode::Corrupt, "compressed content is damaged");
    }
    std::vector<std::byte> content(size);
    const std::size_t written = ZSTD_decompress(content.data(), content.size(), bytes.data(), bytes.size());
    if (ZSTD_isError(written) != 0 || written != size) {
        return fail(ErrorCode::Corrupt, "compressed content is damaged");
    }
    return content;
}

} // namespace knife
