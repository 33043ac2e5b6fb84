// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/nets/parameters.h"

#include <utility>

#include <ATen/ATen.h>

namespace knife {

Parameter* ParameterSet::declare(std::string name, at::Tensor initial) {
    Parameter& parameter = m_parameters.emplace_back();
    parameter.name = std::move(name);
    parameter.value = std::move(initial);
    m_pending.push_back(&parameter);
    return &parameter;
}

void ParameterSet::seal(Trainability trainability) {
    std::vector<at::Tensor> flat;
    flat.reserve(m_pending.size());
    for (const Parameter* parameter : m_pending) {
        flat.push_back(parameter->value.reshape({-1}));
    }
    ParameterBlock& block = m_blocks.emplace_back();
    block.trainable = trainability == Trainability::Trainable;
    block.value = (flat.empty() ? at::empty({0}) : at::cat(flat)).to(m_device);
    block.parameters = std::exchange(m_pending, {});
    const bool trained = block.trainable && m_use == ParameterUse::Trained;
    if (trained) {
        block.grad = at::zeros_like(block.value);
        block.mask = at::ones_like(block.value);
        block.moment1 = at::zeros_like(block.value);
        block.moment2 = at::zeros_like(block.value);
    }
    std::int64_t offset = 0;
    for (Parameter* parameter : block.parameters) {
        const std::int64_t length = parameter->value.numel();
        const auto shape = parameter->value.sizes().vec();
        const auto view = [&](const at::Tensor& buffer) {
            return buffer.narrow(0, offset, length).view(shape).detach();
        };
        parameter->value = view(block.value);
        if (trained) {
            parameter->grad = view(block.grad);
            parameter->mask = view(block.mask);
            parameter->moment1 = view(block.moment1);
            parameter->moment2 = view(block.moment2);
            parameter->value.requires_grad_(true);
            parameter->value.mutable_grad() = parameter->grad;
        }
        offset += length;
    }
}

void ParameterSet::truncate(std::size_t count) {
    while (m_blocks.size() > count) {
        for (std::size_t i = 0; i < m_blocks.back().parameters.size(); ++i) {
            m_parameters.pop_back();
        }
        m_blocks.pop_back();
    }
}

std::int64_t ParameterSet::count(Trainability trainability) const {
    std::int64_t total = 0;
    for (const ParameterBlock& block : m_blocks) {
        std::int64_t trainable = 0;
        if (block.trainable) {
            trainable = block.anyFrozen && block.mask.defined() ? at::count_nonzero(block.mask).item<std::int64_t>()
                                                                : block.size();
        }
        total += trainability == Trainability::Trainable ? trainable : block.size() - trainable;
    }
    return total;
}

void ParameterSet::zeroGradients() {
    for (ParameterBlock& block : m_blocks) {
        if (block.grad.defined()) {
            block.grad.zero_();
        }
    }
}

void ParameterSet::copyValuesFrom(const ParameterSet& other) {
    TORCH_INTERNAL_ASSERT(m_blocks.size() == other.m_blocks.size());
    for (std::size_t i = 0; i < m_blocks.size(); ++i) {
        m_blocks[i].value.copy_(other.m_blocks[i].value);
    }
}

void ParameterSet::moveValuesTowards(const ParameterSet& other, double share) {
    TORCH_INTERNAL_ASSERT(m_blocks.size() == other.m_blocks.size());
    for (std::size_t i = 0; i < m_blocks.size(); ++i) {
        m_blocks[i].value.lerp_(other.m_blocks[i].value, share);
    }
}

void ParameterSet::freeze(const Parameter& parameter, const at::Tensor& entries) {
    if (m_use == ParameterUse::Copied) {
        return;
    }
    const at::Tensor where = entries.to(m_device);
    for (at::Tensor tensor : {parameter.mask, parameter.moment1, parameter.moment2}) {
        tensor.masked_fill_(where, 0.F);
    }
    for (ParameterBlock& block : m_blocks) {
        if (block.trainable && block.mask.storage().data() == parameter.mask.storage().data()) {
            block.anyFrozen = true;
        }
    }
}

} // namespace knife
