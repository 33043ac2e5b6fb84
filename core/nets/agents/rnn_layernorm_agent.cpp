// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/nets/agents/rnn_layernorm_agent.h"

#include <ATen/ATen.h>

namespace knife {

RnnLayerNormAgent::RnnLayerNormAgent(const AgentShape& shape, const AgentMaterials& materials)
    : m_shape(shape),
      m_hidden(shape.config.hidden),
      m_fc1(declareWithin(materials, ".fc1.weight", {m_hidden, shape.input}, shape.input)),
      m_fc1Bias(declareWithin(materials, ".fc1.bias", {m_hidden}, shape.input)),
      m_fc1Norm(materials, ".fc1.norm", m_hidden),
      m_inputGates(declareWithin(materials, ".gru.input.weight", {3 * m_hidden, m_hidden}, m_hidden)),
      m_inputGatesBias(declareWithin(materials, ".gru.input.bias", {3 * m_hidden}, m_hidden)),
      m_recurrent(materials, m_hidden),
      m_headNorm(materials, ".head.norm", m_hidden),
      m_head(materials, m_hidden, shape.outputs) {
    const std::string fc1 = materials.name + ".fc1";
    m_site = materials.sites.add({.name = fc1,
                                  .scope = SiteScope::Agent,
                                  .units = static_cast<int>(m_hidden),
                                  .weight = m_fc1,
                                  .bias = m_fc1Bias,
                                  .consumers = {{m_inputGates, m_inputGatesBias, 0}},
                                  .composite = nullptr,
                                  .refusal = fc1 + " is normalised over all its units at once, so a composite of one "
                                                   "unit would change the others",
                                  .scales = false});
    offerUnits(shape, materials, {m_inputGates, m_inputGatesBias}, m_recurrent);
    m_head.offerUnits(shape, materials);
}

GateInput RnnLayerNormAgent::gateInput(const at::Tensor& x, SiteTaps* taps) const {
    const at::Tensor hidden = at::relu(m_fc1Norm.forward(at::linear(x, m_fc1->value, m_fc1Bias->value)));
    if (SiteTap* tap = tapOf(taps, m_site)) {
        record(*tap, hidden);
    }
    return {at::linear(hidden, m_inputGates->value, m_inputGatesBias->value), hidden};
}

AgentPass RnnLayerNormAgent::readOut(const at::Tensor& memory) const {
    const at::Tensor read = m_headNorm.forward(memory);
    return {.outputs = m_head.forward(read), .hidden = read};
}

double RnnLayerNormAgent::flopsPerRow() const {
    return inputFlopsPerRow() + 2.0 * static_cast<double>(6 * m_hidden * m_hidden + m_hidden * m_shape.outputs);
}

double RnnLayerNormAgent::inputFlopsPerRow() const {
    return 2.0 * static_cast<double>(m_shape.input * m_hidden);
}

} // namespace knife
