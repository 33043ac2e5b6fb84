// SPDX-License-Identifier: GPL-3.0-or-later
// fc -> LayerNorm -> ReLU -> GRU cell -> LayerNorm -> fc: PyMARL2's n_rnn agent (hijkzzz/pymarl2) with normalised
// pre-activations as well, the places where normalisation keeps units alive without touching a mixer's signs.
#pragma once

#include "core/nets/agents/layer_norm.h"
#include "core/nets/agents/linear_head.h"
#include "core/nets/agents/recurrent_agent.h"

namespace knife {

class RnnLayerNormAgent final : public RecurrentAgent {
  public:
    RnnLayerNormAgent(const AgentShape& shape, const AgentMaterials& materials);

    [[nodiscard]] double flopsPerRow() const override;
    [[nodiscard]] double inputFlopsPerRow() const override;

  private:
    [[nodiscard]] GateInput gateInput(const at::Tensor& x, SiteTaps* taps) const override;
    [[nodiscard]] const RecurrentGates& recurrent() const override { return m_recurrent; }
    [[nodiscard]] AgentPass readOut(const at::Tensor& memory) const override;

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
