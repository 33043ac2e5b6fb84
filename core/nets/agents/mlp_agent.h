// SPDX-License-Identifier: GPL-3.0-or-later
// fc -> ReLU -> fc -> ReLU -> fc: the agent without recurrence (EPyMARL's use_rnn = false).
#pragma once

#include "core/nets/agents/agent.h"

namespace knife {

class MlpAgent final : public Agent {
  public:
    MlpAgent(const AgentShape& shape, const AgentMaterials& materials);

    [[nodiscard]] at::Tensor unroll(const at::Tensor& inputs, SiteTaps* taps) const override;
    [[nodiscard]] at::Tensor act(const at::Tensor& input, at::Tensor& memory) const override;
    [[nodiscard]] at::Tensor initialMemory(std::int64_t rows) const override;
    [[nodiscard]] double flopsPerRow() const override;
    [[nodiscard]] double inputFlopsPerRow() const override;

  private:
    [[nodiscard]] at::Tensor forward(const at::Tensor& rows, SiteTaps* taps) const;

    AgentShape m_shape;
    CompositeLinear m_fc1; ///< its consumer is the second layer
    Parameter* m_head;
    Parameter* m_headBias;
    std::size_t m_firstSite;
    std::size_t m_secondSite;
};

} // namespace knife
