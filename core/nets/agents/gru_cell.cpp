// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/nets/agents/gru_cell.h"

#include <ATen/ATen.h>

#include "core/nets/initialise.h"

namespace knife {

Parameter* declareWithin(const AgentMaterials& materials, const std::string& part,
                         const std::vector<std::int64_t>& sizes, std::int64_t fanIn) {
    return declareUniform(materials.parameters, materials.name + part, sizes, fanIn, materials.seed);
}

at::Tensor gruStep(const at::Tensor& inputGates, const at::Tensor& hiddenGates, const at::Tensor& own) {
    const auto fromInput = inputGates.chunk(3, 1);
    const auto fromHidden = hiddenGates.chunk(3, 1);
    const at::Tensor reset = at::sigmoid(fromInput[0] + fromHidden[0]);
    const at::Tensor update = at::sigmoid(fromInput[1] + fromHidden[1]);
    const at::Tensor candidate = at::tanh(at::addcmul(fromInput[2], reset, fromHidden[2]));
    return at::lerp(candidate, own, update);
}

RecurrentGates::RecurrentGates(const AgentMaterials& materials, std::int64_t hidden)
    : weight(declareWithin(materials, ".gru.recurrent.weight", {3 * hidden, hidden}, hidden)),
      bias(declareWithin(materials, ".gru.recurrent.bias", {3 * hidden}, hidden)) {}

at::Tensor RecurrentGates::read(const at::Tensor& h) const {
    return at::linear(h, weight->value, bias->value);
}

at::Tensor RecurrentGates::step(const at::Tensor& inputGates, const at::Tensor& h) const {
    return gruStep(inputGates, read(h), h);
}

at::Tensor RecurrentGates::unroll(const at::Tensor& inputGates) const {
    // unbind once: indexing gates[t] inside the loop would make the backward pass quadratic in T.
    const std::vector<at::Tensor> gatesAt = inputGates.unbind(0);
    std::vector<at::Tensor> hiddens;
    hiddens.reserve(gatesAt.size());
    at::Tensor h = zeros(inputGates.size(1));
    for (const at::Tensor& gates : gatesAt) {
        h = step(gates, h);
        hiddens.push_back(h);
    }
    return at::stack(hiddens);
}

at::Tensor RecurrentGates::zeros(std::int64_t rows) const {
    return at::zeros({rows, weight->value.size(1)}, weight->value.options().requires_grad(false));
}

} // namespace knife
