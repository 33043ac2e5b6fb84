// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/nets/fused/hidden_kernel.h"

#include <algorithm>

#include <ATen/ATen.h>

#include "core/nets/fused/gradient_view.h"
#include "core/nets/fused/grow.h"
#include "core/nets/kernels/pointwise.h"

namespace knife {

HiddenKernel::HiddenKernel(const HiddenNeurons& neurons, const Layout& layout)
    : m_in(neurons.in, m_gradients, {.ldx = layout.ldx, .ldy = neurons.in.value.size(0)}),
      m_out(neurons.out, m_gradients, {.ldx = neurons.in.value.size(0), .ldy = layout.ldy, .lddy = layout.lddy}),
      m_bias(neurons.bias.value.data_ptr<float>()),
      m_biasHandle(m_gradients.add(neurons.bias)),
      m_units(neurons.in.value.size(0)) {}

void HiddenKernel::load(std::int64_t slots, const std::vector<std::int64_t>& blockRows) {
    for (LinearKernel* linear : {&m_in, &m_out}) {
        linear->load();
        for (const std::int64_t rows : blockRows) {
            linear->prepare(rows);
        }
    }
    grow(m_hidden, slots * m_units);
    m_recorded.clear();
}

void HiddenKernel::activate(std::int64_t rows, std::int64_t slot, const float* x) {
    const Rows h{m_hidden.data() + slot * m_units, m_units};
    m_in.forward(rows, x, h.data);
    biasRelu(m_bias, rows, m_units, h);
}

void HiddenKernel::read(std::int64_t rows, std::int64_t slot, float* y, Accumulate accumulate) {
    m_out.forward(rows, m_hidden.data() + slot * m_units, y, accumulate);
}

void HiddenKernel::backward(std::int64_t rows, std::int64_t slot, int shard, const float* x, const float* dy,
                            float* scratch) {
    const Rows h{m_hidden.data() + slot * m_units, m_units};
    const Rows dh{scratch, m_units};
    m_out.toWeight(rows, dy, h.data, shard);
    m_out.toInput(rows, dy, dh.data);
    if (!m_recorded.empty()) {
        std::copy_n(dh.data, rows * m_units, m_recorded.data() + slot * m_units);
    }
    reluBackward(h, rows, m_units, dh);
    addColumnSums(dh, rows, m_units, m_gradients.of(m_biasHandle, shard));
    m_in.toWeight(rows, dh.data, x, shard);
}

at::Tensor HiddenKernel::activations(std::int64_t slots) {
    return viewOf(m_hidden, slots, m_units);
}

at::Tensor HiddenKernel::recordGradients(std::int64_t slots) {
    return gradientView(m_recorded, slots, m_units);
}

} // namespace knife
