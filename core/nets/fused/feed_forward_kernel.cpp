// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/nets/fused/feed_forward_kernel.h"

#include <ATen/core/Tensor.h>
#include <c10/util/Exception.h>

namespace knife {

namespace {

const FeedForward& shallow(const FeedForward& net) {
    TORCH_INTERNAL_ASSERT(net.layers().size() == (net.first() != nullptr ? 0U : 1U),
                          "FeedForwardKernel is made for at most one hidden layer");
    return net;
}

const Parameter& lastBias(const FeedForward& net) {
    return net.first() != nullptr ? net.first()->outBias() : *net.layers().front().bias;
}

} // namespace

FeedForwardKernel::FeedForwardKernel(const FeedForward& net)
    : m_net(shallow(net)),
      m_bias(lastBias(net).value.data_ptr<float>()),
      m_biasHandle(m_gradients.add(lastBias(net))),
      m_out(lastBias(net).value.numel()) {
    if (net.first() != nullptr) {
        m_composite.emplace(*net.first(),
                            CompositeKernel::Layout{.ldx = net.first()->shape().in, .ldy = m_out, .lddy = m_out});
    } else {
        const Parameter& weight = *net.layers().front().weight;
        m_linear.emplace(weight, m_gradients, LinearKernel::Layout{.ldx = weight.value.size(1), .ldy = m_out});
    }
}

void FeedForwardKernel::load(std::int64_t slots, const std::vector<std::int64_t>& blockRows, int shards) {
    if (m_composite) {
        m_composite->load(slots, blockRows, shards);
        return;
    }
    m_linear->load();
    for (const std::int64_t rows : blockRows) {
        m_linear->prepare(rows);
    }
}

void FeedForwardKernel::forward(std::int64_t rows, std::int64_t slot, int shard, const float* x, float* y) {
    if (!m_composite) {
        fillRows(m_bias, rows, m_out, {y, m_out});
        m_linear->forward(rows, x, y, Accumulate::Yes);
        return;
    }
    m_composite->forward(rows, slot, shard, x, y);
    for (std::int64_t r = 0; r < rows; ++r) {
        for (std::int64_t i = 0; i < m_out; ++i) {
            y[r * m_out + i] += m_bias[i];
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
    addColumnSums({dy, m_out}, rows, m_out, m_gradients.of(m_biasHandle, shard));
    if (m_composite) {
        m_composite->backward(rows, slot, shard, x, dy);
    } else {
        m_linear->toWeight(rows, dy, x, shard);
    }
}

void FeedForwardKernel::endBackward() {
    m_gradients.finish();
    if (m_composite) {
        m_composite->endBackward();
    }
}

void FeedForwardKernel::tap(SiteTaps& taps, std::int64_t slots) const {
    if (m_composite) {
        m_composite->tap(taps[m_net.firstSite()], slots);
    }
}

} // namespace knife
