// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/nets/composite_linear.h"

#include <algorithm>

#include <ATen/ATen.h>
#include <fmt/format.h>

#include "core/nets/initialise.h"

namespace knife {

namespace {

at::Tensor evaluate(const at::Tensor& x, const Parameter& in, const Parameter& bias, const Parameter& out,
                    at::Tensor* hidden) {
    const at::Tensor h = at::relu(at::linear(x, in.value, bias.value));
    if (hidden != nullptr) {
        *hidden = h.detach();
    }
    return at::linear(h, out.value);
}

at::Tensor indexTensor(const std::vector<std::int64_t>& indices) {
    return at::tensor(indices, at::kLong);
}

// Freezes a neuron's incoming row, bias and outgoing column.
void freezeNeurons(ParameterSet& parameters, const Parameter& in, const Parameter& bias, const Parameter& out,
                   const std::vector<std::int64_t>& neurons) {
    const at::Tensor index = indexTensor(neurons);
    const auto select = [&](const Parameter& parameter, std::int64_t dimension) {
        at::Tensor entries = at::zeros(parameter.value.sizes(), at::kBool);
        entries.index_fill_(dimension, index, true);
        parameters.freeze(parameter, entries);
    };
    select(in, 0);
    select(bias, 0);
    select(out, 1);
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

at::Tensor CompositeLinear::forward(const at::Tensor& x, SiteTap* tap) const {
    const at::Tensor h = at::relu(at::linear(x, m_weight->value, m_bias->value));
    if (tap != nullptr) {
        tap->hidden = h.detach();
        tap->branches.resize(m_branches.size());
    }
    at::Tensor y = at::linear(h, m_out->value, m_outBias->value);
    for (std::size_t e = 0; e < m_branches.size(); ++e) {
        const CompositeBranch& branch = m_branches[e];
        SiteTap::Branch* seen = tap != nullptr ? &tap->branches[e] : nullptr;
        const at::Tensor active = evaluate(x, *branch.activeIn, *branch.activeBias, *branch.activeOut,
                                           seen != nullptr ? &seen->active : nullptr);
        const at::Tensor compensation =
            evaluate(x, *branch.compensationIn, *branch.compensationBias, *branch.compensationOut,
                     seen != nullptr ? &seen->compensation : nullptr);
        y = y + (active - compensation);
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
                                    const at::Tensor& in, const at::Tensor& bias, const at::Tensor& out) {
    freezeNeurons(parameters, *m_weight, *m_bias, *m_out, {units.begin(), units.end()});
    for (const CompositeBranch& branch : m_branches) {
        std::vector<std::int64_t> columns;
        for (std::size_t k = 0; k < branch.units.size(); ++k) {
            if (std::binary_search(units.begin(), units.end(), branch.units[k])) {
                columns.push_back(static_cast<std::int64_t>(k));
            }
        }
        if (!columns.empty()) {
            freezeNeurons(parameters, *branch.activeIn, *branch.activeBias, *branch.activeOut, columns);
        }
    }
    supersede(units);
    declareBranch(parameters, event, units, in, bias, out);
}

void CompositeLinear::addBranchStructure(ParameterSet& parameters, std::int64_t event, const std::vector<int>& units) {
    const auto n = static_cast<std::int64_t>(units.size());
    supersede(units);
    declareBranch(parameters, event, units, at::zeros({n, m_shape.in}), at::zeros({n}), at::zeros({m_shape.out, n}));
}

void CompositeLinear::declareBranch(ParameterSet& parameters, std::int64_t event, const std::vector<int>& units,
                                    const at::Tensor& in, const at::Tensor& bias, const at::Tensor& out) {
    const auto name = [&](const char* part) {
        return fmt::format("{}.event{}.{}", m_name, event, part);
    };
    CompositeBranch& branch = m_branches.emplace_back();
    ++m_version;
    branch.event = event;
    branch.units = units;
    branch.superseded.assign(units.size(), 0);
    branch.activeIn = parameters.declare(name("active_in"), in);
    branch.activeBias = parameters.declare(name("active_bias"), bias);
    branch.activeOut = parameters.declare(name("active_out"), out);
    parameters.seal(Trainability::Trainable);
    branch.compensationIn = parameters.declare(name("compensation_in"), in);
    branch.compensationBias = parameters.declare(name("compensation_bias"), bias);
    branch.compensationOut = parameters.declare(name("compensation_out"), out);
    parameters.seal(Trainability::Frozen);
}

void CompositeLinear::dropNewestBranch() {
    const CompositeBranch dropped = m_branches.back();
    m_branches.pop_back();
    ++m_version;
    for (const int unit : dropped.units) {
        for (auto branch = m_branches.rbegin(); branch != m_branches.rend(); ++branch) {
            const auto owner = std::lower_bound(branch->units.begin(), branch->units.end(), unit);
            if (owner != branch->units.end() && *owner == unit) {
                branch->superseded[static_cast<std::size_t>(owner - branch->units.begin())] = 0;
                break; // only the newest earlier branch of the unit was live before
            }
        }
    }
}

} // namespace knife
