// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/nets/fused/gathered_neurons.h"

#include <algorithm>

#include <ATen/ATen.h>

namespace knife {

namespace {

Parameter roomFor(at::IntArrayRef sizes, bool trained) {
    return {.name = {},
            .value = at::empty(sizes),
            .grad = trained ? at::zeros(sizes) : at::Tensor(),
            .mask = {},
            .moment1 = {},
            .moment2 = {}};
}

void add(const float* from, std::int64_t count, float* to) {
    for (std::int64_t i = 0; i < count; ++i) {
        to[i] += from[i];
    }
}

} // namespace

GatheredNeurons::GatheredNeurons(const std::vector<const CompositeBranch*>& branches, BranchHalf half)
    : m_sign(half == BranchHalf::Active ? 1.F : -1.F) {
    std::int64_t units = 0;
    for (const CompositeBranch* branch : branches) {
        m_columns.push_back(units);
        const auto count = static_cast<std::int64_t>(branch->units.size());
        m_sources.push_back(
            half == BranchHalf::Active
                ? Source{branch->activeIn, branch->activeBias, branch->activeOut, count}
                : Source{branch->compensationIn, branch->compensationBias, branch->compensationOut, count});
        units += count;
    }
    const Source& first = m_sources.front();
    const bool trained = first.in->grad.defined();
    m_in = roomFor({units, first.in->value.size(1)}, trained);
    m_bias = roomFor({units}, trained);
    m_out = roomFor({first.out->value.size(0), units}, trained);
}

void GatheredNeurons::load() {
    float* in = m_in.value.data_ptr<float>();
    float* bias = m_bias.value.data_ptr<float>();
    const std::int64_t all = m_bias.value.numel();
    for (std::size_t i = 0; i < m_sources.size(); ++i) {
        const Source& source = m_sources[i];
        in = std::copy_n(source.in->value.data_ptr<float>(), source.in->value.numel(), in);
        bias = std::copy_n(source.bias->value.data_ptr<float>(), source.units, bias);
        const float* from = source.out->value.data_ptr<float>();
        float* to = m_out.value.data_ptr<float>() + m_columns[i];
        for (std::int64_t row = 0; row < m_out.value.size(0); ++row, to += all) {
            for (std::int64_t k = 0; k < source.units; ++k) {
                to[k] = m_sign * *from++;
            }
        }
    }
}

void GatheredNeurons::zeroGradients() {
    for (const Parameter* parameter : {&m_in, &m_bias, &m_out}) {
        std::fill_n(parameter->grad.data_ptr<float>(), parameter->grad.numel(), 0.F);
    }
}

void GatheredNeurons::handOutGradients() const {
    const float* in = m_in.grad.data_ptr<float>();
    const float* bias = m_bias.grad.data_ptr<float>();
    const std::int64_t all = m_bias.grad.numel();
    for (std::size_t i = 0; i < m_sources.size(); ++i) {
        const Source& source = m_sources[i];
        add(in, source.in->grad.numel(), source.in->grad.data_ptr<float>());
        add(bias, source.units, source.bias->grad.data_ptr<float>());
        in += source.in->grad.numel();
        bias += source.units;
        const float* from = m_out.grad.data_ptr<float>() + m_columns[i];
        float* to = source.out->grad.data_ptr<float>();
        for (std::int64_t row = 0; row < m_out.grad.size(0); ++row, from += all, to += source.units) {
            add(from, source.units, to);
        }
    }
}

} // namespace knife
