// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/operations/shrink_units.h"

#include <ATen/ATen.h>

#include "core/nets/live_unit.h"
#include "core/plasticity/operations/reset_units.h"

namespace knife {

namespace {

// Frozen entries stay as they are.
void shrinkRow(const Parameter& parameter, std::int64_t row, double factor) {
    const at::Tensor values = parameter.value.detach().select(0, row);
    const at::Tensor shrunk = values * factor;
    values.copy_(parameter.mask.defined() ? at::where(parameter.mask.select(0, row).ne(0.0), shrunk, values) : shrunk);
}

} // namespace

void describe(FieldVisitor& visitor, ShrinkUnitsSettings& settings) {
    visitor.field("factor", settings.factor, {"factor on incoming weights and biases"}, {0, 1});
}

Result<void> ShrinkUnits::check(const SurgeryPlan& plan, const FactorizedNet& net) const {
    if (!plan.modules.empty()) {
        return fail(ErrorCode::Usage, "\"shrink_units\" works on units; the plan names whole modules");
    }
    for (const SiteOperation& operation : plan.operations) {
        if (auto refusal = refuseResets(*net.sites().find(operation.site)); !refusal.empty()) {
            return fail(ErrorCode::Unsupported, refusal);
        }
    }
    return {};
}

void ShrinkUnits::apply(FactorizedNet& net, const SurgeryPlan& plan, const SurgeryDraws&) const {
    for (const SiteOperation& operation : plan.operations) {
        for (const int unit : operation.units) {
            const LiveUnit live = liveUnit(*net.sites().find(operation.site), unit);
            shrinkRow(*live.weight, live.row, m_settings.factor);
            shrinkRow(*live.bias, live.row, m_settings.factor);
            for (const UnitClones::Row& clone : live.clones) {
                shrinkRow(*clone.rows, clone.row, m_settings.factor);
            }
        }
    }
}

std::vector<SiteReceipt> ShrinkUnits::receipts(const FactorizedNet&, const SurgeryPlan& plan) const {
    std::vector<SiteReceipt> receipts;
    for (const SiteOperation& operation : plan.operations) {
        if (!operation.units.empty()) {
            receipts.push_back({.site = operation.site, .units = operation.units, .kind = "shrunk", .ruaBefore = {}});
        }
    }
    return receipts;
}

} // namespace knife
