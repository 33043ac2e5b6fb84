// SPDX-License-Identifier: GPL-3.0-or-later
// The last layer of an agent: memory to action values. A head without outputs gives an undefined tensor.
#pragma once

#include <optional>

#include "core/nets/agents/agent.h"
#include "core/nets/injected_linear.h"

namespace knife {

class LinearHead {
  public:
    /// Declares `<agent>.head.weight/bias` and registers the layer if there are outputs.
    LinearHead(const AgentMaterials& materials, std::int64_t hidden, std::int64_t outputs);
    /// Registers the site `<agent>.head` if the agent's settings ask for it and there are outputs. After all other
    /// sites of the agent; the head must not move any more.
    void offerUnits(const AgentShape& shape, const AgentMaterials& materials);
    /// [..., hidden] -> [..., outputs].
    [[nodiscard]] at::Tensor forward(const at::Tensor& hidden) const;
    [[nodiscard]] const InjectedLinear* layer() const { return m_layer ? &*m_layer : nullptr; }
    /// [outputs, hidden]; nullptr without outputs.
    [[nodiscard]] Parameter* weight() const { return m_layer ? m_layer->weight() : nullptr; }
    [[nodiscard]] Parameter* bias() const { return m_layer ? m_layer->bias() : nullptr; }

  private:
    std::optional<InjectedLinear> m_layer;
};

} // namespace knife
