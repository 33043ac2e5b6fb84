// SPDX-License-Identifier: GPL-3.0-or-later
// zstd in two functions.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "core/types/error.h"

namespace knife {

[[nodiscard]] std::string compress(std::span<const std::byte> content);
/// ErrorCode::Corrupt when the bytes are damaged or stand for more than `limit` bytes.
[[nodiscard]] Result<std::vector<std::byte>> decompress(std::span<const std::byte> bytes, std::size_t limit);

} // namespace knife
