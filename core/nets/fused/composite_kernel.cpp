// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/nets/fused/composite_kernel.h"

#include <algorithm>

#include <ATen/ATen.h>

#include "core/nets/fused/gradient_view.h"

namespace knife {

namespace {

// y += active - compensation. The difference comes first: right after a surgery it is exactly +0.
void addDifference(const float* active, const float* compensation, std::int64_t rows, std::int64_t n, Rows y) {
    for (std::int64_t r = 0; r < rows; ++r) {
        float* to = y.row(r);
        for (std::int64_t i = 0; i < n; ++i) {
            to[i] += active[r * n + i] - compensation[r * n + i];
        }
    }
}

} // namespace

CompositeKernel::Branch::Branch(const Parameter& weight, const Parameter& biasParameter, const Parameter& outgoing,
                                GradientShards& gradients, const Layout& layout)
    : in(weight, gradients, {.ldx = layout.ldx, .ldy = weight.value.size(0)}),
      out(outgoing, gradients, {.ldx = weight.value.size(0), .ldy = layout.ldy, .lddy = layout.lddy}),
      bias(biasParameter.value.data_ptr<float>()),
      biasHandle(gradients.add(biasParameter)),
      units(weight.value.size(0)) {}

void CompositeKernel::Branch::forward(std::int64_t rows, std::int64_t slot, const float* x, float* y) {
    const Rows h = at(slot);
    in.forward(rows, x, h.data);
    biasRelu(bias, rows, units, h);
    out.forward(rows, h.data, y);
}

CompositeKernel::CompositeKernel(const CompositeLinear& layer, const Layout& layout)
    : m_layer(layer), m_layout(layout) {}

void CompositeKernel::adoptStructure() {
    if (m_version == m_layer.version()) {
        return;
    }
    m_version = m_layer.version();
    m_gradients = {};
    m_frozen = {};
    m_events.clear();
    m_base = std::make_unique<Branch>(*m_layer.weight(), *m_layer.bias(), *m_layer.out(), m_gradients, m_layout);
    // Both halves of an event write to dense scratch of equal shape.
    const Layout dense{
        .ldx = m_layout.ldx, .ldy = m_layer.shape().out, .lddy = m_layout.lddy > 0 ? m_layout.lddy : m_layout.ldy};
    for (const CompositeBranch& branch : m_layer.branches()) {
        m_events.push_back(
            {std::make_unique<Branch>(*branch.activeIn, *branch.activeBias, *branch.activeOut, m_gradients, dense),
             std::make_unique<Branch>(*branch.compensationIn, *branch.compensationBias, *branch.compensationOut,
                                      m_frozen, dense)});
    }
}

void CompositeKernel::load(std::int64_t slots, const std::vector<std::int64_t>& blockRows, int shards) {
    adoptStructure();
    const auto ready = [&](Branch& branch) {
        branch.in.load();
        branch.out.load();
        for (const std::int64_t rows : blockRows) {
            branch.in.prepare(rows);
            branch.out.prepare(rows);
        }
        branch.hidden.resize(static_cast<std::size_t>(
            std::max<std::int64_t>(slots * branch.units, static_cast<std::int64_t>(branch.hidden.size()))));
        branch.gradient.clear();
    };
    ready(*m_base);
    for (Event& event : m_events) {
        ready(*event.active);
        ready(*event.compensation);
    }
    m_blockRows = std::ranges::max(blockRows);
    const std::int64_t widest = std::max(m_layer.shape().hidden, 2 * m_layer.shape().out);
    m_scratch.resize(std::max(m_scratch.size(), static_cast<std::size_t>(shards)));
    for (std::vector<float>& scratch : m_scratch) {
        scratch.resize(std::max(scratch.size(), static_cast<std::size_t>(m_blockRows * widest)));
    }
}

void CompositeKernel::forward(std::int64_t rows, std::int64_t slot, int shard, const float* x, float* y) {
    m_base->forward(rows, slot, x, y);
    const std::int64_t out = m_layer.shape().out;
    float* active = m_scratch[static_cast<std::size_t>(shard)].data();
    float* compensation = active + m_blockRows * out;
    for (Event& event : m_events) {
        event.active->forward(rows, slot, x, active);
        event.compensation->forward(rows, slot, x, compensation);
        addDifference(active, compensation, rows, out, {y, m_layout.ldy});
    }
}

void CompositeKernel::backwardThrough(Branch& branch, std::int64_t rows, std::int64_t slot, int shard, const float* x,
                                      const float* dy) {
    const Rows h = branch.at(slot);
    const Rows dh{m_scratch[static_cast<std::size_t>(shard)].data(), branch.units};
    branch.out.toWeight(rows, dy, h.data, shard);
    branch.out.toInput(rows, dy, dh.data);
    if (!branch.gradient.empty()) {
        std::copy_n(dh.data, rows * branch.units, branch.gradient.data() + slot * branch.units);
    }
    reluBackward(h, rows, branch.units, dh);
    addColumnSums(dh, rows, branch.units, m_gradients.of(branch.biasHandle, shard));
    branch.in.toWeight(rows, dh.data, x, shard);
}

void CompositeKernel::backward(std::int64_t rows, std::int64_t slot, int shard, const float* x, const float* dy) {
    backwardThrough(*m_base, rows, slot, shard, x, dy);
    for (Event& event : m_events) {
        backwardThrough(*event.active, rows, slot, shard, x, dy);
    }
}

void CompositeKernel::tap(SiteTap& tap, std::int64_t slots) {
    const auto shown = [slots](Branch& branch) {
        return viewOf(branch.hidden, slots, branch.units);
    };
    const auto recorded = [slots, &tap](Branch& branch) {
        return tap.wantsGradient ? gradientView(branch.gradient, slots, branch.units) : at::Tensor();
    };
    tap.hidden = shown(*m_base);
    tap.gradient = recorded(*m_base);
    tap.branches.clear();
    for (Event& event : m_events) {
        tap.branches.push_back({shown(*event.active), shown(*event.compensation), recorded(*event.active)});
    }
}

} // namespace knife
