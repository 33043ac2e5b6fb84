// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/learning/learner.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include <ATen/ATen.h>
#include <fmt/format.h>

#include "core/learning/targets.h"
#include "core/nets/mixers/mix_kernel.h"

namespace knife {

namespace {

at::Tensor maxAbsDifference(const at::Tensor& a, const at::Tensor& b) {
    return (a - b).abs().max();
}

RowValidity rowValidity(const Batch& batch) {
    const at::Tensor perStep = batch.valid.reshape({-1});
    // The agent also sees the observation after the last transition; that row carries no gradient and is not counted.
    const at::Tensor perAgent = at::zeros({perStep.numel() + batch.episodes, batch.agents}, perStep.options());
    perAgent.slice(0, 0, perStep.numel()).copy_(perStep.unsqueeze(1).expand({-1, batch.agents}));
    return {.agent = perAgent.view({-1}), .mixer = perStep, .agents = batch.agents};
}

/// Weights of valid steps, summing to one: [T * B, 1].
at::Tensor stepWeights(const Batch& batch) {
    const at::Tensor valid = batch.valid.reshape({-1, 1});
    return valid / valid.sum();
}

// values [rows, A] at one action per row -> [rows].
at::Tensor pick(const at::Tensor& values, const at::Tensor& actions) {
    const std::int64_t rows = actions.numel();
    const std::int64_t width = values.numel() / rows;
    at::Tensor picked = at::empty({rows});
    const float* from = values.data_ptr<float>();
    const std::int64_t* index = actions.data_ptr<std::int64_t>();
    float* to = picked.data_ptr<float>();
    for (std::int64_t row = 0; row < rows; ++row) {
        to[row] = from[row * width + index[row]];
    }
    return picked;
}

// The largest available values of outputs [T, B * N, A], per agent, where the kernel reads them; else undefined.
at::Tensor bestFor(const MixKernel& kernel, const at::Tensor& outputs, const at::Tensor& unavailable) {
    return kernel.readsBest() ? pick(outputs, greedyActions(outputs.view(unavailable.sizes()), unavailable))
                              : at::Tensor();
}

MixInputs mixInputs(const at::Tensor& q, const at::Tensor& best, const at::Tensor& actions, const Batch& batch) {
    return {.q = q.data_ptr<float>(),
            .best = best.defined() ? best.data_ptr<float>() : nullptr,
            .actions = actions.data_ptr<std::int64_t>(),
            .state = batch.state.data_ptr<float>(),
            .rows = q.numel() / batch.agents};
}

} // namespace

Result<std::unique_ptr<Learner>> Learner::build(const NetSpec& spec, const LearningConfig& config) {
    auto online = FactorizedNet::build(spec, ParameterUse::Trained);
    if (!online) {
        return tl::unexpected(online.error());
    }
    auto target = FactorizedNet::build(spec, ParameterUse::Copied);
    if (!target) {
        return tl::unexpected(target.error());
    }
    return std::unique_ptr<Learner>(new Learner(std::move(*online), std::move(*target), config, spec.seed));
}

Learner::Learner(std::unique_ptr<FactorizedNet> online, std::unique_ptr<FactorizedNet> target,
                 const LearningConfig& config, std::uint64_t seed)
    : m_config(config), m_online(std::move(online)), m_target(std::move(target)), m_optimiser(config), m_seed(seed) {
    copyToTarget();
}

void Learner::copyToTarget() {
    m_target->parameters().copyValuesFrom(m_online->parameters());
}

JointView Learner::view(const Batch& batch, const NetPass& pass, std::int64_t steps, const at::Tensor& actions) const {
    const std::int64_t rows = steps * batch.episodes;
    const auto perAgent = [&](const at::Tensor& inTime) {
        return inTime.defined() ? inTime.slice(0, 0, steps).reshape({rows, batch.agents, -1}) : at::Tensor();
    };
    JointView view{.steps = steps,
                   .episodes = batch.episodes,
                   .outputs = perAgent(pass.agent.outputs),
                   .hidden = m_online->needs().hidden ? perAgent(pass.agent.hidden) : at::Tensor(),
                   .inputs = m_online->needs().inputs ? perAgent(batch.inputs) : at::Tensor(),
                   .state = batch.state.slice(0, 0, steps).reshape({rows, -1}),
                   .unavailable = batch.unavailable.slice(0, 0, steps).reshape({rows, batch.agents, -1}),
                   .actions = actions.slice(0, 0, steps).reshape({rows, batch.agents}),
                   .further = {},
                   .noise = {m_seed, "mixer/noise", static_cast<std::uint64_t>(batch.number)}};
    for (const at::Tensor& outputs : pass.further) {
        view.further.push_back(perAgent(outputs));
    }
    return view;
}

at::Tensor Learner::bootstrapAt(const Batch& batch, const NetPass& target, std::int64_t steps,
                                const at::Tensor& actions) const {
    if (MixKernel* kernel = m_target->mixKernel()) {
        const at::Tensor outputs = target.agent.outputs.slice(0, 0, steps);
        const at::Tensor q = pick(outputs, actions.slice(0, 0, steps));
        const at::Tensor best = bestFor(*kernel, outputs, batch.unavailable.slice(0, 0, steps));
        at::Tensor joint = at::empty({steps * batch.episodes, m_target->mixer().outputs()});
        kernel->forward(mixInputs(q, best, actions, batch), joint.data_ptr<float>(), Keep::Nothing, nullptr);
        return joint;
    }
    return m_target->mixer().bootstrap(view(batch, target, steps, actions)).contiguous();
}

Learner::Targets Learner::makeTargets(const Batch& batch, const NetPass& online, const RewardScale& scale) const {
    const at::NoGradGuard noGrad;
    const std::int64_t observed = batch.steps + 1;
    const NetPass target = m_target->pass(batch.inputs, Keep::Nothing, nullptr);
    const FactorizedNet& chooser = m_config.doubleQ ? *m_online : *m_target;
    const AgentPass& chosenBy = m_config.doubleQ ? online.agent : target.agent;
    at::Tensor memory;
    const at::Tensor values = chooser.mixer().choosesByOutputs()
                                  ? chosenBy.outputs
                                  : chooser.mixer().actionValues(chosenBy.outputs, chosenBy.hidden, memory);
    const at::Tensor greedy =
        greedyActions(values.view({observed, batch.episodes, batch.agents, -1}), batch.unavailable);
    Targets targets;
    targets.bootstrap = bootstrapAt(batch, target, observed, greedy);
    const TargetSpec spec{.steps = batch.steps,
                          .episodes = batch.episodes,
                          .outputs = targets.bootstrap.size(1),
                          .gamma = m_config.gamma,
                          .lambda = m_config.tdLambda};
    const auto floats = [](const at::Tensor& tensor) {
        return std::span<const float>(tensor.data_ptr<float>(), static_cast<std::size_t>(tensor.numel()));
    };
    const at::Tensor qHat = targets.bootstrap.cpu();
    at::Tensor taken;
    if (m_config.tdVariant == "q_lambda") {
        taken = bootstrapAt(batch, target, batch.steps, batch.actions).cpu();
    }
    const std::vector<float> scaled = m_config.standardiseRewards ? scale.apply(batch.reward) : std::vector<float>();
    const std::vector<float>& rewards = m_config.standardiseRewards ? scaled : batch.reward;
    const std::vector<float> flat = tdLambdaTargets(spec, floats(qHat), rewards, batch.lengths, batch.terminated,
                                                    taken.defined() ? floats(taken) : std::span<const float>{});
    targets.values = at::tensor(flat).view({batch.steps * batch.episodes, spec.outputs}).to(targets.bootstrap.device());
    return targets;
}

Learner::Evaluated Learner::evaluate(const Batch& batch, const NetPass& online, const Targets& targets, Keep keep,
                                     SiteTaps* taps) const {
    return m_online->mixKernel() != nullptr ? evaluateFast(batch, online, targets, keep, taps)
                                            : evaluateByGraph(batch, online, targets, keep, taps);
}

Learner::Evaluated Learner::evaluateFast(const Batch& batch, const NetPass& online, const Targets& targets, Keep keep,
                                         SiteTaps* taps) const {
    const std::int64_t rows = batch.steps * batch.episodes;
    const std::int64_t columns = targets.values.size(1);
    MixKernel& kernel = *m_online->mixKernel();
    const at::Tensor outputs = online.agent.outputs.detach();
    const at::Tensor taken = outputs.slice(0, 0, batch.steps);
    const at::Tensor q = pick(taken, batch.actions);
    const at::Tensor best = bestFor(kernel, taken, batch.unavailable.slice(0, 0, batch.steps));
    Evaluated result;
    result.joint = at::empty({rows, columns});
    float* joint = result.joint.data_ptr<float>();
    kernel.forward(mixInputs(q, best, batch.actions, batch), joint, keep, taps);
    const float* target = targets.values.data_ptr<float>();
    const float* valid = batch.valid.data_ptr<float>();
    const double steps = std::accumulate(batch.lengths.begin(), batch.lengths.end(), 0.0);
    const double scale = 1.0 / (steps * static_cast<double>(columns));
    const double factor = m_online->mixer().lossFactor();
    at::Tensor dJoint = at::empty({rows, columns});
    float* gradient = dJoint.data_ptr<float>();
    UpdateReport sums;
    for (std::int64_t row = 0; row < rows; ++row) {
        for (std::int64_t cell = row * columns; cell < (row + 1) * columns; ++cell) {
            if (valid[row] == 0.F) {
                gradient[cell] = 0.F; // not a product: padding may hold anything
                continue;
            }
            const double error = static_cast<double>(joint[cell]) - static_cast<double>(target[cell]);
            sums.loss += error * error;
            sums.tdErrorAbs += std::abs(error);
            sums.qTotMean += static_cast<double>(joint[cell]);
            sums.targetMean += static_cast<double>(target[cell]);
            gradient[cell] = static_cast<float>(2.0 * factor * scale * error);
        }
    }
    result.report = {.loss = factor * scale * sums.loss,
                     .tdErrorAbs = scale * sums.tdErrorAbs,
                     .qTotMean = scale * sums.qTotMean,
                     .targetMean = scale * sums.targetMean};
    if (keep == Keep::Gradient) {
        at::Tensor dQ = at::empty({rows, batch.agents});
        kernel.backward(gradient, dQ.data_ptr<float>());
        result.dOutputs = at::zeros(outputs.sizes());
        const std::int64_t width = outputs.size(2);
        const std::int64_t* action = batch.actions.data_ptr<std::int64_t>();
        float* to = result.dOutputs.data_ptr<float>();
        for (std::int64_t i = 0; i < dQ.numel(); ++i) {
            to[i * width + action[i]] = dQ.data_ptr<float>()[i];
        }
    }
    return result;
}

Learner::Evaluated Learner::evaluateByGraph(const Batch& batch, const NetPass& online, const Targets& targets,
                                            Keep keep, SiteTaps* taps) const {
    const at::AutoGradMode mode(keep == Keep::Gradient);
    const std::int64_t rows = batch.steps * batch.episodes;
    const at::Tensor weights = stepWeights(batch);
    const MixerLoss loss = m_online->mixer().loss({.online = view(batch, online, batch.steps, batch.actions),
                                                   .targets = targets.values,
                                                   .bootstrap = targets.bootstrap.slice(0, 0, rows),
                                                   .weights = weights,
                                                   .update = batch.number},
                                                  taps);
    const at::NoGradGuard noGrad;
    const auto mean = [&](const at::Tensor& values) {
        return (values.mean(1, /*keepdim=*/true) * weights).sum().item<double>();
    };
    const at::Tensor compared = loss.compared.defined() ? loss.compared : targets.values;
    // A method may train other columns than it bootstraps from (quantiles); their means are then compared.
    const bool same = loss.joint.sizes() == compared.sizes();
    const at::Tensor error = same ? loss.joint - compared : loss.joint.mean(1, true) - compared.mean(1, true);
    return {.report = {.loss = loss.total.item<double>(),
                       .tdErrorAbs = mean(error.abs()),
                       .qTotMean = mean(loss.joint),
                       .targetMean = mean(compared)},
            .joint = loss.joint,
            .graph = loss.total,
            .dOutputs = {}};
}

const std::vector<at::Tensor>* Learner::rememberValues() {
    const auto& blocks = m_online->parameters().blocks();
    m_before.resize(blocks.size());
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        if (!blocks[i].trainable) {
            m_before[i] = at::Tensor();
        } else if (m_before[i].defined() && m_before[i].sizes() == blocks[i].value.sizes()) {
            m_before[i].copy_(blocks[i].value);
        } else {
            m_before[i] = blocks[i].value.detach().clone();
        }
    }
    return &m_before;
}

