// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/nets/mixers/qmix_kernel.h"

#include <cmath>

#include "core/nets/fused/gradient_view.h"
#include "core/nets/fused/grow.h"

namespace knife {

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
    m_blocks.arrange(rows, keepAll);
    const std::int64_t slots = m_blocks.slots();
    for (FeedForwardKernel* net : {&m_w1, &m_b1, &m_w2, &m_v}) {
        net->load(slots, RowBlocks::sizes(), m_blocks.shards());
    }
    grow(m_generated.w1, slots * m_agents * m_embed);
    grow(m_generated.b1, slots * m_embed);
    grow(m_generated.w2, slots * m_embed);
    grow(m_generated.v, slots);
    grow(m_generated.hidden, slots * m_embed);
    m_generated.gradient.clear();
}

QmixInputs QmixKernel::inputsAt(std::int64_t slot, const float* q) {
    return {.q = {q, m_agents},
            .w1 = {m_generated.w1.data() + slot * m_agents * m_embed, m_agents * m_embed},
            .b1 = {m_generated.b1.data() + slot * m_embed, m_embed},
            .w2 = {m_generated.w2.data() + slot * m_embed, m_embed},
            .v = {m_generated.v.data() + slot, 1}};
}

void QmixKernel::forward(const MixInputs& inputs, float* joint, Keep keep, SiteTaps* taps) {
    arrange(inputs.rows, keep == Keep::Gradient || taps != nullptr);
    m_inputs = inputs;
    m_pool.run(m_blocks.shards(), [&](int shard) {
        for (const RowBlock& block : m_blocks.of(shard)) {
            forwardBlock(block, shard, joint);
        }
    });
    if (taps != nullptr) {
        for (FeedForwardKernel* net : {&m_w1, &m_w2, &m_v}) {
            net->tap(*taps, inputs.rows);
        }
        SiteTap& mix = (*taps)[m_mixing.mixSite()];
        mix.hidden = viewOf(m_generated.hidden, inputs.rows, m_embed);
        mix.gradient = mix.wantsGradient ? gradientView(m_generated.gradient, inputs.rows, m_embed) : at::Tensor();
    }
}

void QmixKernel::forwardBlock(const RowBlock& block, int shard, float* joint) {
    const std::int64_t at = m_blocks.slot(block, shard);
    const float* state = m_inputs.state + block.first * m_mixing.state();
    m_w1.forward(block.rows, at, state, m_generated.w1.data() + at * m_agents * m_embed);
    m_b1.forward(block.rows, at, state, m_generated.b1.data() + at * m_embed);
    m_w2.forward(block.rows, at, state, m_generated.w2.data() + at * m_embed);
    m_v.forward(block.rows, at, state, m_generated.v.data() + at);
    qmixForward({block.rows, m_agents, m_embed}, inputsAt(at, m_inputs.q + block.first * m_agents),
                {m_generated.hidden.data() + at * m_embed, m_embed}, joint + block.first);
}

void QmixKernel::backward(const float* dJoint, float* dQ) {
    const int shards = m_blocks.shards();
    for (FeedForwardKernel* net : {&m_w1, &m_b1, &m_w2, &m_v}) {
        net->beginBackward(shards);
    }
    m_pool.run(shards, [&](int shard) {
        for (const RowBlock& block : m_blocks.of(shard)) {
            backwardBlock(block, shard, dJoint, dQ);
        }
    });
    for (FeedForwardKernel* net : {&m_w1, &m_b1, &m_w2, &m_v}) {
        net->endBackward();
    }
}

// Q_tot = sum_e |w2_e| h_e + v.
void QmixKernel::recordGradient(const RowBlock& block, const float* dJoint) {
    for (std::int64_t row = block.first; row < block.first + block.rows; ++row) {
        for (std::int64_t e = row * m_embed; e < (row + 1) * m_embed; ++e) {
            const auto i = static_cast<std::size_t>(e);
            m_generated.gradient[i] = dJoint[row] * std::abs(m_generated.w2[i]);
        }
    }
}

void QmixKernel::backwardBlock(const RowBlock& block, int shard, const float* dJoint, float* dQ) {
    const std::int64_t at = block.first; // everything was kept
    float* w1 = m_generated.w1.data() + at * m_agents * m_embed;
    float* b1 = m_generated.b1.data() + at * m_embed;
    float* w2 = m_generated.w2.data() + at * m_embed;
    float* v = m_generated.v.data() + at;
    if (!m_generated.gradient.empty()) {
        recordGradient(block, dJoint);
    }
    // Gradients take the place of the weights they belong to.
    qmixBackward({block.rows, m_agents, m_embed}, inputsAt(at, m_inputs.q + block.first * m_agents),
                 {m_generated.hidden.data() + at * m_embed, m_embed}, dJoint + block.first,
                 {.q = {dQ + block.first * m_agents, m_agents},
                  .w1 = {w1, m_agents * m_embed},
                  .b1 = {b1, m_embed},
                  .w2 = {w2, m_embed},
                  .v = {v, 1}});
    const float* state = m_inputs.state + block.first * m_mixing.state();
    m_w1.backward(block.rows, at, shard, state, w1);
    m_b1.backward(block.rows, at, shard, state, b1);
    m_w2.backward(block.rows, at, shard, state, w2);
    m_v.backward(block.rows, at, shard, state, v);
}

} // namespace knife
