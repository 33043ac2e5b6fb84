// SPDX-License-Identifier: GPL-3.0-or-later
// fc -> ReLU -> GRU cell -> fc: the recurrent agent of PyMARL (oxwhirl/pymarl). Gates as in torch.nn.GRUCell:
// n = tanh(W_in x + b_in + r (W_hn h + b_hn)), h' = (1 - z) n + z h.
#pragma once

#include "core/nets/agents/agent.h"

namespace knife {

class RnnAgent final : public Agent {
  public:
    RnnAgent(const AgentShape& shape, const AgentMaterials& materials);

    [[nodiscard]] at::Tensor unroll(const at::Tensor& inputs, SiteTaps* taps) const override;
    [[nodiscard]] at::Tensor act(const at::Tensor& input, at::Tensor& memory) const override;
    [[nodiscard]] at::Tensor initialMemory(std::int64_t rows) const override;
    [[nodiscard]] double flopsPerRow() const override;
    [[nodiscard]] double inputFlopsPerRow() const override;

  private:
    [[nodiscard]] at::Tensor cell(const at::Tensor& inputGates, const at::Tensor& h) const;

    AgentShape m_shape;
    CompositeLinear m_fc1; ///< its consumer is the GRU's input projection, all three gates at once
    Parameter* m_recurrent;
    Parameter* m_recurrentBias;
    Parameter* m_head;
    Parameter* m_headBias;
    std::size_t m_site;
};

} // namespace knife