Result<void> Learner::descend(UpdateMoment moment, const UpdateListener::Wishes& wishes,
                              const UpdateListeners& listeners, UpdateReport& report) {
    const at::NoGradGuard noGrad;
    ParameterSet& parameters = moment.parameters;
    for (UpdateListener* listener : listeners) {
        listener->unmasked(moment);
    }
    maskGradients(parameters);
    report.gradNorm = gradientNorm(parameters);
    moment.clip = clipFactor(report.gradNorm, m_config.gradClip);
    for (UpdateListener* listener : listeners) {
        listener->differentiated(moment);
    }
    if (wishes.addsToGradients) {
        report.gradNorm = gradientNorm(parameters);
    }
    if (!std::isfinite(report.gradNorm)) {
        return fail(ErrorCode::Diverged,
                    fmt::format("the gradient's norm became {}; lower learning.lr", report.gradNorm));
    }
    moment.clip = clipFactor(report.gradNorm, m_config.gradClip);
    report.clipped = moment.clip < 1.0;
    report.gradNormClipped = report.gradNorm * moment.clip;
    scaleGradients(parameters, moment.clip);
    moment.before = wishes.valuesBefore ? rememberValues() : nullptr;
    m_optimiser.step(parameters);
    for (UpdateListener* listener : listeners) {
        listener->stepped(moment);
    }
    return {};
}

