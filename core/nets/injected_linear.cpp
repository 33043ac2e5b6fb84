// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/nets/injected_linear.h"

#include <algorithm>
#include <utility>

#include <ATen/ATen.h>
#include <fmt/format.h>

#include "core/nets/initialise.h"

namespace knife {

namespace {

at::Tensor indexOf(const std::vector<int>& units, const at::Device& device) {
    return at::tensor(std::vector<std::int64_t>(units.begin(), units.end()), at::kLong).to(device);
}

// Rows of both; none named: all of them.
void freezeRows(ParameterSet& parameters, const Parameter& weight, const Parameter& bias,
                const std::vector<int>& rows) {
    for (const Parameter* parameter : {&weight, &bias}) {
        at::Tensor entries = at::zeros(parameter->value.sizes(), at::kBool);
        if (rows.empty()) {
            entries.fill_(true);
        } else {
            entries.index_fill_(0, indexOf(rows, at::kCPU), true);
        }
        parameters.freeze(*parameter, entries);
    }
}

// Where the rows of some of a layer's units are in a branch; both name none where they mean all.
std::vector<int> commonRows(const std::vector<int>& units, const std::vector<int>& owners) {
    if (owners.empty()) {
        return units;
    }
    std::vector<int> rows;
    for (std::size_t k = 0; k < owners.size(); ++k) {
        if (units.empty() || std::ranges::binary_search(units, owners[k])) {
            rows.push_back(static_cast<int>(k));
        }
    }
    return rows;
}

} // namespace

InjectedLinear::InjectedLinear(ParameterSet& parameters, std::string name, std::int64_t in, std::int64_t out,
                               std::uint64_t seed)
    : m_name(std::move(name)),
      m_weight(declareUniform(parameters, m_name + ".weight", {out, in}, in, seed)),
      m_bias(declareUniform(parameters, m_name + ".bias", {out}, in, seed)) {}

InjectedLinear::Values InjectedLinear::sums() const {
    Values sums{m_weight->value, m_bias->value};
    for (const Branch& branch : m_branches) {
        const at::Tensor weight = branch.activeWeight->value - branch.compensationWeight->value;
        const at::Tensor bias = branch.activeBias->value - branch.compensationBias->value;
        if (branch.units.empty()) {
            sums = {sums.weight + weight, sums.bias + bias};
        } else {
            const at::Tensor rows = indexOf(branch.units, weight.device());
            sums = {sums.weight.index_add(0, rows, weight), sums.bias.index_add(0, rows, bias)};
        }
    }
    return sums;
}

at::Tensor InjectedLinear::forward(const at::Tensor& x) const {
    const Values layer = sums();
    if (!m_stopsGradient || m_branches.empty() || !x.requires_grad()) {
        return at::linear(x, layer.weight, layer.bias);
    }
    // The difference is +0 and carries the gradient of the rows that learn.
    const at::Tensor live = liveRows();
    return at::linear(x.detach(), layer.weight, layer.bias) + (at::linear(x, live) - at::linear(x.detach(), live));
}

at::Tensor InjectedLinear::liveRows() const {
    at::Tensor rows = m_weight->value.detach();
    for (const Branch& branch : m_branches) {
        const at::Tensor active = branch.activeWeight->value.detach();
        rows = branch.units.empty() ? active : rows.index_copy(0, indexOf(branch.units, rows.device()), active);
    }
    return rows;
}

std::vector<InjectedLinear::Row> InjectedLinear::rowsOf(int unit) const {
    std::vector<Row> rows{{m_weight, m_bias, unit}};
    for (const Branch& branch : m_branches) {
        const auto owner = std::ranges::lower_bound(branch.units, unit);
        if (branch.units.empty()) {
            rows.push_back({branch.activeWeight, branch.activeBias, unit});
        } else if (owner != branch.units.end() && *owner == unit) {
            rows.push_back({branch.activeWeight, branch.activeBias, owner - branch.units.begin()});
        }
    }
    return rows;
}

void InjectedLinear::addGradient(const Values& gradient) const {
    const auto add = [](const Parameter& parameter, const at::Tensor& part) {
        at::Tensor sum = parameter.grad;
        sum.add_(part);
    };
    add(*m_weight, gradient.weight);
    add(*m_bias, gradient.bias);
    for (const Branch& branch : m_branches) {
        const auto part = [&](const at::Tensor& whole) {
            return branch.units.empty() ? whole : whole.index_select(0, indexOf(branch.units, whole.device()));
        };
        add(*branch.activeWeight, part(gradient.weight));
        add(*branch.activeBias, part(gradient.bias));
    }
}

void InjectedLinear::inject(ParameterSet& parameters, std::int64_t event, const std::vector<int>& units,
                            const Values& born) {
    freezeRows(parameters, *m_weight, *m_bias, units);
    for (const Branch& branch : m_branches) {
        const std::vector<int> rows = commonRows(units, branch.units);
        if (!rows.empty() || (units.empty() && branch.units.empty())) {
            freezeRows(parameters, *branch.activeWeight, *branch.activeBias, rows);
        }
    }
    declareBranch(parameters, event, units, born);
}

void InjectedLinear::addBranchStructure(ParameterSet& parameters, std::int64_t event, const std::vector<int>& units) {
    const std::int64_t rows = units.empty() ? this->units() : static_cast<std::int64_t>(units.size());
    declareBranch(parameters, event, units, {at::zeros({rows, m_weight->value.size(1)}), at::zeros({rows})});
}

void InjectedLinear::declareBranch(ParameterSet& parameters, std::int64_t event, const std::vector<int>& units,
                                   const Values& born) {
    const auto name = [&](const char* part) {
        return fmt::format("{}.event{}.{}", m_name, event, part);
    };
    Branch& branch = m_branches.emplace_back();
    branch.event = event;
    branch.units = units;
    branch.activeWeight = parameters.declare(name("active_weight"), born.weight);
    branch.activeBias = parameters.declare(name("active_bias"), born.bias);
    parameters.seal(Trainability::Trainable);
    branch.compensationWeight = parameters.declare(name("compensation_weight"), born.weight);
    branch.compensationBias = parameters.declare(name("compensation_bias"), born.bias);
    parameters.seal(Trainability::Frozen);
}

} // namespace knife
