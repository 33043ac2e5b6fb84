// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/nets/agents/layer_norm.h"

#include <ATen/ATen.h>

namespace knife {

LayerNorm::LayerNorm(const AgentMaterials& materials, const std::string& part, std::int64_t units)
    : m_gain(materials.parameters.declare(materials.name + part + ".gain", at::ones({units}))),
      m_shift(materials.parameters.declare(materials.name + part + ".shift", at::zeros({units}))) {}

at::Tensor LayerNorm::forward(const at::Tensor& x) const {
    constexpr double kEpsilon = 1e-5;
    return at::layer_norm(x, {x.size(-1)}, m_gain->value, m_shift->value, kEpsilon);
}

} // namespace knife
