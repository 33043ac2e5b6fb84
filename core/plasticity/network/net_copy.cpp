// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/network/net_copy.h"

#include <algorithm>

#include <ATen/ATen.h>

#include "core/plasticity/net_state.h"

namespace knife {

namespace {

bool sameStructure(const ParameterSet& a, const ParameterSet& b) {
    return std::ranges::equal(a.blocks(), b.blocks(), [](const ParameterBlock& left, const ParameterBlock& right) {
        return left.size() == right.size() && left.trainable == right.trainable;
    });
}

} // namespace

Result<std::unique_ptr<FactorizedNet>> copyOf(const FactorizedNet& net, const NetSpec& spec) {
    auto copy = FactorizedNet::build(spec, ParameterUse::Trained);
    if (!copy) {
        return copy;
    }
    bool whole = true;
    for (const NetState::Branch& branch : branchesOf(net)) {
        whole = addBranch(**copy, branch) && whole;
    }
    ParameterSet& parameters = (*copy)->parameters();
    if (!whole || !sameStructure(parameters, net.parameters())) {
        return fail(ErrorCode::Unsupported, "a network of this structure cannot be copied");
    }
    const at::NoGradGuard noGrad;
    parameters.copyValuesFrom(net.parameters());
    for (std::size_t i = 0; i < parameters.blocks().size(); ++i) {
        ParameterBlock& block = parameters.blocks()[i];
        const ParameterBlock& source = net.parameters().blocks()[i];
        if (block.mask.defined() && source.mask.defined()) {
            block.mask.copy_(source.mask);
            block.anyFrozen = source.anyFrozen;
        }
    }
    return copy;
}

double differentiate(FactorizedNet& copy, const ProbeBatch& probe, const ScalarOf& scalar) {
    const at::AutoGradMode mode(true);
    copy.parameters().zeroGradients();
    NetPass pass = copy.pass(probe.inputs, Keep::Gradient, nullptr);
    // With a fast mixer the agents' outputs are no part of a graph, and mixing here is by graph.
    at::Tensor& outputs = pass.agent.outputs;
    const bool cut = outputs.defined() && !outputs.requires_grad();
    if (cut) {
        outputs = outputs.detach().requires_grad_(true);
    }
    const at::Tensor value = scalar(copy, viewOf(probe, copy, pass));
    value.backward();
    copy.backward(probe.inputs, pass, cut ? outputs.grad() : at::Tensor());
    return value.item<double>();
}

at::Tensor flatGradient(const ParameterSet& parameters) {
    std::vector<at::Tensor> parts;
    for (const ParameterBlock& block : parameters.blocks()) {
        if (block.trainable) {
            parts.push_back(block.grad * block.mask);
        }
    }
    return at::cat(parts);
}

std::vector<GradientSlice> gradientSlices(const ParameterSet& parameters) {
    std::vector<GradientSlice> slices;
    std::int64_t begin = 0;
    for (const ParameterBlock& block : parameters.blocks()) {
        if (!block.trainable) {
            continue;
        }
        for (const Parameter* parameter : block.parameters) {
            slices.push_back({moduleOf(parameter->name), begin, parameter->value.numel()});
            begin += parameter->value.numel();
        }
    }
    return slices;
}

std::string moduleOf(const std::string& parameter) {
    return parameter.substr(0, parameter.find('.'));
}

} // namespace knife
