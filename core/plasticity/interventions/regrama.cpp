// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/interventions/regrama.h"

namespace knife {

void describe(FieldVisitor& visitor, RegramaConfig& config) {
    describe(visitor, config.when);
    describe(visitor, config.policy);
    describeNeurons(visitor, config.reset);
    visitor.field("tau", config.tau, {"units are reset up to so many times their layer's mean gradient"}, {0, 10});
    visitor.field("max_share", config.maxShare, {"largest share of a site's units per surgery"}, {0, 1});
    visitor.field("observe_every", config.observeEvery, {"between looks at a minibatch", "updates"}, {1, 1e9});
}

Regrama::Regrama(RegramaConfig config, const SiteList& sites)
    : m_config(std::move(config)),
      m_batch(BatchScores::Of::Gradient, m_config.observeEvery, sites,
              chosenSites(m_config.policy, sites, &refuseResets)) {}

SurgeryPlan Regrama::propose(const InterventionView& view) const {
    SurgeryPlan plan = resetPlan("regrama", m_config.policy, m_config.reset);
    const SiteList& sites = view.net.sites();
    for (const std::size_t i : chosenSites(m_config.policy, sites, &refuseResets)) {
        std::vector<double> scores = m_batch.scores(i);
        divideByMean(scores, 0.0);
        std::vector<int> units = lowestUnits(scores, m_config.tau, m_config.maxShare);
        if (!units.empty()) {
            plan.operations.push_back({.site = sites.all()[i].name, .units = std::move(units)});
        }
    }
    return plan;
}

Result<std::unique_ptr<Intervention>> makeRegrama(const Section& section, const FactorizedNet& net) {
    const auto config = readAtSites<RegramaConfig>(section, net.sites(), &refuseResets);
    if (!config) {
        return tl::unexpected(config.error());
    }
    return std::make_unique<Regrama>(*config, net.sites());
}

} // namespace knife
