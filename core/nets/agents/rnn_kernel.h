// SPDX-License-Identifier: GPL-3.0-or-later
// The fast path of RnnAgent: whole episodes step by step on blocks of rows that stay in the second cache, forward and
// backward through time, without a graph. Rows are divided into shards that do not depend on the number of threads.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/nets/agents/rnn_agent.h"
#include "core/nets/fused/composite_kernel.h"
#include "core/nets/fused/linear_kernel.h"
#include "core/nets/kernels/worker_pool.h"

namespace knife {

class RnnKernel final : public AgentKernel {
  public:
    /// `agent` and `pool` must outlive the kernel.
    RnnKernel(const RnnAgent& agent, WorkerPool& pool);

    [[nodiscard]] AgentPass forward(const at::Tensor& inputs, Keep keep, SiteTaps* taps) override;
    void backward(const at::Tensor& inputs, const at::Tensor& dOutputs, const at::Tensor& dHidden) override;

  private:
    struct Shard {
        std::int64_t firstRow = 0;
        std::int64_t rows = 0;
    };
    /// Gradients on their way back through time; one per shard.
    struct Backward {
        std::vector<float> dh;      ///< [rows x H], of the memory
        std::vector<float> dGates;  ///< [rows x 4 H]
        std::vector<float> dSecond; ///< [rows x H], of the second layer
    };
    void arrange(const at::Tensor& inputs, Keep keep, bool tapped);
    void load(std::int64_t slots);
    void loadBias();
    void loadHead();
    /// Where step t of a shard keeps its activations.
    [[nodiscard]] std::int64_t slot(std::int64_t t, const Shard& shard) const {
        return m_keepAll ? t * m_rows + shard.firstRow : shard.firstRow;
    }
    void forwardShard(int index, const float* inputs, float* outputs);
    void backwardShard(int index, const float* inputs, const float* dOutputs, const float* dHidden);
    void backwardInputGates(int index, std::int64_t t, const float* x, Backward& state);
    void tap(const at::Tensor& inputs, SiteTaps& taps);

    const RnnAgent& m_agent;
    WorkerPool& m_pool;
    std::int64_t m_hidden;
    bool m_deep;
    GradientShards m_gradients;
    CompositeKernel m_fc1;
    std::optional<LinearKernel> m_inputGates; ///< behind the second layer
    LinearKernel m_resetUpdate;               ///< recurrent rows of r and z
    LinearKernel m_candidate;                 ///< recurrent rows of n
    Parameter m_headWeight;                   ///< sums of the head's branches, with a gradient of their own
    Parameter m_headBias;
    std::optional<LinearKernel> m_head;
    std::size_t m_secondBias = 0; ///< gradient handles
    std::size_t m_inputBias = 0;
    std::size_t m_recurrentBias = 0;
    std::size_t m_headBiasGradient = 0;

    std::int64_t m_steps = 0;
    std::int64_t m_rows = 0;
    bool m_keepAll = false;
    std::vector<Shard> m_shards;
    std::vector<float> m_gateBias;       ///< [4 H]: r and z with both parts, then the candidate's
    std::vector<float> m_second;         ///< [slots x H], after the second layer's ReLU
    std::vector<float> m_secondGradient; ///< the same shape; empty: not recorded
    std::vector<float> m_gates;          ///< [slots x 4 H]
    std::vector<float> m_zero;           ///< [rows x H], the memory before the first step
    at::Tensor m_memory;                 ///< [T, rows, H]
    at::Tensor m_outputs;                ///< [T, rows, outputs]
    std::vector<Backward> m_backward;
};

} // namespace knife
