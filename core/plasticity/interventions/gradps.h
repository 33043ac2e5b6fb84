// SPDX-License-Identifier: GPL-3.0-or-later
// GradPS (xmu-rl-3dv/GradPS): a unit whose agents pull it in opposite directions is futile, and is split between them.
// With G_a the sum over agent a's rows of h dL/dh, that is the gradient of a gate on the unit for that agent, summed
// over the updates between two copies to the target network:
//
//   efficiency of an interval = |sum_a G_a| / sum_a |G_a|, of a unit: its mean over the last `window` intervals
//
// A unit that is older than the window and neither split nor a composite is futile below `futileBelow` times the mean
// of all such units of its site. Agents are set apart by their conflicts over the window (agent_conflicts.h), and every
// group but the first gets a clone of the row. Splits are final here; the released code can also merge clones again,
// with a probability that is 0 by default.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/plasticity/interventions/agent_conflicts.h"
#include "core/plasticity/interventions/intervention.h"
#include "core/plasticity/interventions/surgery_policy.h"

namespace knife {

struct GradpsConfig {
    TriggerConfig when{.trigger = "periodic", .every = 1, .unit = "target_copies", .at = {}};
    SurgeryPolicy policy{.sites = {}, .optimiser = "keep", .target = "mirror"};
    std::int64_t window = 10; ///< target copies
    double futileBelow = 0.5;
    std::int64_t groups = 2;       ///< of agents, at most
    double maxShare = 1.0;         ///< of a site's units per surgery, lowest efficiency first
    std::int64_t observeEvery = 1; ///< updates; more is cheaper, and not what was published
};
void describe(FieldVisitor& visitor, GradpsConfig& config);

class Gradps final : public Intervention, private UpdateListener {
  public:
    Gradps(GradpsConfig config, const FactorizedNet& net);
    [[nodiscard]] const TriggerConfig& trigger() const override { return m_config.when; }
    [[nodiscard]] SurgeryPlan propose(const InterventionView& view) const override;
    void touched(const std::vector<SiteReceipt>& sites) override;
    void targetCopied() override;
    [[nodiscard]] UpdateListener* listener() override { return this; }
    [[nodiscard]] std::string save() const override;
    [[nodiscard]] bool restore(std::string_view saved) override;

    /// One per unit of a site, over the window; NaN for a unit that is too young, a composite or split.
    [[nodiscard]] std::vector<double> efficiencies(std::size_t site) const;

  private:
    struct SiteState {
        std::vector<double> open;      ///< [agents x units], gains since the last copy
        std::vector<double> intervals; ///< [window x agents x units], a ring
        std::vector<double> age;       ///< per unit: intervals since it was touched
        std::vector<double> closed;    ///< one entry
    };
    [[nodiscard]] Wishes wishes(std::int64_t update) const override;
    void stepped(const UpdateMoment& moment) override;
    /// [agents x units] of one interval of the ring.
    [[nodiscard]] std::span<const double> gains(const SiteState& state, std::int64_t interval) const;
    [[nodiscard]] AgentConflicts conflicts(const SiteState& state, std::size_t unit) const;
    [[nodiscard]] SiteOperation splitAt(std::size_t site) const;

    GradpsConfig m_config;
    const SiteList& m_sites;
    std::size_t m_agents;
    std::vector<SiteState> m_states;
};

[[nodiscard]] Result<std::unique_ptr<Intervention>> makeGradps(const Section& section, const FactorizedNet& net);

} // namespace knife
