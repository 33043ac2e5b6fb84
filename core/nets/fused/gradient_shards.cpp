// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/nets/fused/gradient_shards.h"

#include <algorithm>

#include <ATen/core/Tensor.h>

namespace knife {

std::size_t GradientShards::add(const Parameter& parameter) {
    float* gradient = parameter.grad.defined() ? parameter.grad.data_ptr<float>() : nullptr;
    m_entries.push_back({gradient, parameter.value.numel(), m_size});
    m_size += parameter.value.numel();
    return m_entries.size() - 1;
}

void GradientShards::begin(int shards) {
    m_active = static_cast<std::size_t>(std::max(shards - 1, 0));
    if (m_copies.size() < m_active) {
        m_copies.resize(m_active);
    }
    for (std::size_t i = 0; i < m_active; ++i) {
        m_copies[i].assign(static_cast<std::size_t>(m_size), 0.F);
    }
}

float* GradientShards::of(std::size_t handle, int shard) const {
    const Entry& entry = m_entries[handle];
    if (shard == 0) {
        return entry.gradient;
    }
    // The copies are shared between threads but no two of them write to the same one.
    return const_cast<float*>(m_copies[static_cast<std::size_t>(shard - 1)].data()) + entry.offset;
}

void GradientShards::finish() {
    for (const Entry& entry : m_entries) {
        for (std::size_t copy = 0; copy < m_active; ++copy) {
            const float* part = m_copies[copy].data() + entry.offset;
            for (std::int64_t i = 0; i < entry.size; ++i) {
                entry.gradient[i] += part[i];
            }
        }
    }
}

} // namespace knife
