// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/nets/agents/recurrent_agent.h"

#include <ATen/ATen.h>

namespace knife {

AgentPass RecurrentAgent::unroll(const at::Tensor& inputs, SiteTaps* taps) const {
    const std::int64_t steps = inputs.size(0);
    const std::int64_t rows = inputs.size(1);
    const at::Tensor gates = inputGates(inputs.reshape({steps * rows, inputs.size(2)}), taps);
    return readOut(recurrent().unroll(gates.view({steps, rows, gates.size(1)})));
}

AgentPass RecurrentAgent::act(const at::Tensor& input, at::Tensor& memory) const {
    memory = recurrent().step(inputGates(input, nullptr), memory);
    return readOut(memory);
}

at::Tensor RecurrentAgent::initialMemory(std::int64_t rows) const {
    return recurrent().zeros(rows);
}

} // namespace knife
