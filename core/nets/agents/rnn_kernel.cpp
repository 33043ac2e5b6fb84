// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/nets/agents/rnn_kernel.h"

#include <algorithm>
#include <cstring>

#include <ATen/ATen.h>

#include "core/nets/fused/gradient_view.h"
#include "core/nets/fused/grow.h"
#include "core/nets/kernels/pointwise.h"

namespace knife {

namespace {

// Two shards of a batch of 256 rows keep all that one step touches in a second cache of 1 MiB.
constexpr std::int64_t kRowsPerShard = 128;

std::int64_t shardCount(std::int64_t rows) {
    // An even number, so that two threads have equal shares.
    return rows < kRowsPerShard ? 1 : 2 * ((rows + 2 * kRowsPerShard - 1) / (2 * kRowsPerShard));
}

// Memory for the sum of a parameter and its branches.
Parameter sumOf(const Parameter& parameter) {
    return {.name = parameter.name,
            .value = at::empty(parameter.value.sizes()),
            .grad = parameter.grad.defined() ? at::zeros(parameter.grad.sizes()) : at::Tensor(),
            .mask = {},
            .moment1 = {},
            .moment2 = {}};
}

bool allZero(const float* values, std::int64_t count) {
    return std::all_of(values, values + count, [](float value) { return value == 0.F; });
}

} // namespace

RnnKernel::RnnKernel(const RnnAgent& agent, WorkerPool& pool)
    : m_agent(agent),
      m_pool(pool),
      m_hidden(agent.m_hidden),
      m_deep(agent.isDeep()),
      m_fc1(agent.m_fc1, {.ldx = agent.m_shape.input,
                          .ldy = m_deep ? m_hidden : 4 * m_hidden,
                          .lddy = m_deep ? m_hidden : 4 * m_hidden}),
      m_resetUpdate(*agent.m_recurrent.weight, m_gradients,
                    {.ldx = m_hidden, .ldy = 4 * m_hidden, .firstRow = 0, .outputs = 2 * m_hidden}),
      m_candidate(*agent.m_recurrent.weight, m_gradients,
                  {.ldx = m_hidden, .ldy = 4 * m_hidden, .firstRow = 2 * m_hidden, .outputs = m_hidden}),
      m_gateBias(static_cast<std::size_t>(4 * m_hidden)) {
    m_recurrentBias = m_gradients.add(*agent.m_recurrent.bias);
    if (m_deep) {
        m_inputGates.emplace(*agent.m_inputGates, m_gradients,
                             LinearKernel::Layout{.ldx = m_hidden, .ldy = 4 * m_hidden});
        m_inputBias = m_gradients.add(*agent.m_inputGatesBias);
        m_secondBias = m_gradients.add(agent.m_fc1.outBias());
    } else {
        m_inputBias = m_gradients.add(agent.m_fc1.outBias());
    }
    if (agent.m_head.layer() != nullptr) {
        m_headWeight = sumOf(*agent.m_head.weight());
        m_headBias = sumOf(*agent.m_head.bias());
        m_head.emplace(m_headWeight, m_gradients, LinearKernel::Layout{.ldx = m_hidden, .ldy = agent.m_shape.outputs});
        m_headBiasGradient = m_gradients.add(m_headBias);
    }
}

void RnnKernel::arrange(const at::Tensor& inputs, Keep keep, bool tapped) {
    m_keepAll = keep == Keep::Gradient || tapped;
    const std::int64_t steps = inputs.size(0);
    const std::int64_t rows = inputs.size(1);
    if (steps != m_steps || rows != m_rows) {
        m_memory = at::empty({steps, rows, m_hidden});
        m_outputs = m_head ? at::empty({steps, rows, m_agent.m_shape.outputs}) : at::Tensor();
    }
    m_steps = steps;
    m_rows = rows;
    const std::int64_t count = shardCount(rows);
    m_shards.clear();
    for (std::int64_t s = 0; s < count; ++s) {
        const std::int64_t first = s * rows / count;
        m_shards.push_back({first, (s + 1) * rows / count - first});
    }
    m_zero.assign(static_cast<std::size_t>(rows * m_hidden), 0.F);
    load(m_keepAll ? steps * rows : rows);
}

void RnnKernel::load(std::int64_t slots) {
    std::vector<std::int64_t> sizes;
    for (const Shard& shard : m_shards) {
        if (std::ranges::find(sizes, shard.rows) == sizes.end()) {
            sizes.push_back(shard.rows);
        }
    }
    m_fc1.load(slots, sizes, static_cast<int>(m_shards.size()));
    loadHead();
    for (LinearKernel* kernel :
         {&m_resetUpdate, &m_candidate, m_inputGates ? &*m_inputGates : nullptr, m_head ? &*m_head : nullptr}) {
        if (kernel == nullptr) {
            continue;
        }
        kernel->load();
        for (const std::int64_t rows : sizes) {
            kernel->prepare(rows);
        }
    }
    grow(m_gates, slots * 4 * m_hidden);
    if (m_deep) {
        grow(m_second, slots * m_hidden);
        m_secondGradient.clear();
    }
    loadBias();
}

void RnnKernel::loadBias() {
    const Parameter& inputBias = m_deep ? *m_agent.m_inputGatesBias : m_agent.m_fc1.outBias();
    const float* input = inputBias.value.data_ptr<float>();
    const float* recurrent = m_agent.m_recurrent.bias->value.data_ptr<float>();
    float* bias = m_gateBias.data();
    for (std::int64_t i = 0; i < 2 * m_hidden; ++i) {
        bias[i] = input[i] + recurrent[i];
    }
    std::copy_n(input + 2 * m_hidden, m_hidden, bias + 2 * m_hidden);
    std::copy_n(recurrent + 2 * m_hidden, m_hidden, bias + 3 * m_hidden);
}

void RnnKernel::loadHead() {
    if (!m_head) {
        return;
    }
    const at::NoGradGuard noGrad;
    const InjectedLinear::Values sums = m_agent.m_head.layer()->sums();
    m_headWeight.value.copy_(sums.weight);
    m_headBias.value.copy_(sums.bias);
}

AgentPass RnnKernel::forward(const at::Tensor& inputs, Keep keep, SiteTaps* taps) {
    arrange(inputs, keep, taps != nullptr);
    const float* x = inputs.data_ptr<float>();
    float* outputs = m_head ? m_outputs.data_ptr<float>() : nullptr;
    m_pool.run(static_cast<int>(m_shards.size()), [&](int shard) { forwardShard(shard, x, outputs); });
    if (taps != nullptr) {
        tap(inputs, *taps);
    }
    return {.outputs = m_outputs, .hidden = m_memory};
}

void RnnKernel::forwardShard(int index, const float* inputs, float* outputs) {
    const Shard& shard = m_shards[static_cast<std::size_t>(index)];
    const std::int64_t rows = shard.rows;
    const std::int64_t width = m_agent.m_shape.input;
    const std::int64_t nOutputs = m_agent.m_shape.outputs;
    float* memory = m_memory.data_ptr<float>();
    const float* before = m_zero.data();
    for (std::int64_t t = 0; t < m_steps; ++t) {
        const std::int64_t row = t * m_rows + shard.firstRow;
        const std::int64_t kept = slot(t, shard);
        const float* x = inputs + row * width;
        float* gates = m_gates.data() + kept * 4 * m_hidden;
        float* h = memory + row * m_hidden;
        if (m_deep) {
            float* second = m_second.data() + kept * m_hidden;
            m_fc1.forward(rows, kept, x, second);
            biasRelu(m_agent.m_fc1.outBias().value.data_ptr<float>(), rows, m_hidden, {second, m_hidden});
            m_inputGates->forward(rows, second, gates);
        } else {
            m_fc1.forward(rows, kept, x, gates);
        }
        m_resetUpdate.forward(rows, before, gates, Accumulate::Yes);
        m_candidate.forward(rows, before, gates + 3 * m_hidden);
        gruForward(m_gateBias.data(), rows, m_hidden, {before, m_hidden}, {gates, 4 * m_hidden}, {h, m_hidden});
        if (m_head) {
            float* q = outputs + row * nOutputs;
            fillRows(m_headBias.value.data_ptr<float>(), rows, nOutputs, {q, nOutputs});
            m_head->forward(rows, h, q, Accumulate::Yes);
        }
        before = h;
    }
}

void RnnKernel::backward(const at::Tensor& inputs, const at::Tensor& dOutputs, const at::Tensor& dHidden) {
    const at::Tensor outputs = dOutputs.defined() ? dOutputs.contiguous() : dOutputs;
    const at::Tensor hidden = dHidden.defined() ? dHidden.contiguous() : dHidden;
    const float* x = inputs.data_ptr<float>();
    const float* dq = outputs.defined() ? outputs.data_ptr<float>() : nullptr;
    const float* dh = hidden.defined() ? hidden.data_ptr<float>() : nullptr;
    const auto shards = static_cast<int>(m_shards.size());
    if (m_backward.size() < m_shards.size()) {
        m_backward.resize(m_shards.size());
    }
    if (m_head) {
        m_headWeight.grad.zero_();
        m_headBias.grad.zero_();
    }
    m_gradients.begin(shards);
    m_fc1.beginBackward(shards);
    m_pool.run(shards, [&](int shard) { backwardShard(shard, x, dq, dh); });
    m_gradients.finish();
    m_fc1.endBackward();
    if (m_head) {
        const at::NoGradGuard noGrad;
        m_agent.m_head.layer()->addGradient({m_headWeight.grad, m_headBias.grad});
    }
}

void RnnKernel::backwardShard(int index, const float* inputs, const float* dOutputs, const float* dHidden) {
    const Shard& shard = m_shards[static_cast<std::size_t>(index)];
    const std::int64_t rows = shard.rows;
    const std::int64_t nOutputs = m_agent.m_shape.outputs;
    const std::int64_t cells = rows * m_hidden;
    Backward& state = m_backward[static_cast<std::size_t>(index)];
    state.dh.assign(static_cast<std::size_t>(cells), 0.F);
    grow(state.dGates, 4 * cells);
    grow(state.dSecond, cells);
    float* dh = state.dh.data();
    float* dGates = state.dGates.data();
    const float* memory = m_memory.data_ptr<float>();
    bool anything = false; // padded steps at the end, and the one after the last action, carry no gradient
    for (std::int64_t t = m_steps - 1; t >= 0; --t) {
        const std::int64_t row = t * m_rows + shard.firstRow;
        const float* h = memory + row * m_hidden;
        const float* before = t > 0 ? memory + (row - m_rows) * m_hidden : m_zero.data();
        const float* dq = dOutputs != nullptr ? dOutputs + row * nOutputs : nullptr;
        const float* dm = dHidden != nullptr ? dHidden + row * m_hidden : nullptr;
        anything =
            anything || (dq != nullptr && !allZero(dq, rows * nOutputs)) || (dm != nullptr && !allZero(dm, cells));
        if (!anything) {
            continue;
        }
        if (dq != nullptr && m_head) {
            m_head->toInput(rows, dq, dh, Accumulate::Yes);
            m_head->toWeight(rows, dq, h, index);
            addColumnSums({dq, nOutputs}, rows, nOutputs, m_gradients.of(m_headBiasGradient, index));
        }
        for (std::int64_t i = 0; dm != nullptr && i < cells; ++i) {
            dh[i] += dm[i];
        }
        const ConstRows gates{m_gates.data() + slot(t, shard) * 4 * m_hidden, 4 * m_hidden};
        gruBackward(gates, {before, m_hidden}, rows, m_hidden, {dh, m_hidden}, {dGates, 4 * m_hidden});
        m_resetUpdate.toInput(rows, dGates, dh, Accumulate::Yes);
        m_candidate.toInput(rows, dGates + 3 * m_hidden, dh, Accumulate::Yes);
        m_resetUpdate.toWeight(rows, dGates, before, index);
        m_candidate.toWeight(rows, dGates + 3 * m_hidden, before, index);
        backwardInputGates(index, t, inputs + row * m_agent.m_shape.input, state);
    }
}

void RnnKernel::backwardInputGates(int index, std::int64_t t, const float* x, Backward& state) {
    const Shard& shard = m_shards[static_cast<std::size_t>(index)];
    const std::int64_t rows = shard.rows;
    const std::int64_t kept = slot(t, shard);
    const ConstRows dGates{state.dGates.data(), 4 * m_hidden};
    // Columns: r, z, input part of the candidate, hidden part of the candidate.
    addColumnSums(dGates, rows, 3 * m_hidden, m_gradients.of(m_inputBias, index));
    float* recurrentBias = m_gradients.of(m_recurrentBias, index);
    addColumnSums(dGates, rows, 2 * m_hidden, recurrentBias);
    addColumnSums({dGates.data + 3 * m_hidden, dGates.stride}, rows, m_hidden, recurrentBias + 2 * m_hidden);
    if (!m_deep) {
        m_fc1.backward(rows, kept, index, x, dGates.data);
        return;
    }
    const float* second = m_second.data() + kept * m_hidden;
    float* dSecond = state.dSecond.data();
    m_inputGates->toWeight(rows, dGates.data, second, index);
    m_inputGates->toInput(rows, dGates.data, dSecond);
    if (!m_secondGradient.empty()) {
        std::copy_n(dSecond, rows * m_hidden, m_secondGradient.data() + kept * m_hidden);
    }
    reluBackward({second, m_hidden}, rows, m_hidden, {dSecond, m_hidden});
    addColumnSums({dSecond, m_hidden}, rows, m_hidden, m_gradients.of(m_secondBias, index));
    m_fc1.backward(rows, kept, index, x, dSecond);
}

void RnnKernel::tap(const at::Tensor& inputs, SiteTaps& taps) {
    const std::int64_t slots = m_steps * m_rows;
    SiteTap& first = taps[m_agent.m_firstSite];
    m_fc1.tap(first, slots);
    if (first.wantsGradient) {
        first.input = inputs.view({slots, inputs.size(2)});
    }
    if (m_deep) {
        SiteTap& second = taps[m_agent.m_secondSite];
        second.hidden = viewOf(m_second, slots, m_hidden);
        second.gradient = second.wantsGradient ? gradientView(m_secondGradient, slots, m_hidden) : at::Tensor();
    }
}

} // namespace knife
