// SPDX-License-Identifier: GPL-3.0-or-later
// What all agents with a GRU cell do alike: input layers over all steps at once, the recurrence in sequence, then the
// head over all steps at once. Where the settings ask for it, the cell's units are a site that accepts composites.
#pragma once

#include <memory>

#include "core/nets/agents/agent.h"
#include "core/nets/agents/gru_cell.h"
#include "core/nets/agents/gru_sequence.h"

namespace knife {

class RecurrentAgent : public Agent {
  public:
    [[nodiscard]] AgentPass unroll(const at::Tensor& inputs, SiteTaps* taps) const final;
    [[nodiscard]] AgentPass act(const at::Tensor& input, at::Tensor& memory) const final;
    [[nodiscard]] at::Tensor initialMemory(std::int64_t rows) const final;

  protected:
    /// The input's part of the gates, by rows of all units.
    struct InputGates {
        Parameter* weight = nullptr; ///< [3 H, d_in]
        Parameter* bias = nullptr;   ///< [3 H]
        const CompositeLinear* feeder = nullptr;
    };
    /// Registers the site `<agent>.gru` if the agent's settings ask for it. Last of all layers before the head.
    void offerUnits(const AgentShape& shape, const AgentMaterials& materials, const InputGates& input,
                    const RecurrentGates& recurrent);
    /// Whether offerUnits() has registered a site; its surgeries must not meet another way of evaluating the cell.
    [[nodiscard]] bool offersUnits() const { return m_units != nullptr; }
    [[nodiscard]] bool hasComposites() const { return m_units != nullptr && !m_units->branches().empty(); }

  private:
    /// x [rows, input] -> the input's part of the gates; its features may stay undefined while hasComposites() is
    /// false.
    [[nodiscard]] virtual GateInput gateInput(const at::Tensor& x, SiteTaps* taps) const = 0;
    [[nodiscard]] virtual const RecurrentGates& recurrent() const = 0;
    /// What the head reads of the memory [..., H], and its values.
    [[nodiscard]] virtual AgentPass readOut(const at::Tensor& memory) const = 0;

    std::unique_ptr<GruUnits> m_units; ///< nullptr: not a site
};

} // namespace knife
