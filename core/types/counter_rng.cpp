// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/types/counter_rng.h"

#include <cmath>
#include <numbers>

#include <Random123/philox.h>

namespace knife {

namespace {

// FNV-1a: the stream's name becomes part of the key. Not a security hash; names are ours and few.
std::uint64_t hashName(std::string_view name) {
    std::uint64_t hash = 0xcbf29ce484222325ULL;
    for (const char c : name) {
        hash ^= static_cast<unsigned char>(c);
        hash *= 0x100000001b3ULL;
    }
    return hash;
}

} // namespace

CounterRng::CounterRng(const StreamKey& key) : m_key{}, m_counter{}, m_block{} {
    // One Philox round trip mixes (seed, name) into the 64-bit key, so that neighbouring seeds share nothing.
    const std::uint64_t name = hashName(key.name);
    const r123::Philox4x32::ctr_type plain = {
        {static_cast<std::uint32_t>(key.seed), static_cast<std::uint32_t>(key.seed >> 32),
         static_cast<std::uint32_t>(name), static_cast<std::uint32_t>(name >> 32)}};
    const r123::Philox4x32::key_type mixer = {{0x6b6e6966U, 0x65777262U}};
    const auto mixed = r123::Philox4x32{}(plain, mixer);
    m_key[0] = mixed[0];
    m_key[1] = mixed[1];
    m_counter[0] = 0;
    m_counter[1] = mixed[2];
    m_counter[2] = static_cast<std::uint32_t>(key.index);
    m_counter[3] = static_cast<std::uint32_t>(key.index >> 32);
}

void CounterRng::refill() {
    const r123::Philox4x32::ctr_type counter = {{m_counter[0], m_counter[1], m_counter[2], m_counter[3]}};
    const r123::Philox4x32::key_type key = {{m_key[0], m_key[1]}};
    const auto block = r123::Philox4x32{}(counter, key);
    for (unsigned i = 0; i < 4; ++i) {
        m_block[i] = block[i];
    }
    ++m_counter[0];
    m_left = 4;
}

std::uint32_t CounterRng::next() {
    if (m_left == 0) {
        refill();
    }
    return m_block[4 - m_left--];
}

double CounterRng::uniform() {
    return (static_cast<double>(next()) + 0.5) * 0x1p-32;
}

std::uint32_t CounterRng::below(std::uint32_t bound) {
    std::uint64_t product = std::uint64_t{next()} * bound;
    auto low = static_cast<std::uint32_t>(product);
    if (low < bound) {
        const std::uint32_t threshold = (0U - bound) % bound;
        while (low < threshold) {
            product = std::uint64_t{next()} * bound;
            low = static_cast<std::uint32_t>(product);
        }
    }
    return static_cast<std::uint32_t>(product >> 32);
}

double CounterRng::normal() {
    const double radius = std::sqrt(-2.0 * std::log(uniform()));
    return radius * std::cos(2.0 * std::numbers::pi * uniform());
}

} // namespace knife
