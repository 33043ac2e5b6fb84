// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/nets/agents/mlp_agent.h"

#include <ATen/ATen.h>

namespace knife {

namespace {

std::vector<Consumer> consumersOf(const LinearHead& head) {
    return head.weight() != nullptr ? std::vector<Consumer>{{head.weight(), head.bias(), 0}} : std::vector<Consumer>{};
}

} // namespace

MlpAgent::MlpAgent(const AgentShape& shape, const AgentMaterials& materials)
    : m_shape(shape),
      m_hidden(shape.config.hidden),
      m_fc1(materials.parameters, materials.name + ".fc1", materials.name + ".fc2", {shape.input, m_hidden, m_hidden},
            materials.seed),
      m_head(materials, m_hidden, shape.outputs) {
    const std::string second = materials.name + ".fc2";
    m_firstSite = materials.sites.add({.name = materials.name + ".fc1",
                                       .scope = SiteScope::Agent,
                                       .units = static_cast<int>(m_hidden),
                                       .weight = m_fc1.weight(),
                                       .bias = m_fc1.bias(),
                                       .consumers = {consumerOf(m_fc1)},
                                       .composite = &m_fc1,
                                       .refusal = {}});
    m_secondSite = materials.sites.add({.name = second,
                                        .scope = SiteScope::Agent,
                                        .units = static_cast<int>(m_hidden),
                                        .weight = m_fc1.out(),
                                        .bias = m_fc1.outBiasParameter(),
                                        .consumers = consumersOf(m_head),
                                        .composite = nullptr,
                                        .feeder = &m_fc1,
                                        .refusal = behindComposites(second, materials.name + ".fc1")});
    m_head.offerUnits(shape, materials);
}

AgentPass MlpAgent::forward(const at::Tensor& rows, SiteTaps* taps) const {
    const at::Tensor hidden = at::relu(m_fc1.forward(rows, tapOf(taps, m_firstSite)));
    if (SiteTap* tap = tapOf(taps, m_secondSite)) {
        record(*tap, hidden);
    }
    return {.outputs = m_head.forward(hidden), .hidden = hidden};
}

AgentPass MlpAgent::unroll(const at::Tensor& inputs, SiteTaps* taps) const {
    const std::int64_t steps = inputs.size(0);
    const std::int64_t rows = inputs.size(1);
    const AgentPass pass = forward(inputs.reshape({steps * rows, m_shape.input}), taps);
    const auto inTime = [&](const at::Tensor& flat) {
        return flat.defined() ? flat.view({steps, rows, flat.size(1)}) : flat;
    };
    return {.outputs = inTime(pass.outputs), .hidden = inTime(pass.hidden)};
}

AgentPass MlpAgent::act(const at::Tensor& input, at::Tensor&) const {
    return forward(input, nullptr);
}

at::Tensor MlpAgent::initialMemory(std::int64_t rows) const {
    return at::empty({rows, 0});
}

double MlpAgent::flopsPerRow() const {
    return inputFlopsPerRow() + 2.0 * static_cast<double>(m_hidden * (m_hidden + m_shape.outputs));
}

double MlpAgent::inputFlopsPerRow() const {
    return 2.0 * static_cast<double>(m_shape.input * m_hidden);
}

} // namespace knife
