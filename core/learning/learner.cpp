// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/learning/learner.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <ATen/ATen.h>
#include <fmt/format.h>

#include "core/learning/targets.h"

namespace knife {

namespace {

constexpr float kUnavailable = -9'999'999.F; // PyMARL's value of an action that cannot be taken

at::Tensor maxAbsDifference(const at::Tensor& a, const at::Tensor& b) {
    return (a - b).abs().max();
}

RowValidity rowValidity(const Batch& batch) {
    const at::Tensor perStep = batch.valid.reshape({-1});
    const at::Tensor perAgent = perStep.repeat_interleave(batch.agents);
    // The agent also sees the observation after the last transition; that row carries no gradient and is not counted.
    const at::Tensor lastRows = at::zeros({batch.episodes * batch.agents});
    return {.agent = at::cat({perAgent, lastRows}), .mixer = perStep};
}

} // namespace

Result<std::unique_ptr<Learner>> Learner::build(const NetSpec& spec, const LearningConfig& config) {
    auto online = FactorizedNet::build(spec);
    if (!online) {
        return tl::unexpected(online.error());
    }
    auto target = FactorizedNet::build(spec);
    if (!target) {
        return tl::unexpected(target.error());
    }
    return std::unique_ptr<Learner>(new Learner(std::move(*online), std::move(*target), config));
}

Learner::Learner(std::unique_ptr<FactorizedNet> online, std::unique_ptr<FactorizedNet> target,
                 const LearningConfig& config)
    : m_config(config), m_online(std::move(online)), m_target(std::move(target)), m_optimiser(config) {
    copyToTarget();
}

void Learner::copyToTarget() {
    m_target->parameters().copyValuesFrom(m_online->parameters());
}

at::Tensor Learner::makeTargets(const Batch& batch, const at::Tensor& onlineQ) const {
    const at::NoGradGuard noGrad;
    const std::int64_t observed = batch.steps + 1;
    const at::Tensor targetQ = m_target->agent().unroll(batch.inputs, nullptr).view(onlineQ.sizes());
    const at::Tensor chooser = (m_config.doubleQ ? onlineQ.detach() : targetQ);
    const at::Tensor greedy = chooser.masked_fill(batch.unavailable, kUnavailable).argmax(/*dim=*/3, /*keepdim=*/true);
    const at::Tensor values = targetQ.gather(3, greedy).view({observed * batch.episodes, batch.agents});
    const at::Tensor state = batch.state.view({observed * batch.episodes, -1});
    const at::Tensor qHat = m_target->mixer().mix(values, state, nullptr).contiguous();
    const TargetSpec spec{.steps = batch.steps,
                          .episodes = batch.episodes,
                          .outputs = qHat.size(1),
                          .gamma = m_config.gamma,
                          .lambda = m_config.tdLambda};
    const auto size = static_cast<std::size_t>(qHat.numel());
    const std::vector<float> targets =
        tdLambdaTargets(spec, {qHat.data_ptr<float>(), size}, batch.reward, batch.lengths, batch.terminated);
    return at::tensor(targets).view({batch.steps * batch.episodes, spec.outputs});
}

Learner::Forward Learner::forward(const Batch& batch, SiteTaps* taps) const {
    Forward pass;
    const std::int64_t transitions = batch.steps * batch.episodes;
    pass.q = m_online->agent().unroll(batch.inputs, taps).view({batch.steps + 1, batch.episodes, batch.agents, -1});
    const at::Tensor chosen = pass.q.slice(0, 0, batch.steps).gather(3, batch.actions.unsqueeze(3));
    const at::Tensor state = batch.state.slice(0, 0, batch.steps).reshape({transitions, -1});
    pass.qTot = m_online->mixer().mix(chosen.reshape({transitions, batch.agents}), state, taps);
    pass.targets = makeTargets(batch, pass.q);
    const at::Tensor valid = batch.valid.reshape({transitions, 1});
    pass.weights = valid / (valid.sum() * static_cast<double>(pass.qTot.size(1)));
    pass.loss = ((pass.qTot - pass.targets).square() * pass.weights).sum();
    return pass;
}

Result<UpdateReport> Learner::update(const Batch& batch, Diagnostics* diagnostics, bool wantActivations) {
    ParameterSet& parameters = m_online->parameters();
    SiteTaps taps(m_online->sites().all().size());
    SiteTaps* recorded = diagnostics != nullptr && wantActivations ? &taps : nullptr;
    parameters.zeroGradients();
    const Forward pass = forward(batch, recorded);
    UpdateReport report;
    report.loss = pass.loss.item<double>();
    if (!std::isfinite(report.loss)) {
        return fail(ErrorCode::Diverged, fmt::format("the loss became {}; lower learning.lr or check the rewards "
                                                     "of the environment",
                                                     report.loss));
    }
    pass.loss.backward();
    maskGradients(parameters);
    if (diagnostics != nullptr) {
        diagnostics->observe(recorded, recorded != nullptr ? rowValidity(batch) : RowValidity{});
    }
    report.gradNorm = gradientNorm(parameters);
    if (!std::isfinite(report.gradNorm)) {
        return fail(ErrorCode::Diverged,
                    fmt::format("the gradient's norm became {}; lower learning.lr", report.gradNorm));
    }
    report.clipped = clipGradients(parameters, report.gradNorm, m_config.gradClip);
    const at::NoGradGuard noGrad;
    const at::Tensor error = pass.qTot.detach() - pass.targets;
    report.tdErrorAbs = (error.abs() * pass.weights).sum().item<double>();
    report.qTotMean = (pass.qTot.detach() * pass.weights).sum().item<double>();
    report.targetMean = (pass.targets * pass.weights).sum().item<double>();
    m_optimiser.step(parameters);
    return report;
}

Probe Learner::probe(const Batch& batch) const {
    const at::NoGradGuard noGrad;
    const Forward pass = forward(batch, nullptr);
    const std::int64_t transitions = batch.steps * batch.episodes;
    const at::Tensor targetQ = m_target->agent().unroll(batch.inputs, nullptr).view(pass.q.sizes());
    const at::Tensor chosen = targetQ.slice(0, 0, batch.steps).gather(3, batch.actions.unsqueeze(3));
    const at::Tensor state = batch.state.slice(0, 0, batch.steps).reshape({transitions, -1});
    const at::Tensor targetQTot = m_target->mixer().mix(chosen.reshape({transitions, batch.agents}), state, nullptr);
    const at::Tensor valid = batch.valid.reshape({transitions, 1});
    return {.q = pass.q,
            .qTot = pass.qTot * valid,
            .targetQTot = targetQTot * valid,
            .loss = pass.loss.item<double>(),
            .episodes = static_cast<int>(batch.episodes)};
}

OutputChange Learner::difference(const Probe& before, const Probe& after) {
    return {.q = maxAbsDifference(before.q, after.q).item<double>(),
            .qTot = maxAbsDifference(before.qTot, after.qTot).item<double>(),
            .targetQTot = maxAbsDifference(before.targetQTot, after.targetQTot).item<double>(),
            .loss = std::abs(before.loss - after.loss),
            .episodes = after.episodes};
}

} // namespace knife
