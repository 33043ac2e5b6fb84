// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/nets/agents/mlp_agent.h"

#include <vector>

#include <ATen/ATen.h>

#include "core/nets/initialise.h"

namespace knife {

MlpAgent::MlpAgent(const AgentShape& shape, const AgentMaterials& materials)
    : m_shape(shape),
      m_fc1(materials.parameters, "agent.fc1", "agent.fc2", {shape.input, shape.hidden, shape.hidden}, materials.seed) {
    const auto declare = [&](const std::string& name, const std::vector<std::int64_t>& sizes) {
        return materials.parameters.declare(
            name, drawUniform(sizes, linearBound(shape.hidden), {materials.seed, "init/" + name, 0}));
    };
    m_head = declare("agent.head.weight", {shape.actions, shape.hidden});
    m_headBias = declare("agent.head.bias", {shape.actions});
    m_firstSite = materials.sites.add({.name = "agent.fc1",
                                       .scope = SiteScope::Agent,
                                       .units = static_cast<int>(shape.hidden),
                                       .weight = m_fc1.weight(),
                                       .composite = &m_fc1,
                                       .refusal = {}});
    m_secondSite = materials.sites.add(
        {.name = "agent.fc2",
         .scope = SiteScope::Agent,
         .units = static_cast<int>(shape.hidden),
         .weight = m_fc1.out(),
         .composite = nullptr,
         .feeder = &m_fc1,
         .refusal = "agent.fc2 reads the composites of agent.fc1; only sites that read raw inputs accept composites"});
}

at::Tensor MlpAgent::forward(const at::Tensor& rows, SiteTaps* taps) const {
    const at::Tensor hidden = at::relu(m_fc1.forward(rows, tapOf(taps, m_firstSite)));
    if (SiteTap* tap = tapOf(taps, m_secondSite)) {
        tap->hidden = hidden.detach();
    }
    return at::linear(hidden, m_head->value, m_headBias->value);
}

at::Tensor MlpAgent::unroll(const at::Tensor& inputs, SiteTaps* taps) const {
    const std::int64_t steps = inputs.size(0);
    const std::int64_t rows = inputs.size(1);
    return forward(inputs.reshape({steps * rows, m_shape.input}), taps).view({steps, rows, m_shape.actions});
}

at::Tensor MlpAgent::act(const at::Tensor& input, at::Tensor&) const {
    return forward(input, nullptr);
}

at::Tensor MlpAgent::initialMemory(std::int64_t rows) const {
    return at::empty({rows, 0});
}

double MlpAgent::flopsPerRow() const {
    const auto h = static_cast<double>(m_shape.hidden);
    return 2.0 * (static_cast<double>(m_shape.input) * h + h * h + h * static_cast<double>(m_shape.actions));
}

double MlpAgent::inputFlopsPerRow() const {
    return 2.0 * static_cast<double>(m_shape.input * m_shape.hidden);
}

} // namespace knife
