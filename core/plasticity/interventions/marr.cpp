// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/interventions/marr.h"

#include <utility>

#include <ATen/ATen.h>

#include "core/config/method_section.h"
#include "core/plasticity/interventions/module_scope.h"
#include "core/plasticity/operations/blend.h"
#include "core/types/counter_rng.h"

namespace knife {

void describe(FieldVisitor& visitor, MarrConfig& config) {
    describe(visitor, config.when);
    visitor.field("keep", config.keep, {"factor on the weights; the initial ones get the rest"}, {0, 1});
    visitor.field("amplitude", config.amplitude,
                  {"episodes are multiplied by a random factor that is at most so far from 1; 0: not"}, {0, 0.99});
}

Marr::Marr(MarrConfig config, const FactorizedNet& net)
    : m_config(std::move(config)),
      m_seed(net.spec().seed),
      m_agents(net.spec().mixerShape.agents),
      m_obs(net.spec().mixerShape.obs),
      m_modules(modulesOf({.scope = "all"}, net.parameters())) {}

SurgeryPlan Marr::propose(const InterventionView&) const {
    const BlendSettings settings{
        .keep = m_config.keep, .share = 1.0 - m_config.keep, .sigma = 0.0, .source = "initial"};
    SurgeryPlan plan;
    plan.intervention = "marr";
    plan.operation = "blend";
    plan.settings = writeSection("", settings).toToml();
    plan.modules = m_modules;
    plan.optimiser = OptimiserPolicy::Keep;
    plan.target = TargetPolicy::Mirror;
    return plan;
}

void Marr::sampled(SampledInputs& batch) {
    const std::int64_t episodes = batch.state.size(1);
    at::Tensor factors = at::empty({episodes});
    CounterRng rng({m_seed, "marr/amplitude", static_cast<std::uint64_t>(batch.update)});
    for (std::int64_t i = 0; i < episodes; ++i) {
        factors.data_ptr<float>()[i] =
            static_cast<float>(rng.uniform(1.0 - m_config.amplitude, 1.0 + m_config.amplitude));
    }
    batch.state.mul_(factors.view({1, episodes, 1}));
    // The last action and the agent's id, behind the observation, stay one-hot.
    const at::Tensor perAgent = factors.repeat_interleave(m_agents).view({1, episodes * m_agents, 1});
    batch.inputs.narrow(2, 0, m_obs).mul_(perAgent);
}

Result<std::unique_ptr<Intervention>> makeMarr(const Section& section, const FactorizedNet& net) {
    auto config = readMethod<MarrConfig>(section);
    if (!config) {
        return tl::unexpected(config.error());
    }
    return std::make_unique<Marr>(std::move(*config), net);
}

} // namespace knife
