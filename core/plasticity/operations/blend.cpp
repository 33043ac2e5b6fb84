// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/operations/blend.h"

#include <unordered_map>
#include <utility>

#include <ATen/ATen.h>

#include "core/plasticity/operations/source_values.h"

namespace knife {

namespace {

using Views = std::unordered_map<const Parameter*, at::Tensor>;

void markNeurons(const Views& views, const Parameter* in, const Parameter* bias, const Parameter* out,
                 std::int64_t neuron) {
    views.at(in).select(0, neuron).fill_(0.0);
    views.at(bias).select(0, neuron).fill_(0.0);
    views.at(out).select(1, neuron).fill_(0.0);
}

void excludeKnowledge(const CompositeLinear& layer, const Views& views) {
    for (const CompositeBranch& branch : layer.branches()) {
        for (std::size_t k = 0; k < branch.units.size(); ++k) {
            markNeurons(views, layer.weight(), layer.bias(), layer.out(), branch.units[k]);
            for (const UnitClones::Row& clone : layer.clones().rowsOf(branch.units[k])) {
                views.at(clone.rows).select(0, clone.row).fill_(0.0);
            }
            if (branch.superseded[k] != 0) {
                markNeurons(views, branch.activeIn, branch.activeBias, branch.activeOut, static_cast<std::int64_t>(k));
            }
        }
    }
}

// Rows of all gates; of the cell itself with what composites before it add to them.
void markNeuron(const Views& views, const GruUnits& cell, const GruRows& rows, std::int64_t neuron) {
    for (std::int64_t gate = 0; gate < kGruGates; ++gate) {
        const std::int64_t row = gate * rows.count + neuron;
        for (const Parameter* parameter : rows.all()) {
            views.at(parameter).select(0, row).fill_(0.0);
        }
        if (&rows == &cell.cell() && cell.feeder() != nullptr) {
            for (const CompositeBranch& branch : cell.feeder()->branches()) {
                views.at(branch.activeOut).select(0, row).fill_(0.0);
            }
        }
    }
}

void excludeKnowledge(const GruUnits& cell, const Views& views) {
    for (const GruBranch& branch : cell.branches()) {
        for (std::size_t k = 0; k < branch.units.size(); ++k) {
            markNeuron(views, cell, cell.cell(), branch.units[k]);
            if (branch.superseded[k] != 0) {
                markNeuron(views, cell, branch.active, static_cast<std::int64_t>(k));
            }
        }
    }
}

void excludeKnowledge(const InjectedLinear& layer, const Views& views) {
    for (int unit = 0; unit < static_cast<int>(layer.units()); ++unit) {
        std::vector<InjectedLinear::Row> rows = layer.rowsOf(unit);
        rows.pop_back(); // the one that learns
        for (const InjectedLinear::Row& older : rows) {
            views.at(older.weight).select(0, older.row).fill_(0.0);
            views.at(older.bias).select(0, older.row).fill_(0.0);
        }
    }
}

// Knowledge: the slots of composite units, and active neurons that a later surgery froze.
void excludeKnowledge(const FactorizedNet& net, const Views& views) {
    for (const Site& site : net.sites().all()) {
        if (site.linear == nullptr) {
            visitHolder(site, [&](const auto& holder) { excludeKnowledge(holder, views); });
        }
    }
    for (const InjectedLinear* layer : net.sites().injectable()) {
        excludeKnowledge(*layer, views);
    }
}

at::Tensor drawNormal(std::int64_t count, CounterRng& rng) {
    at::Tensor tensor = at::empty({count});
    float* values = tensor.data_ptr<float>();
    for (std::int64_t i = 0; i < count; ++i) {
        values[i] = static_cast<float>(rng.normal());
    }
    return tensor;
}

} // namespace

void describe(FieldVisitor& visitor, BlendSettings& settings) {
    visitor.field("keep", settings.keep, {"factor on the weights"}, {0, 1});
    visitor.field("share", settings.share, {"factor on the values they are blended with"}, {0, 1});
    visitor.field("sigma", settings.sigma, {"standard deviation of Gaussian noise"}, {0, 10});
    visitor.choice("source", settings.source, {"another draw, or the values the run began with"}, {"fresh", "initial"});
}

std::vector<at::Tensor> blendable(const FactorizedNet& net, const std::vector<std::string>& modules) {
    std::vector<at::Tensor> where;
    Views views;
    for (const ParameterBlock& block : net.parameters().blocks()) {
        where.emplace_back();
        if (!block.trainable) {
            continue;
        }
        where.back() = at::zeros(block.value.sizes(), block.value.options().requires_grad(false));
        std::int64_t offset = 0;
        for (const Parameter* parameter : block.parameters) {
            const std::int64_t count = parameter->value.numel();
            const at::Tensor view = where.back().narrow(0, offset, count).view(parameter->value.sizes());
            view.fill_(isWithin(parameter->name, modules) ? 1.0 : 0.0);
            views.emplace(parameter, view);
            offset += count;
        }
        if (block.mask.defined()) {
            where.back().mul_(block.mask);
        }
    }
    if (net.parameters().use() == ParameterUse::Copied) {
        excludeKnowledge(net, views);
    }
    return where;
}

void blendValues(ParameterSet& parameters, const std::vector<at::Tensor>& where, const ParameterSet& source,
                 const BlendSettings& settings, CounterRng noise) {
    auto& blocks = parameters.blocks();
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        if (!where[i].defined()) {
            continue;
        }
        at::Tensor value = blocks[i].value.detach();
        // A branch's compensation block follows its active one.
        const at::Tensor towards = (i == 0 ? source.blocks().front().value : blocks[i + 1].value).to(value.device());
        at::Tensor change = at::sub(towards * settings.share, value, 1.0 - settings.keep);
        if (settings.sigma > 0.0) {
            change.add_(drawNormal(value.numel(), noise).to(value.device()), settings.sigma);
        }
        value.add_(change.mul_(where[i]));
    }
}

Result<void> Blend::check(const SurgeryPlan& plan, const FactorizedNet& net) const {
    return checkWholeModules(plan, net);
}

void Blend::apply(FactorizedNet& net, const SurgeryPlan& plan, const SurgeryDraws& draws) const {
    const auto source = sourceNet(net, m_settings.source, draws);
    const SurgeryDraws::Stream noise = draws.stream("blend");
    blendValues(net.parameters(), blendable(net, plan.modules), source->parameters(), m_settings, CounterRng(noise));
    for (const Parameter& parameter : net.parameters().all()) {
        if (isWithin(parameter.name, plan.modules)) {
            settleAllMoments(parameter, plan.optimiser);
        }
    }
}

std::vector<SiteReceipt> Blend::receipts(const FactorizedNet&, const SurgeryPlan& plan) const {
    std::vector<SiteReceipt> receipts;
    for (const std::string& module : plan.modules) {
        receipts.push_back({.site = module, .units = {}, .kind = "blended", .ruaBefore = {}});
    }
    return receipts;
}

} // namespace knife
