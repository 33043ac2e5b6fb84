// SPDX-License-Identifier: GPL-3.0-or-later
// A chunk: up to 4,096 consecutive points of one metric as bytes. Clocks as differences, everything split into byte
// planes, then zstd; exact to the bit. Layout: u32 format, u32 count, u64 XXH3 of the rest, compressed planes;
// little-endian.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "core/store/records.h"
#include "core/types/error.h"

namespace knife {

inline constexpr std::size_t kChunkPoints = 4096;

/// Points [begin, begin + count) of the series; count is at most kChunkPoints.
[[nodiscard]] std::string encodeChunk(const Series& series, std::size_t begin, std::size_t count);
/// Appends the points of a chunk that must hold `count` of them. ErrorCode::Corrupt leaves the series as it was.
[[nodiscard]] Result<void> decodeChunk(std::span<const std::byte> bytes, std::size_t count, Series& series);

/// Removes the first `count` points.
void dropFront(Series& series, std::size_t count);

/// Least and greatest finite value; NaN for both when there is none.
struct ValueRange {
    double minimum;
    double maximum;
};
[[nodiscard]] ValueRange finiteRange(std::span<const double> values);

} // namespace knife
