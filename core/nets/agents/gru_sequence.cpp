// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/nets/agents/gru_sequence.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <set>

#include <ATen/ATen.h>

#include "core/nets/stop_gradient.h"

namespace knife {

namespace {

at::Tensor inputGatesOf(const GruRows& rows, const at::Tensor& features) {
    return at::linear(features, rows.input->value, rows.inputBias->value);
}

// `frozen`: gates that pass no gradient back.
at::Tensor stepOf(const GruRows& rows, const at::Tensor& inputGates, const at::Tensor& h, const at::Tensor& own,
                  const std::vector<std::int64_t>& frozen) {
    return gruStep(withoutGradient(inputGates, frozen),
                   withoutGradient(at::linear(h, rows.recurrent->value, rows.recurrentBias->value), frozen), own);
}

// Columns of all gates of some of `count` neurons.
std::vector<std::int64_t> gatesOf(const std::vector<std::int64_t>& neurons, std::int64_t count) {
    std::vector<std::int64_t> gates;
    for (std::int64_t gate = 0; gate < kGruGates; ++gate) {
        std::ranges::transform(neurons, std::back_inserter(gates),
                               [&](std::int64_t neuron) { return gate * count + neuron; });
    }
    return gates;
}

} // namespace

GruSequence::GruSequence(const RecurrentGates& gates, const GruUnits& units) : m_gates(gates), m_units(units) {
    std::set<std::int64_t> composites;
    for (const GruBranch& branch : units.branches()) {
        const std::vector<std::int64_t> owners(branch.units.begin(), branch.units.end());
        m_owners.push_back(at::tensor(owners, at::kLong).to(gates.weight->value.device()));
        m_superseded.emplace_back();
        if (units.stopsGradient()) {
            m_superseded.back() = gatesOf(supersededNeurons(branch.superseded), branch.active.count);
            composites.insert(owners.begin(), owners.end());
        }
    }
    m_knowledge = gatesOf({composites.begin(), composites.end()}, units.cell().count);
}

std::vector<GruSequence::State::Pair> GruSequence::branchGates(const at::Tensor& features) const {
    std::vector<State::Pair> gates;
    for (const GruBranch& branch : m_units.branches()) {
        const at::Tensor seen = m_units.stopsGradient() ? features.detach() : features;
        gates.push_back({inputGatesOf(branch.active, features), inputGatesOf(branch.compensation, seen)});
    }
    return gates;
}

at::Tensor GruSequence::visible(const State& state) const {
    at::Tensor h = state.own;
    for (std::size_t e = 0; e < m_owners.size(); ++e) {
        h = h.index_add(1, m_owners[e], state.pairs[e].active - state.pairs[e].compensation);
    }
    return h;
}

at::Tensor GruSequence::advance(State& state, const at::Tensor& h, const at::Tensor& gates,
                                const std::vector<State::Pair>& branchGates) const {
    state.own = gruStep(withoutGradient(gates, m_knowledge), withoutGradient(m_gates.read(h), m_knowledge), state.own);
    const at::Tensor seen = m_units.stopsGradient() ? h.detach() : h;
    for (std::size_t e = 0; e < m_owners.size(); ++e) {
        const GruBranch& branch = m_units.branches()[e];
        State::Pair& pair = state.pairs[e];
        pair = {stepOf(branch.active, branchGates[e].active, h, pair.active, m_superseded[e]),
                stepOf(branch.compensation, branchGates[e].compensation, seen, pair.compensation, {})};
    }
    return visible(state);
}

at::Tensor GruSequence::unroll(const GateInput& input) const {
    // unbind once: indexing inside the loop would make the backward pass quadratic in T.
    const std::vector<at::Tensor> gatesAt = input.gates.unbind(0);
    const std::vector<State::Pair> all = branchGates(input.features);
    std::vector<std::vector<at::Tensor>> activeAt;
    std::vector<std::vector<at::Tensor>> compensationAt;
    for (const State::Pair& gates : all) {
        activeAt.push_back(gates.active.unbind(0));
        compensationAt.push_back(gates.compensation.unbind(0));
    }
    std::vector<State::Pair> now(all.size());
    std::vector<at::Tensor> hiddens;
    hiddens.reserve(gatesAt.size());
    at::Tensor h = m_gates.zeros(input.gates.size(1));
    State state = unpack(h);
    for (std::size_t t = 0; t < gatesAt.size(); ++t) {
        for (std::size_t e = 0; e < now.size(); ++e) {
            now[e] = {activeAt[e][t], compensationAt[e][t]};
        }
        h = advance(state, h, gatesAt[t], now);
        hiddens.push_back(h);
    }
    return at::stack(hiddens);
}

at::Tensor GruSequence::step(const GateInput& input, at::Tensor& memory) const {
    State state = unpack(memory);
    const at::Tensor h = advance(state, visible(state), input.gates, branchGates(input.features));
    std::vector<at::Tensor> parts{state.own};
    for (const State::Pair& pair : state.pairs) {
        parts.insert(parts.end(), {pair.active, pair.compensation});
    }
    memory = at::cat(parts, 1);
    return h;
}

GruSequence::State GruSequence::unpack(const at::Tensor& memory) const {
    const std::int64_t hidden = m_units.cell().count;
    State state{.own = memory.narrow(1, 0, hidden), .pairs = {}};
    std::int64_t next = hidden;
    for (const GruBranch& branch : m_units.branches()) {
        const std::int64_t count = branch.active.count;
        if (next + 2 * count <= memory.size(1)) {
            state.pairs.push_back({memory.narrow(1, next, count), memory.narrow(1, next + count, count)});
        } else {
            const at::Tensor none = at::zeros({memory.size(0), count}, memory.options());
            state.pairs.push_back({none, none});
        }
        next += 2 * count;
    }
    return state;
}

} // namespace knife
