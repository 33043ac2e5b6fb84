// SPDX-License-Identifier: GPL-3.0-or-later
// The fast path of QPLEX: all extractors and the duelling sum on blocks of rows, forward and backward, without a graph.
// Net by net: the weights of all nets together outgrow the caches, those of one are read once while they are near.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "core/nets/fused/feed_forward_kernel.h"
#include "core/nets/fused/row_blocks.h"
#include "core/nets/kernels/worker_pool.h"
#include "core/nets/mixers/mix_kernel.h"
#include "core/nets/mixers/qplex.h"

namespace knife {

class QplexKernel final : public MixKernel {
  public:
    /// `mixer` and `pool` must outlive the kernel.
    QplexKernel(const QplexMixer& mixer, WorkerPool& pool);

    [[nodiscard]] bool readsBest() const override { return true; }
    void forward(const MixInputs& inputs, float* joint, Keep keep, SiteTaps* taps) override;
    void backward(const float* dJoint, float* dQ) override;

  private:
    /// A net and what it gave: dense, at its slot. On the way back the gradient of that takes its place.
    struct Net {
        FeedForwardKernel kernel;
        std::int64_t width;
        std::vector<float> values; ///< [slots x width]
        Net(const FeedForward& net, std::int64_t outputs) : kernel(net), width(outputs) {}
        [[nodiscard]] float* at(std::int64_t slot) { return values.data() + slot * width; }
        float* forward(const RowBlock& block, std::int64_t slot, const float* x);
        void backward(const RowBlock& block, int shard, const float* x);
    };
    struct Extractors {
        Net key;    ///< [slots x 1], raw
        Net agents; ///< [slots x N], behind the sigmoid
        Net action; ///< [slots x N], behind the sigmoid
        Extractors(const QplexMixer::Extractors& nets, std::int64_t n)
            : key(nets.key, 1), agents(nets.agents, n), action(nets.action, n) {}
    };
    void arrange(std::int64_t rows, bool keepAll);
    void load(Net& net);
    /// Calls work(block, slot) for every block, on the threads of the pool.
    template <class Work>
    void eachBlock(const Work& work);
    /// Calls visit(net) for every net of the method that this configuration uses.
    template <class Visit>
    void eachNet(const Visit& visit);

    void describeActions(std::int64_t row);
    /// Adds one attention kernel's term to lambda.
    void addImportance(Extractors& nets, const RowBlock& block, std::int64_t slot);
    [[nodiscard]] float mixRow(std::int64_t row, std::int64_t slot);

    void backwardShard(int shard, const float* dJoint, float* dQ);
    /// Turns lambda of a row into its gradient, and w and v into theirs.
    void unmixRow(std::int64_t row, float dJoint, float* dQ);
    void importanceBackward(Extractors& nets, const RowBlock& block);

    const QplexMixer& m_mixer;
    WorkerPool& m_pool;
    std::int64_t m_agents;
    std::int64_t m_features; ///< width of what action extractors read
    Net m_w;
    Net m_v;
    std::deque<Extractors> m_extractors;  ///< their kernels stay where they are
    std::vector<float> m_stateAndActions; ///< [rows x features]
    std::vector<float> m_lambda;          ///< [rows x N]
    MixInputs m_inputs;
    RowBlocks m_blocks;
};

} // namespace knife
