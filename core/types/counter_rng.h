// SPDX-License-Identifier: GPL-3.0-or-later
// Counter-based random streams (Random123's Philox4x32-10). A draw is a pure function of its key and its counter, so
// there is no generator state to store, and the same key gives the same numbers on every thread and after every resume.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace knife {

/// What a stream is keyed by. `name` keeps the streams of one run apart ("env", "explore", "replay", "init", …).
struct StreamKey {
    std::uint64_t seed = 0;
    std::string_view name;
    std::uint64_t index = 0; ///< episode, update, surgery event: whatever the stream is counted by
};

/// A sequential view on one stream. Cheap to construct; copy it to fork the position. Not thread-safe.
class CounterRng {
  public:
    explicit CounterRng(const StreamKey& key);

    /// Next 32 random bits.
    std::uint32_t next();
    /// Uniform in (0, 1), never 0 and never 1.
    double uniform();
    /// Uniform in (low, high).
    double uniform(double low, double high) { return low + (high - low) * uniform(); }
    /// Uniform integer in [0, bound), unbiased (Lemire's multiply-and-reject). Requires bound > 0.
    std::uint32_t below(std::uint32_t bound);
    /// True with probability p.
    bool chance(double p) { return uniform() < p; }
    /// Standard normal (Box-Muller on two uniforms of this stream).
    double normal();

    /// Fisher-Yates shuffle in place.
    template <typename T>
    void shuffle(std::span<T> items) {
        for (std::size_t left = items.size(); left > 1; --left) {
            const std::size_t pick = below(static_cast<std::uint32_t>(left));
            using std::swap;
            swap(items[left - 1], items[pick]);
        }
    }

  private:
    void refill();

    std::uint32_t m_key[2];
    std::uint32_t m_counter[4];
    std::uint32_t m_block[4];
    int m_left = 0;
};

} // namespace knife