Result<UpdateReport> Learner::update(const Batch& batch, const UpdateListeners& listeners) {
    if (batch.inputs.is_cpu() != m_online->device().is_cpu()) {
        return update(onDevice(batch, m_online->device()), listeners);
    }
    UpdateListener::Wishes wishes;
    for (const UpdateListener* listener : listeners) {
        const UpdateListener::Wishes more = listener->wishes(batch.number);
        wishes.activations |= more.activations;
        wishes.valuesBefore |= more.valuesBefore;
        wishes.activationGradients |= more.activationGradients;
        wishes.addsToGradients |= more.addsToGradients;
    }
    ParameterSet& parameters = m_online->parameters();
    SiteTaps taps(m_online->sites().all().size());
    for (SiteTap& tap : taps) {
        tap.wantsGradient = wishes.activationGradients;
    }
    SiteTaps* recorded = wishes.activations || wishes.activationGradients ? &taps : nullptr;
    parameters.zeroGradients();
    const NetPass online = m_online->pass(batch.inputs, Keep::Gradient, recorded);
    RewardScale scale = m_rewardScale;
    if (m_config.standardiseRewards) {
        scale.observe(batch);
    }
    const Targets targets = makeTargets(batch, online, scale);
    const Evaluated evaluated = evaluate(batch, online, targets, Keep::Gradient, recorded);
    UpdateReport report = evaluated.report;
    // The fast path sums in double precision, where values that no network can hold are still finite.
    if (!(std::abs(report.loss) <= static_cast<double>(std::numeric_limits<float>::max()))) {
        return fail(ErrorCode::Diverged, fmt::format("the loss became {}; lower learning.lr or check the rewards "
                                                     "of the environment",
                                                     report.loss));
    }
    if (evaluated.graph.defined()) {
        evaluated.graph.backward();
    }
    m_online->backward(batch.inputs, online, evaluated.dOutputs);
    const RowValidity rows = recorded != nullptr ? rowValidity(batch) : RowValidity{};
    const UpdateMoment moment{
        .update = batch.number, .parameters = parameters, .taps = recorded, .rows = &rows, .lr = m_config.lr};
    if (auto descended = descend(moment, wishes, listeners, report); !descended) {
        return tl::unexpected(descended.error());
    }
    m_rewardScale = scale; // a diverged update has left it alone
    if (targetFollows()) {
        const at::NoGradGuard noGrad;
        m_target->parameters().moveValuesTowards(parameters, m_config.targetTau);
    }
    return report;
}

