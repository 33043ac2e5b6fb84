// SPDX-License-Identifier: GPL-3.0-or-later
// The fast path of QMIX: hypernetworks and mixing on blocks of rows, forward and backward, without a graph.
#pragma once

#include <cstdint>
#include <vector>

#include "core/nets/fused/feed_forward_kernel.h"
#include "core/nets/fused/row_blocks.h"
#include "core/nets/kernels/pointwise.h"
#include "core/nets/kernels/worker_pool.h"
#include "core/nets/mixers/mix_kernel.h"
#include "core/nets/mixers/qmix.h"

namespace knife {

class QmixKernel final : public MixKernel {
  public:
    /// `mixing` and `pool` must outlive the kernel.
    QmixKernel(const MonotonicMixing& mixing, WorkerPool& pool);

    void forward(const MixInputs& inputs, float* joint, Keep keep, SiteTaps* taps) override;
    void backward(const float* dJoint, float* dQ) override;

  private:
    /// Generated weights of a block: dense, at its slot.
    struct Generated {
        std::vector<float> w1;       ///< [slots x N E], raw
        std::vector<float> b1;       ///< [slots x E]
        std::vector<float> w2;       ///< [slots x E], raw
        std::vector<float> v;        ///< [slots]
        std::vector<float> hidden;   ///< [slots x E]
        std::vector<float> gradient; ///< the same shape, of `hidden`; empty: not recorded
    };
    void arrange(std::int64_t rows, bool keepAll);
    [[nodiscard]] QmixInputs inputsAt(std::int64_t slot, const float* q);
    void forwardBlock(const RowBlock& block, int shard, float* joint);
    void recordGradient(const RowBlock& block, const float* dJoint);
    void backwardBlock(const RowBlock& block, int shard, const float* dJoint, float* dQ);

    const MonotonicMixing& m_mixing;
    WorkerPool& m_pool;
    std::int64_t m_agents;
    std::int64_t m_embed;
    FeedForwardKernel m_w1;
    FeedForwardKernel m_b1;
    FeedForwardKernel m_w2;
    FeedForwardKernel m_v;
    Generated m_generated;
    MixInputs m_inputs;
    RowBlocks m_blocks;
};

} // namespace knife
