// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/nets/agents/rnn_agent.h"

#include <ATen/ATen.h>

#include "core/nets/agents/rnn_kernel.h"

namespace knife {

namespace {

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
      m_recurrent(materials, m_hidden),
      m_head(materials, m_hidden, shape.outputs) {
    const std::string first = materials.name + ".fc1";
    m_firstSite = materials.sites.add({.name = first,
                                       .scope = SiteScope::Agent,
                                       .units = static_cast<int>(m_hidden),
                                       .weight = m_fc1.weight(),
                                       .bias = m_fc1.bias(),
                                       .consumers = {consumerOf(m_fc1)},
                                       .composite = &m_fc1,
                                       .refusal = {}});
    if (isDeep()) {
        const std::string second = materials.name + ".fc2";
        m_secondSite = materials.sites.add({.name = second,
                                            .scope = SiteScope::Agent,
                                            .units = static_cast<int>(m_hidden),
                                            .weight = m_fc1.out(),
                                            .bias = m_fc1.outBiasParameter(),
                                            .consumers = {{m_inputGates, m_inputGatesBias, 0}},
                                            .composite = nullptr,
                                            .feeder = &m_fc1,
                                            .refusal = behindComposites(second, first)});
        offerUnits(shape, materials, {m_inputGates, m_inputGatesBias}, m_recurrent);
    } else {
        offerUnits(shape, materials, {m_fc1.out(), m_fc1.outBiasParameter(), &m_fc1}, m_recurrent);
    }
    m_head.offerUnits(shape, materials);
}

GateInput RnnAgent::gateInput(const at::Tensor& x, SiteTaps* taps) const {
    at::Tensor units;
    const at::Tensor first =
        m_fc1.forward(x, tapOf(taps, m_firstSite), !isDeep() && hasComposites() ? &units : nullptr);
    if (!isDeep()) {
        return {first, units};
    }
    const at::Tensor hidden = at::relu(first);
    if (SiteTap* tap = tapOf(taps, m_secondSite)) {
        record(*tap, hidden);
    }
    return {at::linear(hidden, m_inputGates->value, m_inputGatesBias->value), hidden};
}

AgentPass RnnAgent::readOut(const at::Tensor& memory) const {
    return {.outputs = m_head.forward(memory), .hidden = memory};
}

std::unique_ptr<AgentKernel> RnnAgent::makeKernel(WorkerPool& pool) const {
    return offersUnits() ? nullptr : std::make_unique<RnnKernel>(*this, pool);
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
