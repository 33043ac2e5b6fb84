// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/nets/fused/feed_forward_kernel.h"

#include <algorithm>

#include <ATen/ATen.h>

#include "core/nets/fused/gradient_view.h"
#include "core/nets/fused/grow.h"
#include "core/nets/kernels/pointwise.h"

namespace knife {

namespace {

void addBias(const float* bias, std::int64_t rows, std::int64_t n, float* y) {
    for (std::int64_t r = 0; r < rows; ++r) {
        for (std::int64_t i = 0; i < n; ++i) {
            y[r * n + i] += bias[i];
        }
    }
}

} // namespace

FeedForwardKernel::FeedForwardKernel(const FeedForward& net) : m_net(net) {
    if (const CompositeLinear* first = net.first()) {
        const CompositeLinear::Shape& shape = first->shape();
        m_compositeBias = first->outBias().value.data_ptr<float>();
        m_compositeBiasHandle = m_gradients.add(first->outBias());
        m_composite.emplace(*first, CompositeKernel::Layout{.ldx = shape.in, .ldy = shape.out, .lddy = shape.out});
    }
    m_layers.reserve(net.layers().size());
    for (const FeedForward::Layer& layer : net.layers()) {
        const std::int64_t out = layer.weight->value.size(0);
        const std::int64_t in = layer.weight->value.size(1);
        m_layers.push_back({.linear = {*layer.weight, m_gradients, {.ldx = in, .ldy = out}},
                            .bias = layer.bias->value.data_ptr<float>(),
                            .biasHandle = m_gradients.add(*layer.bias),
                            .site = layer.site,
                            .in = in,
                            .out = out,
                            .hidden = {},
                            .gradient = {}});
        m_widest = std::max(m_widest, in);
    }
}

void FeedForwardKernel::load(std::int64_t slots, const std::vector<std::int64_t>& blockRows, int shards) {
    m_blockRows = std::ranges::max(blockRows);
    for (Layer& layer : m_layers) {
        layer.linear.load();
        for (const std::int64_t rows : blockRows) {
            layer.linear.prepare(rows);
        }
    }
    if (!m_composite) {
        return;
    }
    m_composite->load(slots, blockRows, shards);
    for (Layer& layer : m_layers) {
        grow(layer.hidden, slots * layer.in);
        layer.gradient.clear();
    }
    m_scratch.resize(std::max(m_scratch.size(), static_cast<std::size_t>(shards)));
    for (std::vector<float>& scratch : m_scratch) {
        grow(scratch, m_layers.empty() ? 0 : 2 * m_blockRows * m_widest);
    }
}

float* FeedForwardKernel::resultBefore(std::size_t layer, std::int64_t slot, float* y) {
    return layer < m_layers.size() ? m_layers[layer].hidden.data() + slot * m_layers[layer].in : y;
}

void FeedForwardKernel::forwardThroughComposite(std::int64_t rows, std::int64_t slot, const float* x, float* y) {
    const std::int64_t width = m_net.first()->shape().out;
    float* result = resultBefore(0, slot, y);
    m_composite->forward(rows, slot, x, result);
    if (m_layers.empty()) {
        addBias(m_compositeBias, rows, width, result);
    } else {
        biasRelu(m_compositeBias, rows, width, {result, width});
    }
}

void FeedForwardKernel::forward(std::int64_t rows, std::int64_t slot, const float* x, float* y) {
    if (m_composite) {
        forwardThroughComposite(rows, slot, x, y);
    }
    for (std::size_t i = 0; i < m_layers.size(); ++i) {
        const Layer& layer = m_layers[i];
        const float* from = m_composite ? resultBefore(i, slot, y) : x;
        if (isLast(i)) {
            fillRows(layer.bias, rows, layer.out, {y, layer.out});
            layer.linear.forward(rows, from, y, Accumulate::Yes);
        } else {
            float* result = resultBefore(i + 1, slot, y);
            layer.linear.forward(rows, from, result);
            biasRelu(layer.bias, rows, layer.out, {result, layer.out});
        }
    }
}

void FeedForwardKernel::beginBackward(int shards) {
    m_gradients.begin(shards);
    if (m_composite) {
        m_composite->beginBackward(shards);
    }
}

void FeedForwardKernel::backward(std::int64_t rows, std::int64_t slot, int shard, const float* x, const float* dy) {
    for (std::size_t i = m_layers.size(); i-- > 0;) {
        const Layer& layer = m_layers[i];
        addColumnSums({dy, layer.out}, rows, layer.out, m_gradients.of(layer.biasHandle, shard));
        if (!m_composite) {
            layer.linear.toWeight(rows, dy, x, shard);
            return;
        }
        const float* hidden = layer.hidden.data() + slot * layer.in;
        layer.linear.toWeight(rows, dy, hidden, shard);
        // The gradient that is read and the one that is written take turns in two places.
        float* dHidden = m_scratch[static_cast<std::size_t>(shard)].data() +
                         static_cast<std::int64_t>(i % 2) * m_blockRows * m_widest;
        layer.linear.toInput(rows, dy, dHidden);
        if (!layer.gradient.empty()) {
            std::copy_n(dHidden, rows * layer.in, m_layers[i].gradient.data() + slot * layer.in);
        }
        reluBackward({hidden, layer.in}, rows, layer.in, {dHidden, layer.in});
        dy = dHidden;
    }
    const std::int64_t width = m_net.first()->shape().out;
    addColumnSums({dy, width}, rows, width, m_gradients.of(m_compositeBiasHandle, shard));
    m_composite->backward(rows, slot, shard, x, dy);
}

void FeedForwardKernel::endBackward() {
    m_gradients.finish();
    if (m_composite) {
        m_composite->endBackward();
    }
}

void FeedForwardKernel::tap(SiteTaps& taps, std::int64_t slots) {
    if (!m_composite) {
        return;
    }
    m_composite->tap(taps[m_net.firstSite()], slots);
    for (Layer& layer : m_layers) {
        SiteTap& tap = taps[layer.site];
        tap.hidden = viewOf(layer.hidden, slots, layer.in);
        tap.gradient = tap.wantsGradient ? gradientView(layer.gradient, slots, layer.in) : at::Tensor();
    }
}

} // namespace knife
