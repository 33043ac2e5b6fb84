// SPDX-License-Identifier: GPL-3.0-or-later
// How environments lay out what save() gives: the resolved configuration first, then plain values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/envs/environment.h"

namespace knife {

/// Appends values in the machine's own layout; the bytes are for the same build on the same machine type.
class StateWriter {
  public:
    template <typename T>
    void value(const T& item) {
        static_assert(std::is_trivially_copyable_v<T>);
        const auto* from = reinterpret_cast<const std::byte*>(&item);
        m_bytes.insert(m_bytes.end(), from, from + sizeof(T));
    }
    template <typename T>
    void list(const std::vector<T>& items) {
        value(items.size());
        for (const T& item : items) {
            value(item);
        }
    }
    void flag(bool item) { value(static_cast<std::uint8_t>(item ? 1 : 0)); }
    void key(const EpisodeKey& item) {
        value(item.seed);
        flag(item.greedy);
        value(item.episode);
    }
    void text(std::string_view text) {
        value(text.size());
        for (const char c : text) {
            value(c);
        }
    }
    [[nodiscard]] std::vector<std::byte> take() { return std::move(m_bytes); }

  private:
    std::vector<std::byte> m_bytes;
};

/// Reads them back. After the first value that is not there, everything reads as zero and ok() is false.
class StateReader {
  public:
    explicit StateReader(std::span<const std::byte> bytes) : m_bytes(bytes) {}

    template <typename T>
    T value() {
        static_assert(std::is_trivially_copyable_v<T>);
        T item{};
        if (m_bytes.size() < sizeof(T)) {
            m_ok = false;
            m_bytes = {};
            return item;
        }
        std::memcpy(&item, m_bytes.data(), sizeof(T));
        m_bytes = m_bytes.subspan(sizeof(T));
        return item;
    }
    template <typename T>
    std::vector<T> list() {
        const std::size_t size = length(sizeof(T));
        std::vector<T> items(size);
        for (std::size_t i = 0; i < size; ++i) {
            items[i] = value<T>();
        }
        return items;
    }
    bool flag() { return value<std::uint8_t>() != 0; }
    EpisodeKey key() {
        EpisodeKey item;
        item.seed = value<std::uint64_t>();
        item.greedy = flag();
        item.episode = value<std::uint64_t>();
        return item;
    }
    std::string text() {
        const std::vector<char> characters = list<char>();
        return {characters.begin(), characters.end()};
    }
    [[nodiscard]] bool ok() const { return m_ok; }
    /// Everything was there, and nothing is left.
    [[nodiscard]] bool finished() const { return m_ok && m_bytes.empty(); }

  private:
    std::size_t length(std::size_t itemSize) {
        const auto size = value<std::size_t>();
        if (size > m_bytes.size() / itemSize) {
            m_ok = false;
            m_bytes = {};
            return 0;
        }
        return size;
    }

    std::span<const std::byte> m_bytes;
    bool m_ok = true;
};

} // namespace knife
