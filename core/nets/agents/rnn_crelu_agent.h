// SPDX-License-Identifier: GPL-3.0-or-later
// fc -> CReLU -> GRU cell -> fc, with CReLU z = [relu(z), relu(-z)] (Shang et al. 2016; as a remedy for lost plasticity
// Abbas et al. 2023). The gates read twice as many inputs; crelu_width = "equal_parameters" narrows the first layer
// until the agent has as many parameters as "rnn" has.
#pragma once

#include "core/nets/agents/agent.h"
#include "core/nets/agents/gru_cell.h"
#include "core/nets/agents/linear_head.h"

namespace knife {

class RnnCreluAgent final : public Agent {
  public:
    RnnCreluAgent(const AgentShape& shape, const AgentMaterials& materials);

    [[nodiscard]] AgentPass unroll(const at::Tensor& inputs, SiteTaps* taps) const override;
    [[nodiscard]] AgentPass act(const at::Tensor& input, at::Tensor& memory) const override;
    [[nodiscard]] at::Tensor initialMemory(std::int64_t rows) const override;
    [[nodiscard]] double flopsPerRow() const override;
    [[nodiscard]] double inputFlopsPerRow() const override;

  private:
    /// x [rows, input] -> [rows, 3 H], the input's part of the gates.
    [[nodiscard]] at::Tensor inputGates(const at::Tensor& x, SiteTaps* taps) const;

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
