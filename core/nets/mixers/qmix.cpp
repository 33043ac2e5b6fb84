// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/nets/mixers/qmix.h"

#include <ATen/ATen.h>

#include "core/nets/mixers/qmix_kernel.h"

namespace knife {

namespace {

std::vector<std::int64_t> hypernetHidden(const QmixConfig& config) {
    return config.hypernetLayers == 2 ? std::vector<std::int64_t>{config.hypernetEmbed} : std::vector<std::int64_t>{};
}

} // namespace

void describe(FieldVisitor& visitor, QmixConfig& config) {
    visitor.field("embed", config.embed, {"units of the mixing layer"}, {1, 65536});
    visitor.field("hypernet_layers", config.hypernetLayers, {"linear layers of the two weight hypernetworks"}, {1, 2});
    visitor.field("hypernet_embed", config.hypernetEmbed, {"hidden units of two-layer hypernetworks"}, {1, 65536});
}

MonotonicMixing::MonotonicMixing(const QmixConfig& config, const MixerShape& shape, const MixerMaterials& materials,
                                 const std::string& prefix)
    : m_agents(shape.agents),
      m_embed(config.embed),
      m_state(shape.state),
      m_w1(materials, prefix + ".hyper_w1", {shape.state, hypernetHidden(config), shape.agents * config.embed}),
      m_b1(materials, prefix + ".hyper_b1", {shape.state, {}, config.embed}),
      m_w2(materials, prefix + ".hyper_w2", {shape.state, hypernetHidden(config), config.embed}),
      m_v(materials, prefix + ".v", {shape.state, {config.embed}, 1}) {
    m_mixSite =
        materials.sites.add({.name = prefix + ".mix",
                             .scope = SiteScope::Mixer,
                             .units = static_cast<int>(config.embed),
                             .weight = nullptr,
                             .bias = nullptr,
                             .consumers = {},
                             .composite = nullptr,
                             .refusal = prefix + ".mix has generated weights; a compensation neuron there would need a "
                                                 "negative weight and break the monotonicity of Q_tot",
                             .activation = SiteActivation::Elu});
}

at::Tensor MonotonicMixing::mix(const at::Tensor& q, const at::Tensor& state, SiteTaps* taps) const {
    const at::Tensor w1 = m_w1.forward(state, taps).abs().view({-1, m_agents, m_embed});
    const at::Tensor b1 = m_b1.forward(state, taps);
    const at::Tensor w2 = m_w2.forward(state, taps).abs();
    const at::Tensor v = m_v.forward(state, taps);
    // Multiply and sum: a batched product of these sizes is several times slower without a vendor BLAS.
    const at::Tensor hidden = at::elu((q.unsqueeze(2) * w1).sum(1) + b1);
    if (SiteTap* tap = tapOf(taps, m_mixSite)) {
        record(*tap, hidden);
    }
    return (hidden * w2).sum(1, /*keepdim=*/true) + v;
}

double MonotonicMixing::inputFlopsPerRow() const {
    return m_w1.inputFlopsPerRow() + m_b1.inputFlopsPerRow() + m_w2.inputFlopsPerRow() + m_v.inputFlopsPerRow();
}

double MonotonicMixing::flopsPerRow() const {
    const double mixing = 2.0 * static_cast<double>((m_agents + 1) * m_embed);
    return m_w1.flopsPerRow() + m_b1.flopsPerRow() + m_w2.flopsPerRow() + m_v.flopsPerRow() + mixing;
}

QmixMixer::QmixMixer(const QmixConfig& config, const MixerShape& shape, const MixerMaterials& materials)
    : m_mixing(config, shape, materials, "mixer") {}

at::Tensor QmixMixer::mix(const JointView& view, SiteTaps* taps) const {
    return m_mixing.mix(valuesAt(view.outputs, view.actions), view.state, taps);
}

std::unique_ptr<MixKernel> QmixMixer::makeKernel(WorkerPool& pool) const {
    return std::make_unique<QmixKernel>(m_mixing, pool);
}

} // namespace knife
