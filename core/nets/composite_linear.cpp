// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/nets/composite_linear.h"

#include <algorithm>
#include <set>

#include <ATen/ATen.h>
#include <fmt/format.h>

#include "core/nets/initialise.h"
#include "core/nets/stop_gradient.h"

namespace knife {

namespace {

struct Evaluated {
    at::Tensor hidden;
    at::Tensor out;
};

// `frozen`: neurons that pass no gradient to x.
Evaluated evaluate(const at::Tensor& x, const Parameter& in, const Parameter& bias, const Parameter& out,
                   const std::vector<std::int64_t>& frozen) {
    const at::Tensor h = at::relu(withoutGradient(at::linear(x, in.value, bias.value), frozen));
    return {h, at::linear(h, out.value)};
}

std::vector<std::int64_t> ownersOf(const std::vector<CompositeBranch>& branches) {
    std::set<std::int64_t> units;
    for (const CompositeBranch& branch : branches) {
        units.insert(branch.units.begin(), branch.units.end());
    }
    return {units.begin(), units.end()};
}

at::Tensor indexTensor(const std::vector<std::int64_t>& indices) {
    return at::tensor(indices, at::kLong);
}

// Freezes a neuron's incoming row and bias, and its outgoing column if that is wished.
void freezeNeurons(ParameterSet& parameters, const Parameter& in, const Parameter& bias, const Parameter& out,
                   const std::vector<std::int64_t>& neurons, KnowledgeOut knowledge) {
    const at::Tensor index = indexTensor(neurons);
    const auto select = [&](const Parameter& parameter, std::int64_t dimension) {
        at::Tensor entries = at::zeros(parameter.value.sizes(), at::kBool);
        entries.index_fill_(dimension, index, true);
        parameters.freeze(parameter, entries);
    };
    select(in, 0);
    select(bias, 0);
    if (knowledge == KnowledgeOut::Frozen) {
        select(out, 1);
    }
}

} // namespace

CompositeLinear::CompositeLinear(ParameterSet& parameters, const std::string& name, const std::string& consumer,
                                 Shape shape, std::uint64_t seed)
    : m_name(name), m_shape(shape) {
    const auto declare = [&](const std::string& parameter, const std::vector<std::int64_t>& sizes, std::int64_t fanIn) {
        return declareUniform(parameters, parameter, sizes, fanIn, seed);
    };
    m_weight = declare(name + ".weight", {shape.hidden, shape.in}, shape.in);
    m_bias = declare(name + ".bias", {shape.hidden}, shape.in);
    m_out = declare(consumer + ".weight", {shape.out, shape.hidden}, shape.hidden);
    m_outBias = declare(consumer + ".bias", {shape.out}, shape.hidden);
}

at::Tensor CompositeLinear::forward(const at::Tensor& x, SiteTap* tap, at::Tensor* units) const {
    const bool stops = m_stopsGradient && x.requires_grad() && at::GradMode::is_enabled();
    const std::vector<std::int64_t> none;
    const at::Tensor z =
        withoutGradient(at::linear(x, m_weight->value, m_bias->value), stops ? ownersOf(m_branches) : none);
    const at::Tensor h = at::relu(m_clones.applied(x, z, m_weight->value, m_bias->value));
    if (units != nullptr) {
        *units = h;
    }
    if (tap != nullptr) {
        record(*tap, h);
        tap->branches.resize(m_branches.size());
        if (tap->wantsGradient) {
            tap->input = x.detach();
        }
    }
    at::Tensor y = at::linear(h, m_out->value, m_outBias->value);
    for (std::size_t e = 0; e < m_branches.size(); ++e) {
        const CompositeBranch& branch = m_branches[e];
        const Evaluated active = evaluate(x, *branch.activeIn, *branch.activeBias, *branch.activeOut,
                                          stops ? supersededNeurons(branch.superseded) : none);
        const Evaluated compensation = evaluate(stops ? x.detach() : x, *branch.compensationIn,
                                                *branch.compensationBias, *branch.compensationOut, none);
        if (tap != nullptr) {
            tap->branches[e] = {.active = active.hidden.detach(),
                                .compensation = compensation.hidden.detach(),
                                .gradient = tap->wantsGradient ? recordGradient(active.hidden) : at::Tensor()};
        }
        y = y + (active.out - compensation.out);
        if (units != nullptr) {
            const at::Tensor owners = indexTensor({branch.units.begin(), branch.units.end()}).to(x.device());
            *units = units->index_add(1, owners, active.hidden - compensation.hidden);
        }
    }
    return y;
}

void CompositeLinear::supersede(const std::vector<int>& units) {
    for (CompositeBranch& branch : m_branches) {
        for (std::size_t k = 0; k < branch.units.size(); ++k) {
            if (std::binary_search(units.begin(), units.end(), branch.units[k])) {
                branch.superseded[k] = 1;
            }
        }
    }
}

void CompositeLinear::addComposites(ParameterSet& parameters, std::int64_t event, const std::vector<int>& units,
                                    const BranchValues& born, KnowledgeOut knowledge) {
    freezeNeurons(parameters, *m_weight, *m_bias, *m_out, {units.begin(), units.end()}, knowledge);
    for (const CompositeBranch& branch : m_branches) {
        std::vector<std::int64_t> columns;
        for (std::size_t k = 0; k < branch.units.size(); ++k) {
            if (std::binary_search(units.begin(), units.end(), branch.units[k])) {
                columns.push_back(static_cast<std::int64_t>(k));
            }
        }
        if (!columns.empty()) {
            freezeNeurons(parameters, *branch.activeIn, *branch.activeBias, *branch.activeOut, columns, knowledge);
        }
    }
    m_clones.freeze(parameters, units);
    supersede(units);
    declareBranch(parameters, event, units, born);
    freezeForKnowledge(parameters, m_branches.back());
}

void CompositeLinear::freezeForKnowledge(ParameterSet& parameters, const CompositeBranch& branch) const {
    if (m_outBias->mask.defined()) {
        const at::Tensor knowledge = m_outBias->mask.eq(0).unsqueeze(1);
        parameters.freeze(*branch.activeOut, knowledge.expand_as(branch.activeOut->value));
    }
}

void CompositeLinear::addClones(ParameterSet& parameters, std::int64_t event, const AgentGroups& groups) {
    m_clones.add(parameters, fmt::format("{}.event{}", m_name, event), event, groups, *m_weight);
}

void CompositeLinear::addBranchStructure(ParameterSet& parameters, std::int64_t event, const std::vector<int>& units) {
    const auto n = static_cast<std::int64_t>(units.size());
    supersede(units);
    declareBranch(parameters, event, units, {at::zeros({n, m_shape.in}), at::zeros({n}), at::zeros({m_shape.out, n})});
}

void CompositeLinear::declareBranch(ParameterSet& parameters, std::int64_t event, const std::vector<int>& units,
                                    const BranchValues& born) {
    const auto name = [&](const char* part) {
        return fmt::format("{}.event{}.{}", m_name, event, part);
    };
    CompositeBranch& branch = m_branches.emplace_back();
    ++m_version;
    branch.event = event;
    branch.units = units;
    branch.superseded.assign(units.size(), 0);
    branch.activeIn = parameters.declare(name("active_in"), born.in);
    branch.activeBias = parameters.declare(name("active_bias"), born.bias);
    branch.activeOut = parameters.declare(name("active_out"), born.out);
    parameters.seal(Trainability::Trainable);
    branch.compensationIn = parameters.declare(name("compensation_in"), born.in);
    branch.compensationBias = parameters.declare(name("compensation_bias"), born.bias);
    branch.compensationOut = parameters.declare(name("compensation_out"), born.out);
    parameters.seal(Trainability::Frozen);
}

void CompositeLinear::dropBranches() {
    m_branches.clear();
    m_clones.clear();
    ++m_version;
}

} // namespace knife
