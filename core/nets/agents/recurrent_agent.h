// SPDX-License-Identifier: GPL-3.0-or-later
// What all agents with a GRU cell do alike: input layers over all steps at once, the recurrence in sequence, then the
// head over all steps at once.
#pragma once

#include "core/nets/agents/agent.h"
#include "core/nets/agents/gru_cell.h"

namespace knife {

class RecurrentAgent : public Agent {
  public:
    [[nodiscard]] AgentPass unroll(const at::Tensor& inputs, SiteTaps* taps) const final;
    [[nodiscard]] AgentPass act(const at::Tensor& input, at::Tensor& memory) const final;
    [[nodiscard]] at::Tensor initialMemory(std::int64_t rows) const final;

  private:
    /// x [rows, input] -> [rows, 3 H], the input's part of the gates.
    [[nodiscard]] virtual at::Tensor inputGates(const at::Tensor& x, SiteTaps* taps) const = 0;
    [[nodiscard]] virtual const RecurrentGates& recurrent() const = 0;
    /// What the head reads of the memory [..., H], and its values.
    [[nodiscard]] virtual AgentPass readOut(const at::Tensor& memory) const = 0;
};

} // namespace knife
