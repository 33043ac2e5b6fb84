// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/nets/mixers/qmix_kernel.h"

#include <algorithm>

#include <ATen/ATen.h>

#include "core/nets/fused/grow.h"

namespace knife {

namespace {

// Few sizes of blocks, because every size has generated code of its own; the first keeps one block's weights in the
// second cache.
const std::vector<std::int64_t> kBlockRows = {256, 32, 4, 1};
constexpr std::int64_t kRowsWorthTwoShards = 512;

} // namespace

QmixKernel::QmixKernel(const MonotonicMixing& mixing, WorkerPool& pool)
    : m_mixing(mixing),
      m_pool(pool),
      m_agents(mixing.agents()),
      m_embed(mixing.embed()),
      m_w1(mixing.w1()),
      m_b1(mixing.b1()),
      m_w2(mixing.w2()),
      m_v(mixing.v()) {}

void QmixKernel::arrange(std::int64_t rows, bool keepAll) {
    m_keepAll = keepAll;
    // Two shards whatever the number of threads: sums over rows must not depend on it.
    const std::int64_t count = rows < kRowsWorthTwoShards ? 1 : 2;
    m_shards.assign(static_cast<std::size_t>(count), {});
    for (std::int64_t shard = 0; shard < count; ++shard) {
        std::int64_t first = shard * rows / count;
        const std::int64_t end = (shard + 1) * rows / count;
        while (first < end) {
            const auto size =
                std::ranges::find_if(kBlockRows, [&](std::int64_t block) { return block <= end - first; });
            m_shards[static_cast<std::size_t>(shard)].push_back({first, *size});
            first += *size;
        }
    }
    const std::int64_t slots = keepAll ? rows : count * kBlockRows.front();
    for (FeedForwardKernel* net : {&m_w1, &m_b1, &m_w2, &m_v}) {
        net->load(slots, kBlockRows, static_cast<int>(count));
    }
    grow(m_generated.w1, slots * m_agents * m_embed);
    grow(m_generated.b1, slots * m_embed);
    grow(m_generated.w2, slots * m_embed);
    grow(m_generated.v, slots);
    grow(m_generated.hidden, slots * m_embed);
}

std::int64_t QmixKernel::slot(const Block& block, int shard) const {
    return m_keepAll ? block.first : shard * kBlockRows.front();
}

QmixInputs QmixKernel::inputsAt(std::int64_t slot, const float* q) {
    return {.q = {q, m_agents},
            .w1 = {m_generated.w1.data() + slot * m_agents * m_embed, m_agents * m_embed},
            .b1 = {m_generated.b1.data() + slot * m_embed, m_embed},
            .w2 = {m_generated.w2.data() + slot * m_embed, m_embed},
            .v = {m_generated.v.data() + slot, 1}};
}

void QmixKernel::forward(const float* q, const float* state, std::int64_t rows, float* joint, Keep keep,
                         SiteTaps* taps) {
    arrange(rows, keep == Keep::Gradient || taps != nullptr);
    m_q = q;
    m_state = state;
    m_pool.run(static_cast<int>(m_shards.size()), [&](int shard) {
        for (const Block& block : m_shards[static_cast<std::size_t>(shard)]) {
            forwardBlock(block, shard, joint);
        }
    });
    if (taps != nullptr) {
        for (FeedForwardKernel* net : {&m_w1, &m_w2, &m_v}) {
            net->tap(*taps, rows);
        }
        (*taps)[m_mixing.mixSite()].hidden = at::from_blob(m_generated.hidden.data(), {rows, m_embed});
    }
}

void QmixKernel::forwardBlock(const Block& block, int shard, float* joint) {
    const std::int64_t at = slot(block, shard);
    const float* state = m_state + block.first * m_mixing.state();
    m_w1.forward(block.rows, at, shard, state, m_generated.w1.data() + at * m_agents * m_embed);
    m_b1.forward(block.rows, at, shard, state, m_generated.b1.data() + at * m_embed);
    m_w2.forward(block.rows, at, shard, state, m_generated.w2.data() + at * m_embed);
    m_v.forward(block.rows, at, shard, state, m_generated.v.data() + at);
    qmixForward({block.rows, m_agents, m_embed}, inputsAt(at, m_q + block.first * m_agents),
                {m_generated.hidden.data() + at * m_embed, m_embed}, joint + block.first);
}

void QmixKernel::backward(const float* dJoint, float* dQ) {
    const auto shards = static_cast<int>(m_shards.size());
    for (FeedForwardKernel* net : {&m_w1, &m_b1, &m_w2, &m_v}) {
        net->beginBackward(shards);
    }
    m_pool.run(shards, [&](int shard) {
        for (const Block& block : m_shards[static_cast<std::size_t>(shard)]) {
            backwardBlock(block, shard, dJoint, dQ);
        }
    });
    for (FeedForwardKernel* net : {&m_w1, &m_b1, &m_w2, &m_v}) {
        net->endBackward();
    }
}

void QmixKernel::backwardBlock(const Block& block, int shard, const float* dJoint, float* dQ) {
    const std::int64_t at = block.first; // everything was kept
    float* w1 = m_generated.w1.data() + at * m_agents * m_embed;
    float* b1 = m_generated.b1.data() + at * m_embed;
    float* w2 = m_generated.w2.data() + at * m_embed;
    float* v = m_generated.v.data() + at;
    // Gradients take the place of the weights they belong to.
    qmixBackward({block.rows, m_agents, m_embed}, inputsAt(at, m_q + block.first * m_agents),
                 {m_generated.hidden.data() + at * m_embed, m_embed}, dJoint + block.first,
                 {.q = {dQ + block.first * m_agents, m_agents},
                  .w1 = {w1, m_agents * m_embed},
                  .b1 = {b1, m_embed},
                  .w2 = {w2, m_embed},
                  .v = {v, 1}});
    const float* state = m_state + block.first * m_mixing.state();
    m_w1.backward(block.rows, at, shard, state, w1);
    m_b1.backward(block.rows, at, shard, state, b1);
    m_w2.backward(block.rows, at, shard, state, w2);
    m_v.backward(block.rows, at, shard, state, v);
}

} // namespace knife
