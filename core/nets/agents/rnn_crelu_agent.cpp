// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/nets/agents/rnn_crelu_agent.h"

#include <algorithm>
#include <cmath>

#include <ATen/ATen.h>

namespace knife {

namespace {

// Parameters that grow with the first layer: of W units behind CReLU W (input + 1 + 6 H), of H plain ones
// H (input + 1 + 3 H).
std::int64_t widthOf(const AgentShape& shape) {
    const std::int64_t hidden = shape.config.hidden;
    if (shape.config.creluWidth == "hidden") {
        return hidden;
    }
    const auto plain = static_cast<double>(hidden * (shape.input + 1 + 3 * hidden));
    const auto perUnit = static_cast<double>(shape.input + 1 + 6 * hidden);
    return std::max<std::int64_t>(1, std::llround(plain / perUnit));
}

} // namespace

RnnCreluAgent::RnnCreluAgent(const AgentShape& shape, const AgentMaterials& materials)
    : m_shape(shape),
      m_hidden(shape.config.hidden),
      m_width(widthOf(shape)),
      m_fc1(declareWithin(materials, ".fc1.weight", {m_width, shape.input}, shape.input)),
      m_fc1Bias(declareWithin(materials, ".fc1.bias", {m_width}, shape.input)),
      m_inputGates(declareWithin(materials, ".gru.input.weight", {3 * m_hidden, 2 * m_width}, 2 * m_width)),
      m_inputGatesBias(declareWithin(materials, ".gru.input.bias", {3 * m_hidden}, 2 * m_width)),
      m_recurrent(materials, m_hidden),
      m_head(materials, m_hidden, shape.outputs) {
    const std::string fc1 = materials.name + ".fc1";
    m_site = materials.sites.add(
        {.name = fc1,
         .scope = SiteScope::Agent,
         .units = static_cast<int>(m_width),
         .weight = m_fc1,
         .bias = m_fc1Bias,
         .consumers = {{m_inputGates, m_inputGatesBias, 0}, {m_inputGates, m_inputGatesBias, m_width}},
         .composite = nullptr,
         .refusal = fc1 + " feeds each unit through CReLU into two inputs of its consumers; "
                          "composites are made of units with one"});
    offerUnits(shape, materials, {m_inputGates, m_inputGatesBias}, m_recurrent);
    m_head.offerUnits(shape, materials);
}

GateInput RnnCreluAgent::gateInput(const at::Tensor& x, SiteTaps* taps) const {
    const at::Tensor z = at::linear(x, m_fc1->value, m_fc1Bias->value);
    if (SiteTap* tap = tapOf(taps, m_site)) {
        // What a unit's two outputs add up to, and what their gradients do.
        tap->hidden = z.detach().abs();
        if (tap->wantsGradient && z.requires_grad()) {
            tap->input = x.detach();
            tap->gradient = recordGradient(z, z.detach().sign());
        }
    }
    const at::Tensor hidden = at::cat({at::relu(z), at::relu(-z)}, 1);
    return {at::linear(hidden, m_inputGates->value, m_inputGatesBias->value), hidden};
}

AgentPass RnnCreluAgent::readOut(const at::Tensor& memory) const {
    return {.outputs = m_head.forward(memory), .hidden = memory};
}

double RnnCreluAgent::flopsPerRow() const {
    const std::int64_t gates = 3 * m_hidden * (2 * m_width + m_hidden);
    return inputFlopsPerRow() + 2.0 * static_cast<double>(gates + m_hidden * m_shape.outputs);
}

double RnnCreluAgent::inputFlopsPerRow() const {
    return 2.0 * static_cast<double>(m_shape.input * m_width);
}

} // namespace knife
