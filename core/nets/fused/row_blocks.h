// SPDX-License-Identifier: GPL-3.0-or-later
// How a mixer's rows are divided: shards for threads, and within them blocks of few sizes that are computed at once.
#pragma once

#include <cstdint>
#include <vector>

namespace knife {

/// Consecutive rows that are computed at once.
struct RowBlock {
    std::int64_t first = 0;
    std::int64_t rows = 0;
};

class RowBlocks {
  public:
    /// Sizes of blocks, largest first.
    [[nodiscard]] static const std::vector<std::int64_t>& sizes();

    /// Divides `rows` rows. keepAll: every row has room of its own for activations, as a backward pass needs it;
    /// otherwise the blocks of a shard take turns.
    void arrange(std::int64_t rows, bool keepAll);
    /// Does not depend on the number of threads.
    [[nodiscard]] int shards() const { return static_cast<int>(m_shards.size()); }
    [[nodiscard]] const std::vector<RowBlock>& of(int shard) const { return m_shards[static_cast<std::size_t>(shard)]; }
    /// Rows of activations to make room for.
    [[nodiscard]] std::int64_t slots() const { return m_slots; }
    /// Where the activations of a block begin.
    [[nodiscard]] std::int64_t slot(const RowBlock& block, int shard) const;

  private:
    bool m_keepAll = false;
    std::int64_t m_slots = 0;
    std::vector<std::vector<RowBlock>> m_shards;
};

} // namespace knife
