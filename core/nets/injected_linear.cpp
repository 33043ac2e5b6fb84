// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/nets/injected_linear.h"

#include <utility>

#include <ATen/ATen.h>
#include <fmt/format.h>

#include "core/nets/initialise.h"

namespace knife {

namespace {

void freezeAll(ParameterSet& parameters, const Parameter& parameter) {
    parameters.freeze(parameter, at::ones(parameter.value.sizes(), at::kBool));
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
        sums.weight = sums.weight + (branch.activeWeight->value - branch.compensationWeight->value);
        sums.bias = sums.bias + (branch.activeBias->value - branch.compensationBias->value);
    }
    return sums;
}

at::Tensor InjectedLinear::forward(const at::Tensor& x) const {
    const Values layer = sums();
    return at::linear(x, layer.weight, layer.bias);
}

void InjectedLinear::addGradient(const Values& gradient) const {
    const auto add = [](const Parameter& parameter, const at::Tensor& part) {
        at::Tensor sum = parameter.grad;
        sum.add_(part);
    };
    add(*m_weight, gradient.weight);
    add(*m_bias, gradient.bias);
    for (const Branch& branch : m_branches) {
        add(*branch.activeWeight, gradient.weight);
        add(*branch.activeBias, gradient.bias);
    }
}

void InjectedLinear::inject(ParameterSet& parameters, std::int64_t event, const Values& born) {
    freezeAll(parameters, *m_weight);
    freezeAll(parameters, *m_bias);
    for (const Branch& branch : m_branches) {
        freezeAll(parameters, *branch.activeWeight);
        freezeAll(parameters, *branch.activeBias);
    }
    declareBranch(parameters, event, born);
}

void InjectedLinear::addBranchStructure(ParameterSet& parameters, std::int64_t event) {
    declareBranch(parameters, event, {at::zeros(m_weight->value.sizes()), at::zeros(m_bias->value.sizes())});
}

void InjectedLinear::declareBranch(ParameterSet& parameters, std::int64_t event, const Values& born) {
    const auto name = [&](const char* part) {
        return fmt::format("{}.event{}.{}", m_name, event, part);
    };
    Branch& branch = m_branches.emplace_back();
    branch.event = event;
    branch.activeWeight = parameters.declare(name("active_weight"), born.weight);
    branch.activeBias = parameters.declare(name("active_bias"), born.bias);
    parameters.seal(Trainability::Trainable);
    branch.compensationWeight = parameters.declare(name("compensation_weight"), born.weight);
    branch.compensationBias = parameters.declare(name("compensation_bias"), born.bias);
    parameters.seal(Trainability::Frozen);
}

} // namespace knife
