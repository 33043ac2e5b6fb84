// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/nets/agents/linear_head.h"

#include <ATen/ATen.h>

namespace knife {

LinearHead::LinearHead(const AgentMaterials& materials, std::int64_t hidden, std::int64_t outputs) {
    if (outputs == 0) {
        return;
    }
    m_layer.emplace(materials.parameters, materials.name + ".head", hidden, outputs, materials.seed);
    materials.sites.addInjectable(*m_layer);
}

void LinearHead::offerUnits(const AgentShape& shape, const AgentMaterials& materials) {
    if (!m_layer || !offers(shape.config, kHeadSite)) {
        return;
    }
    materials.sites.add({.name = m_layer->name(),
                         .scope = SiteScope::Agent,
                         .units = static_cast<int>(m_layer->units()),
                         .weight = m_layer->weight(),
                         .bias = m_layer->bias(),
                         .consumers = {},
                         .linear = &*m_layer,
                         .refusal = {},
                         .onlyByName = true});
}

at::Tensor LinearHead::forward(const at::Tensor& hidden) const {
    return m_layer ? m_layer->forward(hidden) : at::Tensor();
}

} // namespace knife
