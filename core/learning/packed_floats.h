// SPDX-License-Identifier: GPL-3.0-or-later
// A lossless array of floats that takes one byte per value where every value is a small integer, as observations of
// grid worlds are, and four bytes otherwise.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace knife {

class PackedFloats {
  public:
    PackedFloats() = default;
    explicit PackedFloats(std::span<const float> values);

    [[nodiscard]] std::size_t size() const { return m_narrow.empty() ? m_wide.size() : m_narrow.size(); }
    [[nodiscard]] std::size_t bytes() const { return m_narrow.size() + m_wide.size() * sizeof(float); }
    /// Copies values [first, first + out.size()) out.
    void copyTo(std::size_t first, std::span<float> out) const;

  private:
    std::vector<std::int8_t> m_narrow;
    std::vector<float> m_wide;
};

} // namespace knife
