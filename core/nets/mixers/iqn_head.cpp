// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/nets/mixers/iqn_head.h"

#include <numbers>

#include <ATen/ATen.h>

#include "core/nets/initialise.h"

namespace knife {

IqnHead::IqnHead(std::int64_t cosines, const MixerShape& shape, const MixerMaterials& materials)
    : m_shape(shape),
      m_cosines(cosines),
      m_phi(declareUniform(materials.parameters, "mixer.phi.weight", {shape.hidden, cosines}, cosines, materials.seed)),
      m_phiBias(declareUniform(materials.parameters, "mixer.phi.bias", {shape.hidden}, cosines, materials.seed)),
      m_head(declareUniform(materials.parameters, "mixer.head.weight", {shape.actions, shape.hidden}, shape.hidden,
                            materials.seed)),
      m_headBias(
          declareUniform(materials.parameters, "mixer.head.bias", {shape.actions}, shape.hidden, materials.seed)),
      m_site(materials.sites.add({.name = "mixer.phi",
                                  .scope = SiteScope::Mixer,
                                  .units = static_cast<int>(shape.hidden),
                                  .weight = m_phi,
                                  .bias = m_phiBias,
                                  .consumers = {},
                                  .composite = nullptr,
                                  .refusal = "mixer.phi is multiplied with the memory of the agents; composites need "
                                             "a linear layer that reads the units themselves"})) {}

at::Tensor IqnHead::embed(const at::Tensor& fractions) const {
    const at::Tensor frequencies = at::arange(m_cosines, fractions.options()) * std::numbers::pi;
    return at::relu(at::linear(at::cos(fractions.unsqueeze(-1) * frequencies), m_phi->value, m_phiBias->value));
}

at::Tensor IqnHead::chosen(const at::Tensor& hidden, const at::Tensor& actions, const at::Tensor& fractions,
                           SiteTaps* taps) const {
    const std::int64_t rows = hidden.size(0);
    const std::int64_t groups = fractions.size(1);
    const at::Tensor phi = embed(fractions); // [R, G, K, H]
    if (SiteTap* tap = tapOf(taps, m_site)) {
        tap->hidden = phi.detach().mean({1, 2});
    }
    const at::Tensor flat = actions.reshape({-1});
    const at::Tensor weights = m_head->value.index_select(0, flat).view(hidden.sizes());
    const at::Tensor weighted = (hidden * weights).view({rows, groups, -1, m_shape.hidden}); // [R, G, N / G, H]
    const at::Tensor z = at::matmul(weighted, phi.transpose(2, 3)).reshape({rows, m_shape.agents, -1});
    return z + m_headBias->value.index_select(0, flat).view({rows, m_shape.agents, 1});
}

at::Tensor IqnHead::means(const at::Tensor& hidden, const at::Tensor& fractions) const {
    return at::linear(hidden * embed(fractions).mean(0), m_head->value, m_headBias->value);
}

double IqnHead::inputFlopsPerRow(std::int64_t groups, std::int64_t quantiles) const {
    return 2.0 * static_cast<double>(groups * quantiles * m_cosines * m_shape.hidden);
}

double IqnHead::flopsPerRow(std::int64_t groups, std::int64_t quantiles) const {
    return inputFlopsPerRow(groups, quantiles) +
           2.0 * static_cast<double>(m_shape.agents * (quantiles + 1) * m_shape.hidden);
}

} // namespace knife
