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

at::Tensor LinearHead::forward(const at::Tensor& hidden) const {
    return m_layer ? m_layer->forward(hidden) : at::Tensor();
}

} // namespace knife
