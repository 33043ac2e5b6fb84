// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/operations/inject.h"

#include <algorithm>

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/plasticity/operations/inject_rows.h"

namespace knife {

namespace {

SurgeryPlan unitsOnly(const SurgeryPlan& plan) {
    SurgeryPlan units = plan;
    units.modules.clear();
    return units;
}

} // namespace

void describe(FieldVisitor&, InjectSettings&) {}

Result<void> Inject::check(const SurgeryPlan& plan, const FactorizedNet& net) const {
    for (const std::string& module : plan.modules) {
        if (net.sites().findInjectable(module) == nullptr) {
            std::vector<std::string> known;
            std::ranges::transform(net.sites().injectable(), std::back_inserter(known), &InjectedLinear::name);
            return fail(ErrorCode::Usage,
                        fmt::format("\"{}\" is no linear layer that accepts an injection; there are {}", module,
                                    fmt::join(known, ", ")));
        }
        if (std::ranges::count(plan.modules, module) > 1) {
            return fail(ErrorCode::Usage, fmt::format("the plan names \"{}\" twice", module));
        }
    }
    for (const SiteOperation& operation : plan.operations) {
        if (net.sites().findInjectable(operation.site) != nullptr) {
            return fail(
                ErrorCode::Usage,
                fmt::format("\"{}\" is injected into as a whole; units of it are for \"compose\"", operation.site));
        }
    }
    return m_compose.check(unitsOnly(plan), net);
}

void Inject::apply(FactorizedNet& net, const SurgeryPlan& plan, const SurgeryDraws& draws) const {
    m_compose.apply(net, unitsOnly(plan), draws);
    // In the order of the network, whatever the order of the plan: checkpoints rebuild parameter blocks in this order.
    for (InjectedLinear* layer : net.sites().injectable()) {
        if (std::ranges::find(plan.modules, layer->name()) != plan.modules.end()) {
            injectRows(*layer, {}, {NeuronDrawSettings(), plan.optimiser, draws}, net.parameters());
        }
    }
}

std::vector<SiteReceipt> Inject::receipts(const FactorizedNet& net, const SurgeryPlan& plan) const {
    std::vector<SiteReceipt> receipts = m_compose.receipts(net, unitsOnly(plan));
    for (const std::string& module : plan.modules) {
        const InjectedLinear& layer = *net.sites().findInjectable(module);
        const std::int64_t count = layer.weight()->value.numel() + layer.bias()->value.numel();
        receipts.push_back(
            {.site = module, .units = {}, .kind = "injected", .ruaBefore = {}, .trainableParameters = count});
    }
    return receipts;
}

} // namespace knife
