// SPDX-License-Identifier: GPL-3.0-or-later
// Gradients that several threads write at once: every shard of a batch has its own copy, and the copies are added in a
// fixed order, so that sums do not depend on the number of threads.
#pragma once

#include <cstdint>
#include <vector>

#include "core/nets/parameters.h"

namespace knife {

class GradientShards {
  public:
    /// Registers a parameter of a trained set; returns its handle.
    [[nodiscard]] std::size_t add(const Parameter& parameter);
    /// Begins a backward pass of that many shards.
    void begin(int shards);
    /// Where shard `shard` adds its part of the gradient. Shard 0 adds to the parameter itself.
    [[nodiscard]] float* of(std::size_t handle, int shard) const;
    /// Adds what the shards gathered to the parameters' gradients.
    void finish();

  private:
    struct Entry {
        float* gradient = nullptr;
        std::int64_t size = 0;
        std::int64_t offset = 0; ///< within a shard's copy
    };
    std::vector<Entry> m_entries;
    std::int64_t m_size = 0;
    std::vector<std::vector<float>> m_copies; ///< of the shards 1, 2, …
    std::size_t m_active = 0;                 ///< copies in use by this pass
};

} // namespace knife
