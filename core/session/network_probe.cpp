// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/session/network_probe.h"

#include <algorithm>
#include <memory>
#include <utility>

#include <ATen/ATen.h>

#include "core/learning/optimiser.h"
#include "core/learning/targets.h"
#include "core/plasticity/network/features.h"
#include "core/session/net_spec.h"

namespace knife {

namespace {

// The newest episodes whose steps together are not more than `steps`; at least one.
std::vector<std::shared_ptr<const EpisodeRecord>> newestWithin(const Replay& replay, std::int64_t episodes,
                                                               std::int64_t steps) {
    auto newest = replay.newest(static_cast<std::size_t>(episodes));
    std::size_t kept = 0;
    for (std::int64_t total = 0; kept < newest.size(); ++kept) {
        total += newest[newest.size() - 1 - kept]->length;
        if (kept > 0 && total > steps) {
            break;
        }
    }
    newest.erase(newest.begin(), newest.end() - static_cast<std::ptrdiff_t>(kept));
    return newest;
}

OptimiserStep newStep(const LearningConfig& config) {
    return [optimiser = Optimiser(config), limit = config.gradClip](ParameterSet& parameters) mutable {
        const at::NoGradGuard noGrad;
        maskGradients(parameters);
        scaleGradients(parameters, clipFactor(gradientNorm(parameters), limit));
        optimiser.step(parameters);
    };
}

} // namespace

NetworkProbe::NetworkProbe(const RunPlan& plan, NetSpec spec, const Learner& learner, const Replay& replay)
    : m_config(plan.experiment.diagnostics),
      m_learning(plan.experiment.learning),
      m_env(plan.spec),
      m_layout(inputLayout(plan)),
      m_spec(std::move(spec)),
      m_learner(learner),
      m_replay(replay),
      m_diagnostics(m_config) {}

bool NetworkProbe::isDue(ProbeOccasion occasion, std::int64_t update) const {
    return m_replay.size() > 0 && m_diagnostics.isDue(occasion, update);
}

Batch NetworkProbe::newest(std::int64_t update) const {
    Batch batch = makeBatch(newestWithin(m_replay, m_config.probeEpisodes, m_config.probeSteps), m_env, m_layout);
    batch.number = update;
    return onDevice(std::move(batch), m_spec.device);
}

ProbeBatch NetworkProbe::gather(std::int64_t update) const {
    const at::NoGradGuard noGrad;
    const Batch batch = newest(update);
    return probeOf(batch, m_learner.online().pass(batch.inputs, Keep::Nothing, nullptr));
}

std::vector<at::Tensor> NetworkProbe::siteInputs(const FactorizedNet& net, std::int64_t update) const {
    return m_replay.size() > 0 ? knife::siteInputs(net, gather(update)) : std::vector<at::Tensor>();
}

ProbeBatch NetworkProbe::probeOf(const Batch& batch, const NetPass& online) const {
    const Learner::Targets targets = m_learner.targets(batch, online);
    const at::Tensor bootstrap = targets.bootstrap.cpu();
    // With lambda = 1 the target is what the rewards to the end add up to.
    const std::vector<float> rewards =
        m_learning.standardiseRewards ? m_learner.rewardScale().apply(batch.reward) : batch.reward;
    const std::vector<float> returns =
        tdLambdaTargets({.steps = batch.steps,
                         .episodes = batch.episodes,
                         .outputs = bootstrap.size(1),
                         .gamma = m_learning.gamma,
                         .lambda = 1.0},
                        {bootstrap.data_ptr<float>(), static_cast<std::size_t>(bootstrap.numel())}, rewards,
                        batch.lengths, batch.terminated);
    const std::int64_t rows = batch.steps * batch.episodes;
    return {.seed = m_spec.seed,
            .number = batch.number,
            .steps = batch.steps,
            .episodes = batch.episodes,
            .agents = batch.agents,
            .inputs = batch.inputs,
            .state = batch.state,
            .unavailable = batch.unavailable,
            .actions = batch.actions,
            .valid = batch.valid,
            .targets = targets.values,
            .bootstrap = targets.bootstrap.slice(0, 0, rows),
            .returns = at::tensor(returns).view({rows, -1}).to(m_spec.device),
            .lengths = batch.lengths};
}

NetworkReport NetworkProbe::look(ProbeOccasion occasion, std::int64_t update) {
    const at::NoGradGuard noGrad;
    const FactorizedNet& online = m_learner.online();
    const Batch batch = newest(update);
    TdReading td;
    td.taps = SiteTaps(online.sites().all().size());
    const NetPass pass = online.pass(batch.inputs, Keep::Nothing, &td.taps);
    const ProbeBatch probe = probeOf(batch, pass);
    const NetReading reading = read(online, probe, pass, td);
    return m_diagnostics.report(occasion, {.spec = m_spec,
                                           .online = online,
                                           .target = m_learner.target(),
                                           .probe = probe,
                                           .reading = reading,
                                           .td = td,
                                           .update = update,
                                           .seed = m_spec.seed,
                                           .newOptimiser = [this] {
                                               return newStep(m_learning);
                                           }});
}

} // namespace knife
