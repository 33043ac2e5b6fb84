// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/nets/agents/rnn_agent.h"

#include <vector>

#include <ATen/ATen.h>

#include "core/nets/initialise.h"

namespace knife {

RnnAgent::RnnAgent(const AgentShape& shape, const AgentMaterials& materials)
    : m_shape(shape),
      m_fc1(materials.parameters, "agent.fc1", "agent.gru.input", {shape.input, shape.hidden, 3 * shape.hidden},
            materials.seed) {
    const double bound = linearBound(shape.hidden);
    const auto declare = [&](const std::string& name, const std::vector<std::int64_t>& sizes) {
        return materials.parameters.declare(name, drawUniform(sizes, bound, {materials.seed, "init/" + name, 0}));
    };
    m_recurrent = declare("agent.gru.recurrent.weight", {3 * shape.hidden, shape.hidden});
    m_recurrentBias = declare("agent.gru.recurrent.bias", {3 * shape.hidden});
    m_head = declare("agent.head.weight", {shape.actions, shape.hidden});
    m_headBias = declare("agent.head.bias", {shape.actions});
    m_site = materials.sites.add({.name = "agent.fc1",
                                  .scope = SiteScope::Agent,
                                  .units = static_cast<int>(shape.hidden),
                                  .weight = m_fc1.weight(),
                                  .composite = &m_fc1,
                                  .refusal = {}});
}

at::Tensor RnnAgent::cell(const at::Tensor& inputGates, const at::Tensor& h) const {
    const at::Tensor hiddenGates = at::linear(h, m_recurrent->value, m_recurrentBias->value);
    const auto fromInput = inputGates.chunk(3, 1);
    const auto fromHidden = hiddenGates.chunk(3, 1);
    const at::Tensor reset = at::sigmoid(fromInput[0] + fromHidden[0]);
    const at::Tensor update = at::sigmoid(fromInput[1] + fromHidden[1]);
    const at::Tensor candidate = at::tanh(at::addcmul(fromInput[2], reset, fromHidden[2]));
    return at::lerp(candidate, h, update);
}

at::Tensor RnnAgent::unroll(const at::Tensor& inputs, SiteTaps* taps) const {
    const std::int64_t steps = inputs.size(0);
    const std::int64_t rows = inputs.size(1);
    const at::Tensor gates = m_fc1.forward(inputs.reshape({steps * rows, m_shape.input}), tapOf(taps, m_site))
                                 .view({steps, rows, 3 * m_shape.hidden});
    // unbind once: indexing gates[t] inside the loop would make the backward pass quadratic in T.
    const std::vector<at::Tensor> gatesAt = gates.unbind(0);
    std::vector<at::Tensor> hiddens;
    hiddens.reserve(gatesAt.size());
    at::Tensor h = initialMemory(rows);
    for (const at::Tensor& gate : gatesAt) {
        h = cell(gate, h);
        hiddens.push_back(h);
    }
    return at::linear(at::stack(hiddens), m_head->value, m_headBias->value);
}

at::Tensor RnnAgent::act(const at::Tensor& input, at::Tensor& memory) const {
    memory = cell(m_fc1.forward(input, nullptr), memory);
    return at::linear(memory, m_head->value, m_headBias->value);
}

at::Tensor RnnAgent::initialMemory(std::int64_t rows) const {
    return at::zeros({rows, m_shape.hidden});
}

double RnnAgent::flopsPerRow() const {
    const auto h = static_cast<double>(m_shape.hidden);
    return 2.0 * (static_cast<double>(m_shape.input) * h + 6.0 * h * h + h * static_cast<double>(m_shape.actions));
}

double RnnAgent::inputFlopsPerRow() const {
    return 2.0 * static_cast<double>(m_shape.input * m_shape.hidden);
}

} // namespace knife
