// SPDX-License-Identifier: GPL-3.0-or-later
// fc -> ReLU (-> fc -> ReLU) -> GRU cell -> fc: the recurrent agent of PyMARL (oxwhirl/pymarl), with the second layer
// that of ReBorn (xmu-rl-3dv/ReBorn).
#pragma once

#include "core/nets/agents/linear_head.h"
#include "core/nets/agents/recurrent_agent.h"

namespace knife {

class RnnAgent final : public RecurrentAgent {
  public:
    RnnAgent(const AgentShape& shape, const AgentMaterials& materials);

    [[nodiscard]] std::unique_ptr<AgentKernel> makeKernel(WorkerPool& pool) const override;
    [[nodiscard]] bool outgrewKernel() const override { return !m_fc1.clones().empty(); }
    [[nodiscard]] double flopsPerRow() const override;
    [[nodiscard]] double inputFlopsPerRow() const override;

  private:
    friend class RnnKernel;
    [[nodiscard]] bool isDeep() const { return m_inputGates != nullptr; }
    [[nodiscard]] GateInput gateInput(const at::Tensor& x, SiteTaps* taps) const override;
    [[nodiscard]] const RecurrentGates& recurrent() const override { return m_recurrent; }
    [[nodiscard]] AgentPass readOut(const at::Tensor& memory) const override;

    AgentShape m_shape;
    std::int64_t m_hidden;
    CompositeLinear m_fc1;             ///< its consumer is the second layer, or all three input gates at once
    Parameter* m_inputGates = nullptr; ///< [3 H, H] behind the second layer; nullptr: there is none
    Parameter* m_inputGatesBias = nullptr;
    RecurrentGates m_recurrent;
    LinearHead m_head;
    std::size_t m_firstSite = 0;
    std::size_t m_secondSite = 0;
};

} // namespace knife
