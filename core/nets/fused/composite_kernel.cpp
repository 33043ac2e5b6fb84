// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/nets/fused/composite_kernel.h"

#include <algorithm>
#include <cstring>

#include <ATen/ATen.h>

#include "core/nets/fused/grow.h"

namespace knife {

namespace {

bool equalBits(const Parameter& a, const Parameter& b) {
    return std::memcmp(a.value.data_ptr<float>(), b.value.data_ptr<float>(),
                       static_cast<std::size_t>(a.value.numel()) * sizeof(float)) == 0;
}

bool hasLearned(const CompositeBranch& branch) {
    return !equalBits(*branch.activeOut, *branch.compensationOut) ||
           !equalBits(*branch.activeBias, *branch.compensationBias) ||
           !equalBits(*branch.activeIn, *branch.compensationIn);
}

} // namespace

CompositeKernel::Group::Group(const std::vector<const CompositeBranch*>& branches, BranchHalf half,
                              const Layout& layout)
    : gathered(branches, half), kernel(gathered.neurons(), layout) {}

void CompositeKernel::Group::load(std::int64_t slots, const std::vector<std::int64_t>& blockRows) {
    gathered.load();
    kernel.load(slots, blockRows);
}

CompositeKernel::CompositeKernel(const CompositeLinear& layer, const Layout& layout)
    : m_layer(layer), m_layout(layout) {}

void CompositeKernel::adoptStructure() {
    const std::vector<CompositeBranch>& branches = m_layer.branches();
    const bool rebuilt = m_version != m_layer.version();
    bool regrouped = rebuilt;
    m_learned.resize(branches.size());
    for (std::size_t e = 0; e < branches.size(); ++e) {
        const char learned = hasLearned(branches[e]) ? 1 : 0;
        regrouped = regrouped || learned != m_learned[e];
        m_learned[e] = learned;
    }
    if (rebuilt) {
        m_version = m_layer.version();
        m_base =
            std::make_unique<HiddenKernel>(HiddenNeurons{*m_layer.weight(), *m_layer.bias(), *m_layer.out()}, m_layout);
    }
    if (!regrouped) {
        return;
    }
    std::vector<const CompositeBranch*> old;
    std::vector<const CompositeBranch*> young;
    for (std::size_t e = 0; e < m_learned.size(); ++e) {
        (m_learned[e] != 0 ? old : young).push_back(&branches[e]);
    }
    const auto grouped = [&](const std::vector<const CompositeBranch*>& members, BranchHalf half) {
        return members.empty() ? nullptr : std::make_unique<Group>(members, half, m_layout);
    };
    m_active = grouped(old, BranchHalf::Active);
    m_compensation = grouped(old, BranchHalf::Compensation);
    m_newborn = grouped(young, BranchHalf::Active);
}

void CompositeKernel::load(std::int64_t slots, const std::vector<std::int64_t>& blockRows, int shards) {
    adoptStructure();
    m_base->load(slots, blockRows);
    std::int64_t widest = m_base->units();
    for (Group* group : {m_active.get(), m_compensation.get(), m_newborn.get()}) {
        if (group != nullptr) {
            group->load(slots, blockRows);
            widest = std::max(widest, group->kernel.units());
        }
    }
    m_scratch.resize(std::max(m_scratch.size(), static_cast<std::size_t>(shards)));
    for (std::vector<float>& scratch : m_scratch) {
        grow(scratch, std::ranges::max(blockRows) * widest);
    }
}

void CompositeKernel::forward(std::int64_t rows, std::int64_t slot, const float* x, float* y) {
    m_base->activate(rows, slot, x);
    m_base->read(rows, slot, y, Accumulate::No);
    for (Group* group : {m_active.get(), m_compensation.get()}) {
        if (group != nullptr) {
            group->kernel.activate(rows, slot, x);
            group->kernel.read(rows, slot, y, Accumulate::Yes);
        }
    }
    if (m_newborn) {
        m_newborn->kernel.activate(rows, slot, x);
    }
}

void CompositeKernel::beginBackward(int shards) {
    m_base->beginBackward(shards);
    for (Group* group : {m_active.get(), m_newborn.get()}) {
        if (group != nullptr) {
            group->gathered.zeroGradients();
            group->kernel.beginBackward(shards);
        }
    }
}

void CompositeKernel::backward(std::int64_t rows, std::int64_t slot, int shard, const float* x, const float* dy) {
    float* scratch = m_scratch[static_cast<std::size_t>(shard)].data();
    m_base->backward(rows, slot, shard, x, dy, scratch);
    for (Group* group : {m_active.get(), m_newborn.get()}) {
        if (group != nullptr) {
            group->kernel.backward(rows, slot, shard, x, dy, scratch);
        }
    }
}

void CompositeKernel::endBackward() {
    m_base->endBackward();
    for (Group* group : {m_active.get(), m_newborn.get()}) {
        if (group != nullptr) {
            group->kernel.endBackward();
            group->gathered.handOutGradients();
        }
    }
}

void CompositeKernel::tap(SiteTap& tap, std::int64_t slots) {
    const auto recorded = [&](HiddenKernel& kernel) {
        return tap.wantsGradient ? kernel.recordGradients(slots) : at::Tensor();
    };
    tap.hidden = m_base->activations(slots);
    tap.gradient = recorded(*m_base);
    tap.branches.assign(m_learned.size(), {});
    const auto show = [&](Group& actives, Group& compensations, bool learned) {
        const at::Tensor active = actives.kernel.activations(slots);
        const at::Tensor compensation = compensations.kernel.activations(slots);
        const at::Tensor gradient = recorded(actives.kernel);
        std::size_t next = 0; // of the group
        for (std::size_t e = 0; e < m_learned.size(); ++e) {
            if ((m_learned[e] != 0) != learned) {
                continue;
            }
            const std::int64_t first = actives.gathered.columns()[next++];
            const auto units = static_cast<std::int64_t>(m_layer.branches()[e].units.size());
            tap.branches[e] = {.active = active.narrow(1, first, units),
                               .compensation = compensation.narrow(1, first, units),
                               .gradient = gradient.defined() ? gradient.narrow(1, first, units) : at::Tensor()};
        }
    };
    if (m_active) {
        show(*m_active, *m_compensation, true);
    }
    if (m_newborn) {
        show(*m_newborn, *m_newborn, false); // the same neurons still
    }
}

} // namespace knife