double Learner::updateFlop(const Batch& batch) const {
    const auto passes = [](double flops, double inputFlops) {
        return 4.0 * flops - inputFlops;
    };
    const auto mixerRows = static_cast<double>(batch.steps * batch.episodes);
    const auto agentRows = static_cast<double>((batch.steps + 1) * batch.episodes * batch.agents);
    return agentRows * passes(m_online->agentFlopsPerRow(), m_online->agentInputFlopsPerRow()) +
           mixerRows * passes(m_online->mixer().flopsPerRow(), m_online->mixer().inputFlopsPerRow());
}

Probe Learner::probe(const Batch& batch) const {
    if (batch.inputs.is_cpu() != m_online->device().is_cpu()) {
        return probe(onDevice(batch, m_online->device()));
    }
    const at::NoGradGuard noGrad;
    const NetPass online = m_online->pass(batch.inputs, Keep::Nothing, nullptr);
    const Targets targets = makeTargets(batch, online, m_rewardScale);
    const Evaluated evaluated = evaluate(batch, online, targets, Keep::Nothing, nullptr);
    const at::Tensor valid = batch.valid.reshape({-1, 1});
    const at::Tensor& q = online.agent.outputs.defined() ? online.agent.outputs : online.agent.hidden;
    ActMemory memory = m_online->initialMemory(batch.inputs.size(1));
    Probe probe{.q = q.clone(),
                .acted = m_online->act(batch.inputs[0], memory).clone(),
                .qTot = evaluated.joint * valid,
                .targetQTot = {},
                .loss = evaluated.report.loss,
                .episodes = static_cast<int>(batch.episodes)};
    const NetPass target = m_target->pass(batch.inputs, Keep::Nothing, nullptr);
    probe.targetQTot = bootstrapAt(batch, target, batch.steps, batch.actions) * valid;
    return probe;
}

Learner::Targets Learner::targets(const Batch& batch, const NetPass& online) const {
    return makeTargets(batch, online, m_rewardScale);
}

OutputChange Learner::difference(const Probe& before, const Probe& after) {
    return {.q = std::max(maxAbsDifference(before.q, after.q).item<double>(),
                          maxAbsDifference(before.acted, after.acted).item<double>()),
            .qTot = maxAbsDifference(before.qTot, after.qTot).item<double>(),
            .targetQTot = maxAbsDifference(before.targetQTot, after.targetQTot).item<double>(),
            .loss = std::abs(before.loss - after.loss),
            .episodes = after.episodes};
}

} // namespace knife
