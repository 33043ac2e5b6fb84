// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/interventions/step_blocks.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <utility>

#include <ATen/ATen.h>

namespace knife {

namespace {

std::string packed(const at::Tensor& memory, bool asBits) {
    const at::Tensor host = memory.cpu();
    const float* values = host.data_ptr<float>();
    const auto count = static_cast<std::size_t>(host.numel());
    if (!asBits) {
        return {reinterpret_cast<const char*>(values), count * sizeof(float)};
    }
    std::string bits((count + 7) / 8, '\0');
    for (std::size_t i = 0; i < count; ++i) {
        if (values[i] != 0.F) {
            bits[i / 8] = static_cast<char>(static_cast<unsigned char>(bits[i / 8]) | (1U << (i % 8)));
        }
    }
    return bits;
}

std::size_t packedSize(const at::Tensor& memory, bool asBits) {
    const auto count = static_cast<std::size_t>(memory.numel());
    return asBits ? (count + 7) / 8 : count * sizeof(float);
}

void unpack(std::string_view bytes, bool asBits, const at::Tensor& memory) {
    const at::Tensor host = at::empty(memory.sizes(), at::kFloat);
    float* values = host.data_ptr<float>();
    const auto count = static_cast<std::size_t>(host.numel());
    if (!asBits) {
        std::memcpy(values, bytes.data(), count * sizeof(float));
    }
    for (std::size_t i = 0; asBits && i < count; ++i) {
        values[i] = (static_cast<unsigned>(static_cast<unsigned char>(bytes[i / 8])) >> (i % 8) & 1U) != 0 ? 1.F : 0.F;
    }
    memory.copy_(host);
}

} // namespace

StepBlocks::StepBlocks(const FactorizedNet& net, Layout layout, Storage storage, Choice choice)
    : m_net(net), m_layout(layout), m_storage(storage), m_choice(std::move(choice)) {
    m_builtWith = follow().size();
}

StepBlocks::Block StepBlocks::look(const ParameterBlock& block) const {
    Block seen{.block = &block, .identity = block.value, .names = {}, .targets = {}, .memory = {}};
    std::ranges::transform(block.parameters, std::back_inserter(seen.names), &Parameter::name);
    if (!block.trainable) {
        return seen;
    }
    std::int64_t offset = 0;
    for (const Parameter* parameter : block.parameters) {
        const std::int64_t length = parameter->value.numel();
        if (m_choice.accepts(*parameter)) {
            const bool extends = m_layout == Layout::Runs && !seen.targets.empty() &&
                                 seen.targets.back().offset + seen.targets.back().size() == offset;
            if (!extends) {
                seen.targets.push_back({.parameter = parameter,
                                        .offset = offset,
                                        .value = {},
                                        .grad = {},
                                        .mask = {},
                                        .number = m_choice.number ? m_choice.number(*parameter) : 0.0});
            }
            Target& target = seen.targets.back();
            const std::int64_t whole = offset + length - target.offset;
            const auto view = [&](const at::Tensor& flat, const at::Tensor& shaped) {
                return m_layout == Layout::Runs ? flat.narrow(0, target.offset, whole) : shaped.detach();
            };
            target.value = view(block.value, parameter->value);
            target.grad = view(block.grad, parameter->grad);
            target.mask = view(block.mask, parameter->mask);
        }
        offset += length;
    }
    return seen;
}

const StepBlocks::Block* StepBlocks::entryOf(const ParameterBlock& block) const {
    const auto found =
        std::ranges::find_if(m_blocks, [&](const Block& entry) { return entry.identity.is_same(block.value); });
    return found != m_blocks.end() ? &*found : nullptr;
}

at::Tensor StepBlocks::memoryOfRebuilt(const Block& rebuilt) const {
    const auto found = std::ranges::find_if(m_blocks, [&](const Block& entry) {
        return entry.memory.defined() && entry.names == rebuilt.names && at::equal(entry.identity, rebuilt.identity);
    });
    return found != m_blocks.end() ? found->memory : at::Tensor();
}

std::vector<StepBlocks::Block>& StepBlocks::follow() {
    const auto& blocks = m_net.parameters().blocks();
    // A block's place may change when one before it goes.
    bool same = m_blocks.size() == blocks.size();
    for (std::size_t i = 0; i < blocks.size() && same; ++i) {
        same = m_blocks[i].identity.is_same(blocks[i].value);
        m_blocks[i].block = &blocks[i];
    }
    if (same) {
        return m_blocks;
    }
    std::vector<Block> present;
    for (const ParameterBlock& block : blocks) {
        if (const Block* known = entryOf(block)) {
            present.push_back(*known);
            present.back().block = &block;
            continue;
        }
        present.push_back(look(block));
        if (m_choice.memory && !present.back().targets.empty()) {
            const at::Tensor known = memoryOfRebuilt(present.back());
            present.back().memory = known.defined() ? known : m_choice.memory(present.back());
        }
    }
    m_blocks = std::move(present);
    return m_blocks;
}

bool StepBlocks::isStored(std::size_t index, const Block& block) const {
    return block.memory.defined() && m_storage != Storage::Nothing &&
           (m_storage != Storage::Added || index >= m_builtWith);
}

std::string StepBlocks::save() const {
    std::string bytes;
    const auto& blocks = m_net.parameters().blocks();
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        const Block* known = entryOf(blocks[i]);
        if (known == nullptr) {
            break; // the newest ones, not seen yet: they begin after a resume as they would now
        }
        if (isStored(i, *known)) {
            bytes += packed(known->memory, m_storage == Storage::AllAsBits);
        }
    }
    return bytes;
}

bool StepBlocks::restore(std::string_view saved) {
    const std::vector<Block>& blocks = follow();
    for (std::size_t i = 0; i < blocks.size() && !saved.empty(); ++i) {
        if (!isStored(i, blocks[i])) {
            continue;
        }
        const bool asBits = m_storage == Storage::AllAsBits;
        const std::size_t size = packedSize(blocks[i].memory, asBits);
        if (saved.size() < size) {
            return false;
        }
        unpack(saved.substr(0, size), asBits, blocks[i].memory);
        saved.remove_prefix(size);
    }
    return saved.empty();
}

} // namespace knife
