// SPDX-License-Identifier: GPL-3.0-or-later
// The last layer of an agent: memory to action values. A head without outputs gives an undefined tensor.
#pragma once

#include "core/nets/agents/agent.h"

namespace knife {

class LinearHead {
  public:
    /// Declares `<agent>.head.weight/bias` if there are outputs.
    LinearHead(const AgentMaterials& materials, std::int64_t hidden, std::int64_t outputs);
    /// [..., hidden] -> [..., outputs].
    [[nodiscard]] at::Tensor forward(const at::Tensor& hidden) const;
    [[nodiscard]] Parameter* weight() const { return m_weight; } ///< [outputs, hidden]; nullptr without outputs
    [[nodiscard]] Parameter* bias() const { return m_bias; }

  private:
    Parameter* m_weight = nullptr;
    Parameter* m_bias = nullptr;
};

} // namespace knife
