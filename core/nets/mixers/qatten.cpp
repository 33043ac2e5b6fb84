// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/nets/mixers/qatten.h"

#include <cmath>

#include <ATen/ATen.h>
#include <fmt/format.h>

#include "core/nets/mixers/own_features.h"

namespace knife {

void describe(FieldVisitor& visitor, QattenConfig& config) {
    visitor.field("heads", config.heads, {"attention heads"}, {1, 1024});
    visitor.field("query_hidden", config.queryHidden, {"hidden units of a query network"}, {1, 65536});
    visitor.field("embed", config.embed, {"width of queries and keys"}, {1, 65536});
    visitor.field("head_hidden", config.headHidden, {"hidden units of the network that weighs the heads"}, {1, 65536});
    visitor.field("constant_hidden", config.constantHidden, {"hidden units of the network that gives the constant"},
                  {1, 65536});
    visitor.field("weighted", config.weighted, {"weigh the heads by the state instead of adding them up"});
}

QattenMixer::QattenMixer(const QattenConfig& config, const MixerShape& shape, const MixerMaterials& materials)
    : m_config(config),
      m_shape(shape),
      m_constant(materials, "mixer.constant", {shape.state, {config.constantHidden}, 1}) {
    if (config.weighted) {
        m_headWeights.emplace(materials, "mixer.head",
                              FeedForward::Shape{shape.state, {config.headHidden}, config.heads});
    }
    const std::int64_t own = ownFeatureWidth(shape);
    for (std::int64_t h = 0; h < config.heads; ++h) {
        m_heads.push_back({.query = FeedForward(materials, fmt::format("mixer.query{}", h),
                                                {shape.state, {config.queryHidden}, config.embed}),
                           .key = FeedForward(materials, fmt::format("mixer.key{}", h), {own, {}, config.embed})});
    }
}

MixerNeeds QattenMixer::needs() const {
    MixerNeeds needs;
    needs.inputs = ownFeaturesNeedInputs(m_shape);
    return needs;
}

at::Tensor QattenMixer::mix(const JointView& view, SiteTaps* taps) const {
    const at::Tensor q = valuesAt(view.outputs, view.actions);
    const at::Tensor own = ownFeatures(view, m_shape);
    const double scale = 1.0 / std::sqrt(static_cast<double>(m_config.embed));
    std::vector<at::Tensor> headValues;
    for (const Head& head : m_heads) {
        const at::Tensor query = head.query.forward(view.state, taps).unsqueeze(1);
        const at::Tensor keys = head.key.forward(own, taps).view({-1, m_shape.agents, m_config.embed});
        const at::Tensor attention = at::softmax((query * keys).sum(2) * scale, 1);
        headValues.push_back((attention * q).sum(1));
    }
    at::Tensor values = at::stack(headValues, 1);
    if (m_headWeights) {
        values = m_headWeights->forward(view.state, taps).abs() * values;
    }
    return values.sum(1, /*keepdim=*/true) + m_constant.forward(view.state, taps);
}

double QattenMixer::flopsPerRow() const {
    const auto agents = static_cast<double>(m_shape.agents);
    double flops = m_constant.flopsPerRow();
    if (m_headWeights) {
        flops += m_headWeights->flopsPerRow();
    }
    for (const Head& head : m_heads) {
        flops += head.query.flopsPerRow() + agents * head.key.flopsPerRow();
        flops += 2.0 * agents * static_cast<double>(m_config.embed + 1);
    }
    return flops;
}

double QattenMixer::inputFlopsPerRow() const {
    double flops = m_constant.inputFlopsPerRow();
    if (m_headWeights) {
        flops += m_headWeights->inputFlopsPerRow();
    }
    for (const Head& head : m_heads) {
        flops += head.query.inputFlopsPerRow() + static_cast<double>(m_shape.agents) * head.key.inputFlopsPerRow();
    }
    return flops;
}

} // namespace knife
