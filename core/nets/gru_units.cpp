// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/nets/gru_units.h"

#include <algorithm>
#include <utility>

#include <ATen/ATen.h>
#include <fmt/format.h>

namespace knife {

namespace {

// Rows of all gates of some neurons, as entries of a parameter with the rows of `count` neurons.
at::Tensor entriesOf(const Parameter& parameter, std::int64_t count, const std::vector<std::int64_t>& neurons) {
    std::vector<std::int64_t> rows;
    for (std::int64_t gate = 0; gate < kGruGates; ++gate) {
        for (const std::int64_t neuron : neurons) {
            rows.push_back(gate * count + neuron);
        }
    }
    return at::zeros(parameter.value.sizes(), at::kBool).index_fill_(0, at::tensor(rows, at::kLong), true);
}

GruRows declareRows(ParameterSet& parameters, const std::string& name, const GruUnits::Values& born) {
    return {.input = parameters.declare(name + ".input.weight", born[0]),
            .inputBias = parameters.declare(name + ".input.bias", born[1]),
            .recurrent = parameters.declare(name + ".recurrent.weight", born[2]),
            .recurrentBias = parameters.declare(name + ".recurrent.bias", born[3]),
            .count = born[1].size(0) / kGruGates};
}

// Where a unit's neuron is in a branch, if it has one there.
std::int64_t neuronOf(const GruBranch& branch, int unit) {
    const auto owner = std::ranges::lower_bound(branch.units, unit);
    return owner != branch.units.end() && *owner == unit ? owner - branch.units.begin() : -1;
}

} // namespace

GruUnits::GruUnits(std::string name, const GruRows& cell, const CompositeLinear* feeder)
    : m_name(std::move(name)), m_cell(cell), m_feeder(feeder) {}

void GruUnits::freeze(ParameterSet& parameters, const GruRows& rows, const std::vector<std::int64_t>& neurons) const {
    for (const Parameter* parameter : rows.all()) {
        parameters.freeze(*parameter, entriesOf(*parameter, rows.count, neurons));
    }
}

void GruUnits::supersede(const std::vector<int>& units) {
    for (GruBranch& branch : m_branches) {
        for (const int unit : units) {
            if (const std::int64_t neuron = neuronOf(branch, unit); neuron >= 0) {
                branch.superseded[static_cast<std::size_t>(neuron)] = 1;
            }
        }
    }
}

void GruUnits::addComposites(ParameterSet& parameters, std::int64_t event, const std::vector<int>& units,
                             const Values& born) {
    const std::vector<std::int64_t> own(units.begin(), units.end());
    freeze(parameters, m_cell, own);
    if (m_feeder != nullptr) {
        for (const CompositeBranch& branch : m_feeder->branches()) {
            parameters.freeze(*branch.activeOut, entriesOf(*branch.activeOut, m_cell.count, own));
        }
    }
    for (const GruBranch& branch : m_branches) {
        std::vector<std::int64_t> neurons;
        for (const int unit : units) {
            if (const std::int64_t neuron = neuronOf(branch, unit); neuron >= 0) {
                neurons.push_back(neuron);
            }
        }
        if (!neurons.empty()) {
            freeze(parameters, branch.active, neurons);
        }
    }
    supersede(units);
    declareBranch(parameters, event, units, born);
}

void GruUnits::addBranchStructure(ParameterSet& parameters, std::int64_t event, const std::vector<int>& units) {
    const std::int64_t rows = kGruGates * static_cast<std::int64_t>(units.size());
    supersede(units);
    declareBranch(parameters, event, units,
                  {at::zeros({rows, m_cell.input->value.size(1)}), at::zeros({rows}),
                   at::zeros({rows, m_cell.recurrent->value.size(1)}), at::zeros({rows})});
}

void GruUnits::declareBranch(ParameterSet& parameters, std::int64_t event, const std::vector<int>& units,
                             const Values& born) {
    const std::string name = fmt::format("{}.event{}", m_name, event);
    GruBranch& branch = m_branches.emplace_back();
    branch.event = event;
    branch.units = units;
    branch.superseded.assign(units.size(), 0);
    branch.active = declareRows(parameters, name + ".active", born);
    parameters.seal(Trainability::Trainable);
    branch.compensation = declareRows(parameters, name + ".compensation", born);
    parameters.seal(Trainability::Frozen);
}

GruUnits::Live GruUnits::live(int unit) const {
    for (auto branch = m_branches.rbegin(); branch != m_branches.rend(); ++branch) {
        if (const std::int64_t neuron = neuronOf(*branch, unit); neuron >= 0) {
            return {branch->active, neuron};
        }
    }
    return {m_cell, unit};
}

std::int64_t GruUnits::parametersPerUnit() const {
    return kGruGates * (m_cell.input->value.size(1) + m_cell.recurrent->value.size(1) + 2);
}

} // namespace knife
