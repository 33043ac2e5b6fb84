// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/store/chunks.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include <fmt/format.h>
#include <xxhash.h>

#include "core/store/compression.h"

namespace knife {
namespace {

static_assert(std::endian::native == std::endian::little, "chunks and their headers are stored as they lie in memory");

constexpr std::uint32_t kFormat = 1;
constexpr std::size_t kColumns = 5;
constexpr std::size_t kWordBytes = sizeof(std::uint64_t);

struct Header {
    std::uint32_t format;
    std::uint32_t count;
    std::uint64_t hash;
};

/// Differences modulo 2^64: nothing overflows, and clocks become small repeating numbers.
void toDifferences(std::span<std::uint64_t> words) {
    std::uint64_t previous = 0;
    for (std::uint64_t& word : words) {
        const std::uint64_t current = word;
        word -= previous;
        previous = current;
    }
}

void fromDifferences(std::span<std::uint64_t> words) {
    std::uint64_t sum = 0;
    for (std::uint64_t& word : words) {
        sum += word;
        word = sum;
    }
}

/// All lowest bytes, then all second bytes, …: high bytes of clocks are zeros and exponents of values are alike.
void splitPlanes(std::span<const std::uint64_t> words, std::byte* planes) {
    for (std::size_t plane = 0; plane < kWordBytes; ++plane) {
        for (std::size_t i = 0; i < words.size(); ++i) {
            planes[plane * words.size() + i] = static_cast<std::byte>(words[i] >> (8U * plane));
        }
    }
}

void joinPlanes(const std::byte* planes, std::span<std::uint64_t> words) {
    std::fill(words.begin(), words.end(), 0U);
    for (std::size_t plane = 0; plane < kWordBytes; ++plane) {
        for (std::size_t i = 0; i < words.size(); ++i) {
            words[i] |= std::to_integer<std::uint64_t>(planes[plane * words.size() + i]) << (8U * plane);
        }
    }
}

template <typename T>
std::vector<std::uint64_t> wordsOf(const std::vector<T>& column, std::size_t begin, std::size_t count) {
    std::vector<std::uint64_t> words(count);
    std::memcpy(words.data(), column.data() + begin, count * kWordBytes);
    return words;
}

template <typename T>
void append(std::vector<T>& column, const std::vector<std::uint64_t>& words) {
    const std::size_t before = column.size();
    column.resize(before + words.size());
    std::memcpy(column.data() + before, words.data(), words.size() * kWordBytes);
}

} // namespace

std::string encodeChunk(const Series& series, std::size_t begin, std::size_t count) {
    std::vector<std::byte> planes(kColumns * count * kWordBytes);
    std::byte* next = planes.data();
    const auto add = [&](std::vector<std::uint64_t> words, bool asDifferences) {
        if (asDifferences) {
            toDifferences(words);
        }
        splitPlanes(words, next);
        next += count * kWordBytes;
    };
    add(wordsOf(series.update, begin, count), true);
    add(wordsOf(series.envStep, begin, count), true);
    add(wordsOf(series.episode, begin, count), true);
    add(wordsOf(series.wallS, begin, count), true); // bit patterns of growing doubles grow too
    add(wordsOf(series.value, begin, count), false);

    const std::string body = compress(planes);
    const Header header{kFormat, static_cast<std::uint32_t>(count), XXH3_64bits(body.data(), body.size())};
    std::string bytes(sizeof header, '\0');
    std::memcpy(bytes.data(), &header, sizeof header);
    return bytes + body;
}

Result<void> decodeChunk(std::span<const std::byte> bytes, std::size_t count, Series& series) {
    Header header{};
    if (bytes.size() < sizeof header) {
        return fail(ErrorCode::Corrupt, "the chunk is cut short");
    }
    std::memcpy(&header, bytes.data(), sizeof header);
    const std::span<const std::byte> body = bytes.subspan(sizeof header);
    if (header.format != kFormat || header.count != count || count > kChunkPoints ||
        header.hash != XXH3_64bits(body.data(), body.size())) {
        return fail(ErrorCode::Corrupt, "the chunk does not match its checksum");
    }
    const std::size_t size = kColumns * count * kWordBytes;
    const Result<std::vector<std::byte>> planes = decompress(body, size);
    if (!planes || planes->size() != size) {
        return fail(ErrorCode::Corrupt, "the chunk cannot be decompressed");
    }
    const std::byte* next = planes->data();
    std::vector<std::uint64_t> words(count);
    const auto take = [&](auto& column, bool asDifferences) {
        joinPlanes(next, words);
        if (asDifferences) {
            fromDifferences(words);
        }
        append(column, words);
        next += count * kWordBytes;
    };
    take(series.update, true);
    take(series.envStep, true);
    take(series.episode, true);
    take(series.wallS, true);
    take(series.value, false);
    return {};
}

void dropFront(Series& series, std::size_t count) {
    if (count == 0) {
        return;
    }
    const auto drop = [count](auto& column) {
        column.erase(column.begin(), column.begin() + static_cast<std::ptrdiff_t>(count));
    };
    drop(series.update);
    drop(series.envStep);
    drop(series.episode);
    drop(series.wallS);
    drop(series.value);
}

ValueRange finiteRange(std::span<const double> values) {
    constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
    ValueRange range{kNone, kNone};
    for (const double value : values) {
        if (std::isfinite(value)) {
            range.minimum = std::fmin(range.minimum, value); // fmin and fmax pass over NaN
            range.maximum = std::fmax(range.maximum, value);
        }
    }
    return range;
}

} // namespace knife
