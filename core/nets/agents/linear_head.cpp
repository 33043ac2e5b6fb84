// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/nets/agents/linear_head.h"

#include <ATen/ATen.h>

#include "core/nets/initialise.h"

namespace knife {

LinearHead::LinearHead(const AgentMaterials& materials, std::int64_t hidden, std::int64_t outputs) {
    if (outputs == 0) {
        return;
    }
    const auto declare = [&](const std::string& part, const std::vector<std::int64_t>& sizes) {
        return declareUniform(materials.parameters, materials.name + ".head." + part, sizes, hidden, materials.seed);
    };
    m_weight = declare("weight", {outputs, hidden});
    m_bias = declare("bias", {outputs});
}

at::Tensor LinearHead::forward(const at::Tensor& hidden) const {
    return m_weight != nullptr ? at::linear(hidden, m_weight->value, m_bias->value) : at::Tensor();
}

} // namespace knife
