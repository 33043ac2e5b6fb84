// SPDX-License-Identifier: GPL-3.0-or-later
// fc -> LayerNorm -> ReLU -> GRU cell -> LayerNorm -> fc: PyMARL2's n_rnn agent (hijkzzz/pymarl2) with normalised
// pre-activations as well, the places where normalisation keeps units alive without touching a mixer's signs.
#pragma once

#include "core/nets/agents/agent.h"
#include "core/nets/agents/gru_cell.h"
#include "core/nets/agents/layer_norm.h"
#include "core/nets/agents/linear_head.h"

namespace knife {

class RnnLayerNormAgent final : public Agent {
  public:
    RnnLayerNormAgent(const AgentShape& shape, const AgentMaterials& materials);

    [[nodiscard]] AgentPass unroll(const at::Tensor& inputs, SiteTaps* taps) const override;
    [[nodiscard]] AgentPass act(const at::Tensor& input, at::Tensor& memory) const override;
    [[nodiscard]] at::Tensor initialMemory(std::int64_t rows) const override;
    [[nodiscard]] double flopsPerRow() const override;
    [[nodiscard]] double inputFlopsPerRow() const override;

  private:
    /// x [rows, input] -> [rows, 3 H], the input's part of the gates.
    [[nodiscard]] at::Tensor inputGates(const at::Tensor& x, SiteTaps* taps) const;
    /// What the head reads of the memory, and its values.
    [[nodiscard]] AgentPass readOut(const at::Tensor& memory) const;

    AgentShape m_shape;
    std::int64_t m_hidden;
    Parameter* m_fc1;
    Parameter* m_fc1Bias;
    LayerNorm m_fc1Norm;
    Parameter* m_inputGates; ///< [3 H, H]
    Parameter* m_inputGatesBias;
    RecurrentGates m_recurrent;
    LayerNorm m_headNorm;
    LinearHead m_head;
    std::size_t m_site;
};

} // namespace knife
