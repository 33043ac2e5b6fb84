// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/nets/mixers/feed_forward.h"

#include <utility>

#include <ATen/ATen.h>
#include <fmt/format.h>

#include "core/nets/initialise.h"

namespace knife {

FeedForward::FeedForward(const MixerMaterials& materials, const std::string& name, Shape shape)
    : m_shape(std::move(shape)) {
    const auto declareLayer = [&](const std::string& layer, std::int64_t in, std::int64_t out) {
        const auto declare = [&](const std::string& parameter, const std::vector<std::int64_t>& sizes) {
            return declareUniform(materials.parameters, parameter, sizes, in, materials.seed);
        };
        m_layers.push_back({declare(layer + ".weight", {out, in}), declare(layer + ".bias", {out}), 0});
    };
    const auto& hidden = m_shape.hidden;
    if (hidden.empty()) {
        declareLayer(name, m_shape.in, m_shape.out);
        return;
    }
    const auto layerName = [&](std::size_t index) {
        return index == hidden.size() ? name + ".out" : fmt::format("{}.fc{}", name, index + 1);
    };
    const auto widthAfter = [&](std::size_t index) {
        return index == hidden.size() ? m_shape.out : hidden[index];
    };
    m_first =
        std::make_unique<CompositeLinear>(materials.parameters, name, layerName(1),
                                          CompositeLinear::Shape{m_shape.in, hidden[0], widthAfter(1)}, materials.seed);
    m_firstSite = materials.sites.add({.name = name,
                                       .scope = m_shape.scope,
                                       .units = static_cast<int>(hidden[0]),
                                       .weight = m_first->weight(),
                                       .bias = m_first->bias(),
                                       .consumers = {consumerOf(*m_first)},
                                       .composite = m_first.get(),
                                       .refusal = {}});
    for (std::size_t i = 1; i < hidden.size(); ++i) {
        Parameter* weight = i == 1 ? m_first->out() : m_layers.back().weight;
        Parameter* bias = i == 1 ? m_first->outBiasParameter() : m_layers.back().bias;
        declareLayer(layerName(i + 1), hidden[i], widthAfter(i + 1));
        Layer& consumer = m_layers.back();
        consumer.site = materials.sites.add({.name = layerName(i),
                                             .scope = m_shape.scope,
                                             .units = static_cast<int>(hidden[i]),
                                             .weight = weight,
                                             .bias = bias,
                                             .consumers = {{consumer.weight, consumer.bias, 0}},
                                             .composite = nullptr,
                                             .feeder = i == 1 ? m_first.get() : nullptr,
                                             .refusal = behindComposites(layerName(i), name)});
    }
}

at::Tensor FeedForward::forward(const at::Tensor& x, SiteTaps* taps) const {
    at::Tensor y = m_first ? m_first->forward(x, tapOf(taps, m_firstSite)) : x;
    for (const Layer& layer : m_layers) {
        if (m_first) {
            y = at::relu(y);
            if (SiteTap* tap = tapOf(taps, layer.site)) {
                record(*tap, y);
            }
        }
        y = at::linear(y, layer.weight->value, layer.bias->value);
    }
    return y;
}

double FeedForward::inputFlopsPerRow() const {
    const std::int64_t firstWidth = m_shape.hidden.empty() ? m_shape.out : m_shape.hidden.front();
    return 2.0 * static_cast<double>(m_shape.in * firstWidth);
}

double FeedForward::flopsPerRow() const {
    double flops = inputFlopsPerRow();
    for (std::size_t i = 0; i < m_shape.hidden.size(); ++i) {
        const std::int64_t next = i + 1 < m_shape.hidden.size() ? m_shape.hidden[i + 1] : m_shape.out;
        flops += 2.0 * static_cast<double>(m_shape.hidden[i] * next);
    }
    return flops;
}

} // namespace knife
