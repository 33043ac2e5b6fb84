// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/nets/mixers/central_mixing.h"

#include <ATen/ATen.h>

namespace knife {

CentralMixing::CentralMixing(const MixerShape& shape, std::int64_t width, const MixerMaterials& materials,
                             const std::string& prefix)
    : m_stateFlops(2.0 * static_cast<double>(shape.state * width)),
      m_net(materials, prefix + ".mixer", {shape.state + shape.agents, {width, width, width}, 1}),
      m_v(materials, prefix + ".v", {shape.state, {width}, 1}) {}

at::Tensor CentralMixing::mix(const at::Tensor& q, const at::Tensor& state, SiteTaps* taps) const {
    return m_net.forward(at::cat({state, q}, 1), taps) + m_v.forward(state, taps);
}

double CentralMixing::flopsPerRow() const {
    return m_net.flopsPerRow() + m_v.flopsPerRow();
}

double CentralMixing::inputFlopsPerRow() const {
    return m_stateFlops + m_v.inputFlopsPerRow();
}

} // namespace knife
