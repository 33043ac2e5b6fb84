// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/surgeon.h"

#include <algorithm>
#include <utility>

#include <ATen/ATen.h>
#include <fmt/format.h>

#include "core/nets/initialise.h"

namespace knife {

namespace {

// A fresh neuron for each unit, drawn from the distribution that the layer itself was drawn from.
struct Draw {
    at::Tensor in;
    at::Tensor bias;
    at::Tensor out;
};

Draw drawNeurons(const CompositeLinear::Shape& shape, std::int64_t count, const std::string& site, std::uint64_t seed,
                 std::int64_t event) {
    const auto index = static_cast<std::uint64_t>(event);
    const double incoming = linearBound(shape.in);
    const double outgoing = linearBound(shape.hidden);
    return {drawUniform({count, shape.in}, incoming, {seed, "surgery/" + site + "/in", index}),
            drawUniform({count}, incoming, {seed, "surgery/" + site + "/bias", index}),
            drawUniform({shape.out, count}, outgoing, {seed, "surgery/" + site + "/out", index})};
}

// Second moments of live neurons: one row each for incoming weights, bias and outgoing weights.
struct LiveMoments {
    std::vector<at::Tensor> in;
    std::vector<at::Tensor> bias;
    std::vector<at::Tensor> out;

    void add(const Parameter& weight, const Parameter& biasParameter, const Parameter& outgoing, std::int64_t neuron) {
        in.push_back(weight.moment2.select(0, neuron).clone());
        bias.push_back(biasParameter.moment2.select(0, neuron).clone());
        out.push_back(outgoing.moment2.select(1, neuron).clone());
    }
};

// The live neurons of a site, those of `excluded` units left out.
LiveMoments collectMoments(const CompositeLinear& layer, const std::vector<int>& excluded) {
    LiveMoments moments;
    std::vector<char> composite(static_cast<std::size_t>(layer.shape().hidden), 0);
    const auto isExcluded = [&](int unit) {
        return std::ranges::binary_search(excluded, unit);
    };
    for (const CompositeBranch& branch : layer.branches()) {
        for (std::size_t k = 0; k < branch.units.size(); ++k) {
            composite[static_cast<std::size_t>(branch.units[k])] = 1;
            if (branch.superseded[k] == 0 && !isExcluded(branch.units[k])) {
                moments.add(*branch.activeIn, *branch.activeBias, *branch.activeOut, static_cast<std::int64_t>(k));
            }
        }
    }
    for (int unit = 0; unit < static_cast<int>(composite.size()); ++unit) {
        if (composite[static_cast<std::size_t>(unit)] == 0 && !isExcluded(unit)) {
            moments.add(*layer.weight(), *layer.bias(), *layer.out(), unit);
        }
    }
    return moments;
}

// Moments cleared to zero would make the first RMSprop step ten times the learning rate; the mean of the healthy
// neurons gives the new ones an ordinary first step.
void fillMoments(const CompositeBranch& branch, const LiveMoments& healthy) {
    branch.activeIn->moment2.copy_(at::stack(healthy.in).mean(0).unsqueeze(0).expand_as(branch.activeIn->moment2));
    branch.activeBias->moment2.copy_(at::stack(healthy.bias).mean().expand_as(branch.activeBias->moment2));
    branch.activeOut->moment2.copy_(at::stack(healthy.out).mean(0).unsqueeze(1).expand_as(branch.activeOut->moment2));
}

std::string range(const Site& site) {
    return fmt::format("0 to {}", site.units - 1);
}

} // namespace

Surgeon::Surgeon(FactorizedNet& online, FactorizedNet& target, std::uint64_t seed)
    : m_online(online), m_target(target), m_seed(seed) {}

Result<void> Surgeon::check(const SurgeryPlan& plan) const {
    if (plan.empty()) {
        return fail(ErrorCode::Usage, "the surgery plan names no units");
    }
    std::vector<std::string> seen;
    for (const SiteOperation& operation : plan.operations) {
        const Site* site = m_online.sites().find(operation.site);
        if (site == nullptr) {
            return fail(ErrorCode::Usage, fmt::format("the network has no site \"{}\"", operation.site));
        }
        if (std::ranges::find(seen, operation.site) != seen.end()) {
            return fail(ErrorCode::Usage, fmt::format("the plan names site \"{}\" twice", operation.site));
        }
        seen.push_back(operation.site);
        if (site->composite == nullptr) {
            return fail(ErrorCode::Unsupported, site->refusal);
        }
        for (std::size_t i = 0; i < operation.units.size(); ++i) {
            const int unit = operation.units[i];
            if (unit < 0 || unit >= site->units) {
                return fail(ErrorCode::Usage,
                            fmt::format("site \"{}\" has units {}, not {}", site->name, range(*site), unit));
            }
            if (i > 0 && operation.units[i - 1] >= unit) {
                return fail(ErrorCode::Usage,
                            fmt::format("units of site \"{}\" must ascend without repeats", site->name));
            }
        }
    }
    return {};
}

void Surgeon::operate(FactorizedNet& net, const SiteOperation& operation, OptimiserPolicy policy,
                      std::int64_t event) const {
    CompositeLinear& layer = *net.sites().find(operation.site)->composite;
    const Draw draw =
        drawNeurons(layer.shape(), static_cast<std::int64_t>(operation.units.size()), operation.site, m_seed, event);
    if (net.parameters().use() == ParameterUse::Copied || policy == OptimiserPolicy::Zero) {
        layer.addComposites(net.parameters(), event, operation.units, draw.in, draw.bias, draw.out);
        return;
    }
    LiveMoments healthy = collectMoments(layer, operation.units);
    if (healthy.in.empty()) {
        healthy = collectMoments(layer, {}); // every unit is operated on: their own history is all there is
    }
    layer.addComposites(net.parameters(), event, operation.units, draw.in, draw.bias, draw.out);
    fillMoments(layer.branches().back(), healthy);
}

Result<std::vector<SiteReceipt>> Surgeon::apply(const SurgeryPlan& plan, std::int64_t event) {
    if (auto checked = check(plan); !checked) {
        return tl::unexpected(checked.error());
    }
    const at::NoGradGuard noGrad;
    Undo undo;
    const auto remember = [](const FactorizedNet& net, NetUndo& record) {
        record.blocks = net.parameters().blocks().size();
        for (const ParameterBlock& block : net.parameters().blocks()) {
            const auto keep = [&](const at::Tensor& t) {
                return t.defined() ? t.clone() : at::Tensor();
            };
            record.masks.push_back(keep(block.mask));
            record.moments1.push_back(keep(block.moment1));
            record.moments2.push_back(keep(block.moment2));
            record.anyFrozen.push_back(block.anyFrozen ? 1 : 0);
        }
    };
    remember(m_online, undo.online);
    remember(m_target, undo.target);
    for (const ParameterBlock& block : m_target.parameters().blocks()) {
        undo.targetValues.push_back(block.value.clone());
    }
    std::vector<SiteReceipt> receipts;
    // In the order of the sites, whatever the order of the plan: checkpoints rebuild parameter blocks in this order.
    for (const Site& site : m_online.sites().all()) {
        const auto found = std::ranges::find(plan.operations, site.name, &SiteOperation::site);
        if (found == plan.operations.end() || found->units.empty()) {
            continue;
        }
        const SiteOperation& operation = *found;
        operate(m_online, operation, plan.optimiser, event);
        operate(m_target, operation, plan.optimiser, event);
        const auto& shape = site.composite->shape();
        const auto perNeuron = shape.in + 1 + shape.out;
        const auto count = static_cast<std::int64_t>(operation.units.size());
        undo.sites.push_back(operation.site);
        receipts.push_back({.site = operation.site,
                            .units = operation.units,
                            .kind = "composite",
                            .ruaBefore = {},
                            .frozenParameters = 2 * perNeuron * count, // the knowledge and the compensation neuron
                            .trainableParameters = perNeuron * count});
    }
    if (plan.target == TargetPolicy::HardSync) {
        m_target.parameters().copyValuesFrom(m_online.parameters());
    }
    m_undo = std::move(undo);
    return receipts;
}

bool Surgeon::undo() {
    if (!m_undo) {
        return false;
    }
    const at::NoGradGuard noGrad;
    const auto revert = [&](FactorizedNet& net, const NetUndo& record) {
        for (auto site = m_undo->sites.rbegin(); site != m_undo->sites.rend(); ++site) {
            net.sites().find(*site)->composite->dropNewestBranch();
        }
        net.parameters().truncate(record.blocks);
        for (std::size_t i = 0; i < record.blocks; ++i) {
            ParameterBlock& block = net.parameters().blocks()[i];
            if (block.mask.defined()) {
                block.mask.copy_(record.masks[i]);
                block.moment1.copy_(record.moments1[i]);
                block.moment2.copy_(record.moments2[i]);
                block.anyFrozen = record.anyFrozen[i] != 0;
            }
        }
    };
    revert(m_online, m_undo->online);
    revert(m_target, m_undo->target);
    for (std::size_t i = 0; i < m_undo->targetValues.size(); ++i) {
        m_target.parameters().blocks()[i].value.copy_(m_undo->targetValues[i]);
    }
    m_undo.reset();
    return true;
}

} // namespace knife
