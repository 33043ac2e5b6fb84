// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/interventions/reset.h"

#include "core/config/method_section.h"

namespace knife {

void describe(FieldVisitor& visitor, ResetConfig& config) {
    describe(visitor, config.when);
    describe(visitor, config.where);
    describe(visitor, config.policy);
    describe(visitor, config.redraw);
}

SurgeryPlan Reset::propose(const InterventionView& view) const {
    SurgeryPlan plan;
    plan.intervention = "reset";
    plan.operation = "redraw";
    plan.settings = writeSection("", m_config.redraw).toToml();
    plan.modules = modulesOf(m_config.where, view.net.parameters());
    plan.optimiser = optimiserPolicy(m_config.policy);
    plan.target = targetPolicy(m_config.policy);
    return plan;
}

Result<std::unique_ptr<Intervention>> makeReset(const Section& section, const FactorizedNet& net) {
    auto config = readMethod<ResetConfig>(section);
    if (!config) {
        return tl::unexpected(config.error());
    }
    if (auto known = checkScope(section, config->where, net.parameters()); !known) {
        return tl::unexpected(known.error());
    }
    return std::make_unique<Reset>(std::move(*config));
}

} // namespace knife
