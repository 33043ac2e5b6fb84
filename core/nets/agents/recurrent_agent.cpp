// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/nets/agents/recurrent_agent.h"

#include <ATen/ATen.h>

namespace knife {

void RecurrentAgent::offerUnits(const AgentShape& shape, const AgentMaterials& materials, const InputGates& input,
                                const RecurrentGates& recurrent) {
    if (!offers(shape.config, kGruSite)) {
        return;
    }
    const std::string name = materials.name + "." + kGruSite;
    m_units = std::make_unique<GruUnits>(name,
                                         GruRows{.input = input.weight,
                                                 .inputBias = input.bias,
                                                 .recurrent = recurrent.weight,
                                                 .recurrentBias = recurrent.bias,
                                                 .count = shape.config.hidden},
                                         input.feeder);
    materials.sites.add({.name = name,
                         .scope = SiteScope::Agent,
                         .units = static_cast<int>(shape.config.hidden),
                         .consumers = {},
                         .gru = m_units.get(),
                         .refusal = {},
                         .scales = false,
                         .onlyByName = true});
}

AgentPass RecurrentAgent::unroll(const at::Tensor& inputs, SiteTaps* taps) const {
    const std::int64_t steps = inputs.size(0);
    const std::int64_t rows = inputs.size(1);
    const auto perStep = [&](const at::Tensor& flat) {
        return flat.view({steps, rows, flat.size(1)});
    };
    const GateInput input = gateInput(inputs.reshape({steps * rows, inputs.size(2)}), taps);
    if (!hasComposites()) {
        return readOut(recurrent().unroll(perStep(input.gates)));
    }
    return readOut(GruSequence(recurrent(), *m_units).unroll({perStep(input.gates), perStep(input.features)}));
}

AgentPass RecurrentAgent::act(const at::Tensor& input, at::Tensor& memory) const {
    const GateInput gates = gateInput(input, nullptr);
    if (hasComposites()) {
        return readOut(GruSequence(recurrent(), *m_units).step(gates, memory));
    }
    // Of a memory from before a surgery was undone the cell's own states go on.
    const at::Tensor own = memory.narrow(1, 0, recurrent().weight->value.size(1));
    memory = recurrent().step(gates.gates, own);
    return readOut(memory);
}

at::Tensor RecurrentAgent::initialMemory(std::int64_t rows) const {
    return recurrent().zeros(rows);
}

} // namespace knife
