// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/operations/compose.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <ATen/ATen.h>
#include <fmt/format.h>

#include "core/plasticity/operations/compose_gru.h"
#include "core/plasticity/operations/inject_rows.h"
#include "core/plasticity/operations/neuron_draw.h"
#include "core/plasticity/operations/source_values.h"

namespace knife {

namespace {

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

// Incoming weights and biases as the units themselves began.
void takeInitialRows(const FactorizedNet& net, const SiteOperation& operation, const SurgeryDraws& draws,
                     Neurons& neurons) {
    const auto built = sourceNet(net, "initial", draws);
    const Site& site = *built->sites().find(operation.site);
    const at::Tensor units =
        at::tensor(std::vector<std::int64_t>(operation.units.begin(), operation.units.end()), at::kLong);
    neurons.in = site.weight->value.detach().index_select(0, units);
    neurons.bias = site.bias->value.detach().index_select(0, units);
}

void composeHidden(FactorizedNet& net, const Site& site, const SiteOperation& operation,
                   const ComposeSettings& settings, OptimiserPolicy policy, const SurgeryDraws& draws) {
    CompositeLinear& layer = *site.composite;
    Neurons draw = drawNeurons(site, operation.units, settings.draw, draws);
    if (settings.draw.in == "initial") {
        takeInitialRows(net, operation, draws, draw);
    }
    const bool fills = net.parameters().use() == ParameterUse::Trained && policy == OptimiserPolicy::MeanFill;
    LiveMoments healthy;
    if (fills) {
        healthy = collectMoments(layer, operation.units);
        if (healthy.in.empty()) {
            healthy = collectMoments(layer, {}); // every unit is operated on: their own history is all there is
        }
    }
    const auto knowledge = settings.knowledgeOut == "trainable" ? KnowledgeOut::Trainable : KnowledgeOut::Frozen;
    layer.addComposites(net.parameters(), draws.event, operation.units, {draw.in, draw.bias, draw.out}, knowledge);
    if (fills) {
        fillMoments(layer.branches().back(), healthy);
    }
}

// Layers without activation last: their blocks are rebuilt in this order.
template <typename Visit>
void eachOperated(const FactorizedNet& net, const SurgeryPlan& plan, const Visit& visit) {
    for (const bool layers : {false, true}) {
        visitOperated(net, plan, [&](const Site& site, const SiteOperation& operation) {
            if ((site.linear != nullptr) == layers) {
                visit(site, operation);
            }
        });
    }
}

} // namespace

void describe(FieldVisitor& visitor, ComposeSettings& settings) {
    visitor.choice("incoming", settings.draw.in, {"incoming weights of active neurons"},
                   {"layer", "orthogonal", "rms_matched", "initial"});
    visitor.choice("outgoing", settings.draw.out, {"outgoing weights of active neurons"}, {"fresh", "inherit", "zero"});
    visitor.choice("knowledge_out", settings.knowledgeOut, {"outgoing weights of knowledge neurons"},
                   {"frozen", "trainable"});
}

Result<void> Compose::check(const SurgeryPlan& plan, const FactorizedNet& net) const {
    if (!plan.modules.empty()) {
        return fail(ErrorCode::Usage, "composites are made of units; the plan names whole modules");
    }
    for (const SiteOperation& operation : plan.operations) {
        const Site& site = *net.sites().find(operation.site);
        if (!site.acceptsComposites()) {
            return fail(ErrorCode::Unsupported, site.refusal);
        }
        if (m_settings.draw.in == "initial" && site.composite == nullptr) {
            return fail(
                ErrorCode::Unsupported,
                fmt::format("incoming = \"initial\" is for units of hidden layers, not for those of {}", site.name));
        }
    }
    return {};
}

void Compose::apply(FactorizedNet& net, const SurgeryPlan& plan, const SurgeryDraws& draws) const {
    ParameterSet& parameters = net.parameters();
    eachOperated(net, plan, [&](const Site& site, const SiteOperation& operation) {
        if (site.composite != nullptr) {
            composeHidden(net, site, operation, m_settings, plan.optimiser, draws);
        } else if (site.gru != nullptr) {
            composeGru(site, operation.units, {m_settings.draw, plan.optimiser, draws}, parameters);
        } else {
            injectRows(*site.linear, operation.units, {m_settings.draw, plan.optimiser, draws}, parameters);
        }
    });
}

std::vector<SiteReceipt> Compose::receipts(const FactorizedNet& net, const SurgeryPlan& plan) const {
    std::vector<SiteReceipt> receipts;
    eachOperated(net, plan, [&](const Site& site, const SiteOperation& operation) {
        std::int64_t perUnit = 0;
        visitHolder(site, [&](const auto& holder) { perUnit = holder.parametersPerUnit(); });
        const auto count = static_cast<std::int64_t>(operation.units.size());
        receipts.push_back({.site = site.name,
                            .units = operation.units,
                            .kind = "composite",
                            .ruaBefore = {},
                            .trainableParameters = perUnit * count});
    });
    return receipts;
}

} // namespace knife
