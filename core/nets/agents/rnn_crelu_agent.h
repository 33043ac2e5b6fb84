// SPDX-License-Identifier: GPL-3.0-or-later
// fc -> CReLU -> GRU cell -> fc, with CReLU z = [relu(z), relu(-z)] (Shang et al. 2016; as a remedy for lost plasticity
// Abbas et al. 2023). The gates read twice as many inputs; crelu_width = "equal_parameters" narrows the first layer
// until the agent has as many parameters as "rnn" has.
#pragma once

#include "core/nets/agents/linear_head.h"
#include "core/nets/agents/recurrent_agent.h"

namespace knife {

class RnnCreluAgent final : public RecurrentAgent {
  public:
    RnnCreluAgent(const AgentShape& shape, const AgentMaterials& materials);

    [[nodiscard]] double flopsPerRow() const override;
    [[nodiscard]] double inputFlopsPerRow() const override;

  private:
    [[nodiscard]] GateInput gateInput(const at::Tensor& x, SiteTaps* taps) const override;
    [[nodiscard]] const RecurrentGates& recurrent() const override { return m_recurrent; }
    [[nodiscard]] AgentPass readOut(const at::Tensor& memory) const override;

    AgentShape m_shape;
    std::int64_t m_hidden;
    std::int64_t m_width; ///< units of the first layer, W
    Parameter* m_fc1;     ///< [W, input]
    Parameter* m_fc1Bias;
    Parameter* m_inputGates; ///< [3 H, 2 W]
    Parameter* m_inputGatesBias;
    RecurrentGates m_recurrent;
    LinearHead m_head;
    std::size_t m_site;
};

} // namespace knife
