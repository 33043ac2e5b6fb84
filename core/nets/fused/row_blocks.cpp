// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/nets/fused/row_blocks.h"

#include <algorithm>

namespace knife {

namespace {

constexpr std::int64_t kRowsWorthTwoShards = 512;

} // namespace

const std::vector<std::int64_t>& RowBlocks::sizes() {
    // Few, because every size has generated code of its own; the first keeps one block's weights in the second cache.
    static const std::vector<std::int64_t> sizes = {256, 32, 4, 1};
    return sizes;
}

void RowBlocks::arrange(std::int64_t rows, bool keepAll) {
    m_keepAll = keepAll;
    // Two shards whatever the number of threads: sums over rows must not depend on it.
    const std::int64_t count = rows < kRowsWorthTwoShards ? 1 : 2;
    m_shards.assign(static_cast<std::size_t>(count), {});
    for (std::int64_t shard = 0; shard < count; ++shard) {
        std::int64_t first = shard * rows / count;
        const std::int64_t end = (shard + 1) * rows / count;
        while (first < end) {
            const auto size = std::ranges::find_if(sizes(), [&](std::int64_t block) { return block <= end - first; });
            m_shards[static_cast<std::size_t>(shard)].push_back({first, *size});
            first += *size;
        }
    }
    m_slots = keepAll ? rows : count * sizes().front();
}

std::int64_t RowBlocks::slot(const RowBlock& block, int shard) const {
    return m_keepAll ? block.first : shard * sizes().front();
}

} // namespace knife
