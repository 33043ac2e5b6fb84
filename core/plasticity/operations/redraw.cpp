// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/operations/redraw.h"

#include <algorithm>

#include <ATen/ATen.h>

#include "core/plasticity/net_state.h"
#include "core/plasticity/operations/source_values.h"

namespace knife {

namespace {

// Whether a branch's layer has incoming or outgoing weights in the modules.
bool isAmong(const NetState::Branch& branch, const FactorizedNet& net, const std::vector<std::string>& modules) {
    const auto within = [&](const Parameter* parameter) {
        return isWithin(parameter->name, modules);
    };
    if (const InjectedLinear* layer = net.sites().findInjectable(branch.site)) {
        return within(layer->weight()) || within(layer->bias());
    }
    const auto inLayer = [&](const CompositeLinear* layer) {
        return layer != nullptr && (within(layer->weight()) || within(layer->bias()) || within(layer->out()) ||
                                    within(layer->outBiasParameter()));
    };
    const auto inCell = [&](const GruUnits& cell) {
        return std::ranges::any_of(cell.cell().all(), within);
    };
    const Site& site = *net.sites().find(branch.site);
    if (site.gru != nullptr) {
        return inCell(*site.gru) || inLayer(site.gru->feeder());
    }
    // A cell's composites take those of the layer before it with them: both have frozen entries of the weights between.
    return inLayer(site.composite) || std::ranges::any_of(net.sites().all(), [&](const Site& other) {
               return other.gru != nullptr && other.gru->feeder() == site.composite && !other.gru->branches().empty() &&
                      inCell(*other.gru);
           });
}

std::vector<NetState::Branch> endingBranches(const FactorizedNet& net, const std::vector<std::string>& modules) {
    std::vector<NetState::Branch> ending;
    for (const NetState::Branch& branch : branchesOf(net)) {
        if (isAmong(branch, net, modules)) {
            ending.push_back(branch);
        }
    }
    return ending;
}

// What a branch had frozen of its layer learns again.
void release(const FactorizedNet& net, const NetState::Branch& branch) {
    if (const InjectedLinear* layer = net.sites().findInjectable(branch.site)) {
        layer->weight()->mask.fill_(1.0);
        layer->bias()->mask.fill_(1.0);
        return;
    }
    const Site& site = *net.sites().find(branch.site);
    if (site.gru != nullptr) {
        const GruRows& cell = site.gru->cell();
        for (const Parameter* parameter : cell.all()) {
            for (std::int64_t gate = 0; gate < kGruGates; ++gate) {
                for (const int unit : branch.units) {
                    parameter->mask.select(0, gate * cell.count + unit).fill_(1.0);
                }
            }
        }
        return;
    }
    const CompositeLinear& layer = *site.composite;
    for (const int unit : branch.units) {
        layer.weight()->mask.select(0, unit).fill_(1.0);
        layer.bias()->mask.select(0, unit).fill_(1.0);
        layer.out()->mask.select(1, unit).fill_(1.0);
    }
}

void endBranches(FactorizedNet& net, const std::vector<std::string>& modules) {
    const std::vector<NetState::Branch> ending = endingBranches(net, modules);
    if (ending.empty()) {
        return;
    }
    takeOut(net, ending);
    if (net.parameters().use() == ParameterUse::Copied) {
        return;
    }
    for (const NetState::Branch& branch : ending) {
        release(net, branch);
    }
    ParameterBlock& built = net.parameters().blocks().front();
    built.anyFrozen = (built.mask == 0).any().item<bool>();
}

} // namespace

void describe(FieldVisitor& visitor, RedrawSettings& settings) {
    visitor.choice("source", settings.source, {"another draw, or the values the run began with"}, {"fresh", "initial"});
}

Result<void> Redraw::check(const SurgeryPlan& plan, const FactorizedNet& net) const {
    if (plan.target == TargetPolicy::None && !endingBranches(net, plan.modules).empty()) {
        return fail(ErrorCode::Usage, "this surgery takes composites out of the network, so the target network cannot "
                                      "be left out of it");
    }
    return checkWholeModules(plan, net);
}

void Redraw::apply(FactorizedNet& net, const SurgeryPlan& plan, const SurgeryDraws& draws) const {
    endBranches(net, plan.modules);
    const auto source = sourceNet(net, m_settings.source, draws);
    const auto& values = source->parameters().blocks().front().parameters;
    const auto& built = net.parameters().blocks().front().parameters;
    for (std::size_t i = 0; i < built.size(); ++i) {
        if (isWithin(built[i]->name, plan.modules)) {
            built[i]->value.copy_(values[i]->value);
            settleAllMoments(*built[i], plan.optimiser);
        }
    }
}

std::vector<SiteReceipt> Redraw::receipts(const FactorizedNet&, const SurgeryPlan& plan) const {
    std::vector<SiteReceipt> receipts;
    for (const std::string& module : plan.modules) {
        receipts.push_back({.site = module, .units = {}, .kind = "redrawn", .ruaBefore = {}});
    }
    return receipts;
}

} // namespace knife
