// SPDX-License-Identifier: GPL-3.0-or-later
// fc -> ReLU -> fc -> ReLU -> fc: the agent without recurrence (EPyMARL's use_rnn = false).
#pragma once

#include "core/nets/agents/agent.h"
#include "core/nets/agents/linear_head.h"

namespace knife {

class MlpAgent final : public Agent {
  public:
    MlpAgent(const AgentShape& shape, const AgentMaterials& materials);

    [[nodiscard]] AgentPass unroll(const at::Tensor& inputs, SiteTaps* taps) const override;
    [[nodiscard]] AgentPass act(const at::Tensor& input, at::Tensor& memory) const override;
    [[nodiscard]] at::Tensor initialMemory(std::int64_t rows) const override;
    [[nodiscard]] double flopsPerRow() const override;
    [[nodiscard]] double inputFlopsPerRow() const override;

  private:
    [[nodiscard]] AgentPass forward(const at::Tensor& rows, SiteTaps* taps) const;

    AgentShape m_shape;
    std::int64_t m_hidden;
    CompositeLinear m_fc1; ///< its consumer is the second layer
    LinearHead m_head;
    std::size_t m_firstSite;
    std::size_t m_secondSite;
};

} // namespace knife
