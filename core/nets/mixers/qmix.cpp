// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/nets/mixers/qmix.h"

#include <ATen/ATen.h>

#include "core/nets/initialise.h"

namespace knife {

void describe(FieldVisitor& visitor, QmixConfig& config) {
    visitor.field("embed", config.embed, {"units of the mixing layer"}, {1, 65536});
    visitor.field("hypernet_layers", config.hypernetLayers, {"linear layers of the two weight hypernetworks"}, {1, 2});
    visitor.field("hypernet_embed", config.hypernetEmbed, {"hidden units of two-layer hypernetworks"}, {1, 65536});
}

QmixMixer::QmixMixer(const QmixConfig& config, const MixerShape& shape, const MixerMaterials& materials)
    : m_config(config), m_shape(shape) {
    const bool deep = config.hypernetLayers == 2;
    buildHypernet(m_w1, "mixer.hyper_w1", config.hypernetEmbed, shape.agents * config.embed, deep, materials);
    buildHypernet(m_b1, "mixer.hyper_b1", 0, config.embed, false, materials);
    buildHypernet(m_w2, "mixer.hyper_w2", config.hypernetEmbed, config.embed, deep, materials);
    buildHypernet(m_v, "mixer.v", config.embed, 1, true, materials);
    m_mixSite = materials.sites.add({.name = "mixer.mix",
                                     .scope = SiteScope::Mixer,
                                     .units = static_cast<int>(config.embed),
                                     .weight = nullptr,
                                     .composite = nullptr,
                                     .refusal = "mixer.mix has generated weights; a compensation neuron there would "
                                                "need a negative weight and break the monotonicity of Q_tot"});
}

void QmixMixer::buildHypernet(Hypernet& net, const std::string& name, std::int64_t hidden, std::int64_t outputs,
                              bool deep, const MixerMaterials& materials) const {
    if (!deep) {
        const auto declare = [&](const std::string& parameter, const std::vector<std::int64_t>& sizes) {
            return materials.parameters.declare(
                parameter, drawUniform(sizes, linearBound(m_shape.state), {materials.seed, "init/" + parameter, 0}));
        };
        net.weight = declare(name + ".weight", {outputs, m_shape.state});
        net.bias = declare(name + ".bias", {outputs});
        return;
    }
    net.deep.emplace(materials.parameters, name, name + ".out", CompositeLinear::Shape{m_shape.state, hidden, outputs},
                     materials.seed);
    net.site = materials.sites.add({.name = name,
                                    .scope = SiteScope::Mixer,
                                    .units = static_cast<int>(hidden),
                                    .weight = net.deep->weight(),
                                    .composite = &*net.deep,
                                    .refusal = {}});
}

at::Tensor QmixMixer::Hypernet::forward(const at::Tensor& state, SiteTaps* taps) const {
    return deep ? deep->forward(state, tapOf(taps, site)) : at::linear(state, weight->value, bias->value);
}

at::Tensor QmixMixer::mix(const at::Tensor& q, const at::Tensor& state, SiteTaps* taps) const {
    const at::Tensor w1 = m_w1.forward(state, taps).abs().view({-1, m_shape.agents, m_config.embed});
    const at::Tensor b1 = m_b1.forward(state, taps);
    const at::Tensor w2 = m_w2.forward(state, taps).abs();
    const at::Tensor v = m_v.forward(state, taps);
    // Multiply and sum: a batched product of these sizes is several times slower without a vendor BLAS.
    const at::Tensor hidden = at::elu((q.unsqueeze(2) * w1).sum(1) + b1);
    if (SiteTap* tap = tapOf(taps, m_mixSite)) {
        tap->hidden = hidden.detach();
    }
    return (hidden * w2).sum(1, /*keepdim=*/true) + v;
}

double QmixMixer::inputFlopsPerRow() const {
    const std::int64_t generated = m_shape.agents * m_config.embed + m_config.embed;
    const std::int64_t weights = m_config.hypernetLayers == 2 ? 2 * m_config.hypernetEmbed : generated;
    return 2.0 * static_cast<double>(m_shape.state * (weights + 2 * m_config.embed));
}

double QmixMixer::flopsPerRow() const {
    const std::int64_t generated = m_shape.agents * m_config.embed + m_config.embed;
    const std::int64_t behind = m_config.hypernetLayers == 2 ? m_config.hypernetEmbed * generated : 0;
    // b1 and v read the state like the weights do; v has one more layer; then the mixing itself.
    return inputFlopsPerRow() + 2.0 * static_cast<double>(behind + m_config.embed + generated);
}

} // namespace knife
