// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/nets/agents/rnn_agent.h"

#include <vector>

#include <ATen/ATen.h>

#include "core/nets/agents/rnn_kernel.h"
#include "core/nets/initialise.h"

namespace knife {

namespace {

Parameter* declareWithin(const AgentMaterials& materials, const std::string& part,
                         const std::vector<std::int64_t>& sizes, std::int64_t fanIn) {
    const std::string name = materials.name + part;
    return materials.parameters.declare(name,
                                        drawUniform(sizes, linearBound(fanIn), {materials.seed, "init/" + name, 0}));
}

// The second layer is the consumer of the first; without it the gates are.
CompositeLinear makeFirstLayer(const AgentShape& shape, const AgentMaterials& materials) {
    const std::int64_t hidden = shape.config.hidden;
    const bool deep = shape.config.fcLayers == 2;
    return {materials.parameters,
            materials.name + ".fc1",
            materials.name + (deep ? ".fc2" : ".gru.input"),
            {shape.input, hidden, deep ? hidden : 3 * hidden},
            materials.seed};
}

} // namespace

RnnAgent::RnnAgent(const AgentShape& shape, const AgentMaterials& materials)
    : m_shape(shape),
      m_hidden(shape.config.hidden),
      m_fc1(makeFirstLayer(shape, materials)),
      m_inputGates(shape.config.fcLayers == 2
                       ? declareWithin(materials, ".gru.input.weight", {3 * m_hidden, m_hidden}, m_hidden)
                       : nullptr),
      m_inputGatesBias(
          shape.config.fcLayers == 2 ? declareWithin(materials, ".gru.input.bias", {3 * m_hidden}, m_hidden) : nullptr),
      m_recurrent(declareWithin(materials, ".gru.recurrent.weight", {3 * m_hidden, m_hidden}, m_hidden)),
      m_recurrentBias(declareWithin(materials, ".gru.recurrent.bias", {3 * m_hidden}, m_hidden)),
      m_head(materials, m_hidden, shape.outputs) {
    const std::string first = materials.name + ".fc1";
    m_firstSite = materials.sites.add({.name = first,
                                       .scope = SiteScope::Agent,
                                       .units = static_cast<int>(m_hidden),
                                       .weight = m_fc1.weight(),
                                       .composite = &m_fc1,
                                       .refusal = {}});
    if (isDeep()) {
        const std::string second = materials.name + ".fc2";
        m_secondSite = materials.sites.add({.name = second,
                                            .scope = SiteScope::Agent,
                                            .units = static_cast<int>(m_hidden),
                                            .weight = m_fc1.out(),
                                            .composite = nullptr,
                                            .feeder = &m_fc1,
                                            .refusal = behindComposites(second, first)});
    }
}

at::Tensor RnnAgent::inputGates(const at::Tensor& x, SiteTaps* taps) const {
    const at::Tensor first = m_fc1.forward(x, tapOf(taps, m_firstSite));
    if (!isDeep()) {
        return first;
    }
    const at::Tensor hidden = at::relu(first);
    if (SiteTap* tap = tapOf(taps, m_secondSite)) {
        tap->hidden = hidden.detach();
    }
    return at::linear(hidden, m_inputGates->value, m_inputGatesBias->value);
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

AgentPass RnnAgent::unroll(const at::Tensor& inputs, SiteTaps* taps) const {
    const std::int64_t steps = inputs.size(0);
    const std::int64_t rows = inputs.size(1);
    const at::Tensor gates =
        inputGates(inputs.reshape({steps * rows, m_shape.input}), taps).view({steps, rows, 3 * m_hidden});
    // unbind once: indexing gates[t] inside the loop would make the backward pass quadratic in T.
    const std::vector<at::Tensor> gatesAt = gates.unbind(0);
    std::vector<at::Tensor> hiddens;
    hiddens.reserve(gatesAt.size());
    at::Tensor h = initialMemory(rows);
    for (const at::Tensor& gate : gatesAt) {
        h = cell(gate, h);
        hiddens.push_back(h);
    }
    const at::Tensor hidden = at::stack(hiddens);
    return {.outputs = m_head.forward(hidden), .hidden = hidden};
}

AgentPass RnnAgent::act(const at::Tensor& input, at::Tensor& memory) const {
    memory = cell(inputGates(input, nullptr), memory);
    return {.outputs = m_head.forward(memory), .hidden = memory};
}

at::Tensor RnnAgent::initialMemory(std::int64_t rows) const {
    return at::zeros({rows, m_hidden}, m_recurrent->value.options().requires_grad(false));
}

std::unique_ptr<AgentKernel> RnnAgent::makeKernel(WorkerPool& pool) const {
    return std::make_unique<RnnKernel>(*this, pool);
}

double RnnAgent::flopsPerRow() const {
    const std::int64_t second = isDeep() ? m_hidden * m_hidden : 0;
    return inputFlopsPerRow() +
           2.0 * static_cast<double>(second + 6 * m_hidden * m_hidden + m_hidden * m_shape.outputs);
}

double RnnAgent::inputFlopsPerRow() const {
    return 2.0 * static_cast<double>(m_shape.input * m_hidden);
}

} // namespace knife
