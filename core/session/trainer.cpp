// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/session/trainer.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/envs/registry.h"
#include "core/learning/joint_values.h"
#include "core/learning/learner.h"
#include "core/learning/replay.h"
#include "core/learning/rollout.h"
#include "core/learning/schedules.h"
#include "core/plasticity/diagnostics.h"
#include "core/plasticity/interventions/intervention.h"
#include "core/session/checkpoint.h"
#include "core/session/evaluation.h"
#include "core/session/metric_log.h"
#include "core/session/net_spec.h"
#include "core/session/network_probe.h"
#include "core/session/surgery_desk.h"
#include "core/session/training_state.h"
#include "core/types/metric_names.h"

namespace knife {

namespace {

class TrainerImpl final : public Trainer {
  public:
    TrainerImpl(RunPlan plan, std::uint64_t seed, RunWriter& store, StepHook hook, const NetSpec& spec,
                std::unique_ptr<Learner> learner)
        : m_plan(std::move(plan)),
          m_experiment(m_plan.experiment),
          m_seed(seed),
          m_store(store),
          m_hook(std::move(hook)),
          m_layout(inputLayout(m_plan)),
          m_learner(std::move(learner)),
          m_diagnostics(m_experiment.diagnostics, m_learner->online().sites(), m_plan.spec.nAgents),
          m_replay(static_cast<std::size_t>(m_experiment.learning.bufferEpisodes)),
          m_metrics(store, m_plan.spec.hasWin),
          m_networks(m_plan, spec, *m_learner, m_replay),
          m_desk(
              {*m_learner, m_diagnostics, m_interventions, m_counters, store}, seed, [this] { return heldBatch(); },
              [this](const FactorizedNet& net) { return m_networks.siteInputs(net, m_counters.clocks.update.value); }) {
    }

    Result<void> prepare();

    bool isDone() const override { return m_counters.clocks.envStep.value >= m_experiment.steps; }
    Result<void> advance() override;
    Result<void> evaluate() override;
    Result<SurgeryReceipt> operate(const SurgeryPlan& plan) override;
    Result<SurgeryReceipt> undo() override { return m_desk.undo(); }
    const Clocks& clocks() const override { return m_counters.clocks; }
    void setWall(double seconds) override { m_counters.clocks.wallS = seconds; }
    const std::string& task() const override { return currentTask().name; }
    NeuronFrame neurons() const override { return m_diagnostics.frame(m_counters.clocks); }
    EnvView envView() const override;
    TrainingFigures figures() const override;
    const TrainingTimes& times() const override { return m_times; }
    double replayBytesPerEpisode() const override {
        const auto episodes = static_cast<double>(std::max<std::size_t>(m_replay.size(), 1));
        return static_cast<double>(m_replay.bytes()) / episodes;
    }
    std::string save() const override;
    Result<void> restore(std::string_view saved) override;

  private:
    const TaskInstance& currentTask() const { return m_plan.tasks[static_cast<std::size_t>(m_counters.task)]; }
    double epsilon() const {
        return epsilonAt(m_experiment.exploration, m_counters.clocks.envStep, m_counters.explorationSince);
    }
    TrainerParts parts() {
        return {m_counters, *m_learner, m_diagnostics, m_interventions, m_replay, m_metrics, m_networks.diagnostics()};
    }

    Result<void> enterTask(std::int32_t task);
    Result<void> switchTask();
    /// What a task switch does to the replay buffer.
    void thinReplay();
    Result<void> collect();
    Result<void> update();
    Result<void> takeGradientStep();
    TriggerCounts triggerCounts() const;
    Result<void> askInterventions(TriggerMoment moment);
    Result<void> askAfterUpdate();
    /// Comes after the evaluation that is due: what is evaluated is what was learned, not what a surgery left of it.
    /// The target is copied in between, if that is due.
    Result<void> askAfterRollout();
    Result<void> carryOut(SurgeryPlan plan, const std::string& reason);
    /// Returns the share of stagnant units.
    double closeDiagnosticsWindow();
    bool frameIsDue() const;
    void storeFrame();
    void copyTargetIfDue();
    Result<void> evaluateIfDue();
    Result<void> playGreedily();
    Result<void> evaluateEarlierTasks();
    /// Hands what was filmed of an evaluation over to the store.
    void storeRecordings(std::vector<Rollout::Film> films);
    /// Fills in what the environment cannot know: the name of the task, and what the network has learned of it.
    void complete(EnvView& view, const JointValues& values) const;
    /// Of a matrix game whose episode begins like this; nothing of other games.
    JointValues learnedTable(const EnvView& view, const Rollout::FirstMoment& first) const;
    /// `name` gives a metric of the current task the name that it is stored under.
    template <typename Name>
    void storeEvaluation(const EvaluationResult& result, Name name);
    /// Diagnostics of whole networks, where they are due.
    void lookAtNetworks(ProbeOccasion occasion);
    /// What surgeries are measured on; nullopt: there are no episodes yet.
    std::optional<Batch> heldBatch() const;

    RunPlan m_plan;
    const Experiment& m_experiment;
    std::uint64_t m_seed;
    RunWriter& m_store;
    StepHook m_hook;
    InputLayout m_layout;
    std::unique_ptr<Learner> m_learner;
    Diagnostics m_diagnostics;
    Replay m_replay;
    MetricLog m_metrics;
    NetworkProbe m_networks;
    std::vector<std::unique_ptr<Intervention>> m_interventions;
    UpdateListeners m_listeners;
    std::unique_ptr<Rollout> m_rollout;
    std::unique_ptr<Rollout> m_evaluation;
    TrainingCounters m_counters;
    TrainingTimes m_times;
    SurgeryDesk m_desk;
};

Result<void> TrainerImpl::prepare() {
    m_listeners.push_back(&m_diagnostics);
    for (const Section& section : m_experiment.interventions) {
        auto intervention = makeIntervention(section, m_learner->online());
        if (!intervention) {
            return tl::unexpected(intervention.error());
        }
        if (UpdateListener* listener = (*intervention)->listener()) {
            m_listeners.push_back(listener);
        }
        m_interventions.push_back(std::move(*intervention));
    }
    return enterTask(0);
}

Result<void> TrainerImpl::enterTask(std::int32_t task) {
    const Section& env = m_plan.tasks[static_cast<std::size_t>(task)].env;
    auto training = VectorEnv::make(env, static_cast<int>(m_experiment.learning.parallelEnvs));
    auto evaluation = VectorEnv::make(env, evaluationEnvs(m_experiment.evaluation.episodes));
    if (!training || !evaluation) {
        return tl::unexpected(!training ? training.error() : evaluation.error());
    }
    m_counters.task = task;
    m_rollout = std::make_unique<Rollout>(std::move(*training), m_layout);
    m_evaluation = std::make_unique<Rollout>(std::move(*evaluation), m_layout);
    return {};
}

Result<void> TrainerImpl::advance() {
    const bool lastTask = static_cast<std::size_t>(m_counters.task) + 1 == m_plan.tasks.size();
    if (!lastTask && m_counters.clocks.envStep.value >= currentTask().end) {
        if (auto switched = switchTask(); !switched) {
            return switched;
        }
    }
    if (auto evaluated = evaluateIfDue(); !evaluated) {
        return evaluated;
    }
    if (auto asked = askAfterRollout(); !asked) {
        return asked;
    }
    if (auto collected = collect(); !collected) {
        return collected;
    }
    if (m_replay.size() >= static_cast<std::size_t>(m_experiment.learning.batchEpisodes)) {
        for (std::int64_t i = 0; i < m_experiment.learning.updatesPerRollout; ++i) {
            if (auto updated = update(); !updated) {
                return updated;
            }
        }
    }
    const TimedSection timed(m_times.storeS);
    m_metrics.storeTraining(m_counters.clocks, epsilon(), m_replay.size());
    return {};
}

Result<void> TrainerImpl::switchTask() {
    // Function preservation matters exactly here, so remedies act on what the old task's last window showed, before
    // the first update on the new task.
    if (auto evaluated = evaluate(); !evaluated) {
        return evaluated;
    }
    if (m_experiment.evaluation.earlierTasks == "at_switches") {
        if (auto evaluated = evaluateEarlierTasks(); !evaluated) {
            return evaluated;
        }
    }
    lookAtNetworks(ProbeOccasion::TaskEnds);
    if (auto asked = askAfterRollout(); !asked) {
        return asked;
    }
    if (m_diagnostics.windowUpdates() * 2 >= m_experiment.diagnostics.window) {
        closeDiagnosticsWindow();
    }
    const TriggerCounts now = triggerCounts();
    if (auto operated = askInterventions({.occasion = TriggerMoment::Occasion::TaskSwitch, .before = now, .now = now});
        !operated) {
        return operated;
    }
    m_counters.switchedAt = m_counters.clocks.update.value;
    m_diagnostics.beginTask();
    const std::string from = currentTask().name;
    if (auto entered = enterTask(m_counters.task + 1); !entered) {
        return entered;
    }
    thinReplay();
    if (m_experiment.learning.onSwitchOptimiser == "reset") {
        m_learner->optimiser().reset(m_learner->online().parameters());
    }
    if (m_experiment.exploration.onSwitch == "restart") {
        m_counters.explorationSince = m_counters.clocks.envStep;
    } else if (m_experiment.exploration.onSwitch == "floor") {
        m_counters.explorationSince = {m_counters.clocks.envStep.value - m_experiment.exploration.annealSteps};
    }
    const nlohmann::ordered_json details{{"task", m_counters.task},
                                         {"from", from},
                                         {"to", currentTask().name},
                                         {"final_test_return", m_counters.testReturn.value_or(std::nan(""))}};
    m_store.event(m_counters.clocks, "task_switch", fmt::format("{} → {}", from, currentTask().name), details.dump());
    m_desk.forgetUndo();         // it would bring moments of the old task back
    m_counters.evaluatedAt = -1; // the new task is evaluated before its first update
    return {};
}

void TrainerImpl::thinReplay() {
    const LearningConfig& learning = m_experiment.learning;
    const std::int64_t episodes = m_counters.clocks.episode.value;
    const auto share = [&](std::size_t of) {
        return static_cast<std::size_t>(learning.onSwitchShare * static_cast<double>(of));
    };
    if (learning.onSwitchBuffer == "clear") {
        m_replay.clear();
    } else if (learning.onSwitchBuffer == "partial") {
        m_replay.keepNewest(share(m_replay.size()));
    } else if (learning.onSwitchBuffer == "reservoir") {
        const std::int64_t before = m_counters.switchedAtEpisode;
        m_replay.holdSample(std::min(share(m_replay.capacity()), m_replay.capacity() - 1),
                            {.held = before, .since = episodes - before},
                            CounterRng({m_seed, "replay/switch", static_cast<std::uint64_t>(m_counters.task)}));
    }
    m_counters.switchedAtEpisode = episodes;
}

Result<void> TrainerImpl::collect() {
    std::vector<EpisodeOrigin> origins;
    for (std::int64_t i = 0; i < m_experiment.learning.parallelEnvs; ++i) {
        const auto number = static_cast<std::uint64_t>(m_counters.clocks.episode.value + i);
        origins.push_back({.task = m_counters.task, .key = {.seed = m_seed, .greedy = false, .episode = number}});
    }
    const TimedSection timed(m_times.rolloutS);
    auto episodes = m_rollout->play(m_learner->online(), origins, epsilon(), m_hook);
    if (!episodes) {
        return tl::unexpected(episodes.error());
    }
    for (EpisodeRecord& episode : *episodes) {
        m_counters.clocks.envStep.value += episode.length;
        m_counters.clocks.episode.value += 1;
        m_metrics.addEpisode(episode);
        m_replay.add(std::make_shared<const EpisodeRecord>(std::move(episode)));
    }
    return {};
}

Result<void> TrainerImpl::update() {
    if (auto asked = askAfterUpdate(); !asked) {
        return asked;
    }
    if (m_counters.clocks.update.value == std::max<std::int64_t>(m_counters.switchedAt, 0)) {
        lookAtNetworks(ProbeOccasion::TaskBegins);
    }
    if (auto stepped = takeGradientStep(); !stepped) {
        return stepped;
    }
    m_counters.updateIsUnasked = true;
    lookAtNetworks(ProbeOccasion::Update);
    if (m_diagnostics.windowIsFull()) {
        m_counters.closedShare = closeDiagnosticsWindow();
    }
    if (frameIsDue()) {
        storeFrame();
    }
    return {};
}

Result<void> TrainerImpl::takeGradientStep() {
    const TimedSection timed(m_times.updateS);
    UpdateStep& step = m_counters.clocks.update;
    const auto sampled = m_replay.sample(static_cast<std::size_t>(m_experiment.learning.batchEpisodes),
                                         CounterRng({m_seed, "replay", static_cast<std::uint64_t>(step.value)}));
    Batch batch = makeBatch(sampled, m_plan.spec, m_layout);
    batch.number = step.value;
    SampledInputs inputs{.update = batch.number, .inputs = batch.inputs, .state = batch.state};
    for (UpdateListener* listener : m_listeners) {
        listener->sampled(inputs);
    }
    const double measuredBefore = m_diagnostics.secondsSpent();
    const auto report = m_learner->update(batch, m_listeners);
    if (!report) {
        return tl::unexpected(report.error());
    }
    const double measuring = m_diagnostics.secondsSpent() - measuredBefore;
    m_times.updateS -= measuring;
    m_times.diagnosticsS += measuring;
    m_times.updateFlop += m_learner->updateFlop(batch);
    m_desk.forgetUndo();
    step.value += 1;
    m_metrics.addUpdate(*report);
    return {};
}

double TrainerImpl::closeDiagnosticsWindow() {
    std::vector<StagnationSummary> summaries;
    {
        const TimedSection timed(m_times.diagnosticsS);
        m_diagnostics.closeWindow();
        summaries = m_diagnostics.summarise();
    }
    const TimedSection timed(m_times.storeS);
    m_metrics.storeStagnation(m_counters.clocks, summaries);
    m_metrics.storeOverlap(m_counters.clocks, summaries, m_experiment.diagnostics.overlap);
    return summaries.back().stagnant;
}

bool TrainerImpl::frameIsDue() const {
    const std::int64_t interval = m_experiment.diagnostics.frameInterval;
    const std::int64_t update = m_counters.clocks.update.value;
    return interval > 0 && update > 0 && update % interval == 0;
}

void TrainerImpl::storeFrame() {
    NeuronFrame frame;
    {
        const TimedSection timed(m_times.diagnosticsS);
        frame = m_diagnostics.frame(m_counters.clocks);
    }
    const TimedSection timed(m_times.storeS);
    m_store.frame(frame);
}

TriggerCounts TrainerImpl::triggerCounts() const {
    return {.updates = m_counters.clocks.update.value,
            .episodes = m_counters.clocks.episode.value,
            .envSteps = m_counters.clocks.envStep.value,
            .targetCopies = m_counters.targetCopies,
            .evaluations = m_counters.evaluations};
}

Result<void> TrainerImpl::askInterventions(TriggerMoment moment) {
    moment.now = triggerCounts();
    moment.updatesOfTask = m_counters.switchedAt < 0 ? -1 : moment.now.updates - m_counters.switchedAt;
    for (const auto& intervention : m_interventions) {
        if (!fires(intervention->trigger(), moment)) {
            continue;
        }
        const InterventionView view{
            .diagnostics = m_diagnostics, .net = m_learner->online(), .update = moment.now.updates, .seed = m_seed};
        const std::string reason =
            moment.occasion == TriggerMoment::Occasion::TaskSwitch ? "task_switch" : intervention->trigger().trigger;
        for (SurgeryPlan& plan : intervention->prepare(view)) {
            if (auto done = carryOut(std::move(plan), reason); !done) {
                return done;
            }
        }
        if (auto done = carryOut(intervention->propose(view), reason); !done) {
            return done;
        }
    }
    return {};
}

Result<void> TrainerImpl::askAfterUpdate() {
    if (!std::exchange(m_counters.updateIsUnasked, false)) {
        return {};
    }
    const std::optional<double> share = std::exchange(m_counters.closedShare, std::nullopt);
    TriggerMoment moment{.occasion = TriggerMoment::Occasion::Update,
                         .before = triggerCounts(),
                         .windowClosed = share.has_value(),
                         .stagnantShare = share.value_or(0.0)};
    moment.before.updates -= 1;
    return askInterventions(moment);
}

Result<void> TrainerImpl::askAfterRollout() {
    if (m_counters.clocks.episode.value == 0) {
        return {};
    }
    if (auto asked = askAfterUpdate(); !asked) {
        return asked;
    }
    copyTargetIfDue(); // of what the surgery has made
    const TriggerCounts before = std::exchange(m_counters.askedAt, triggerCounts());
    return askInterventions({.occasion = TriggerMoment::Occasion::Rollout, .before = before});
}

Result<void> TrainerImpl::carryOut(SurgeryPlan plan, const std::string& reason) {
    if (plan.empty()) {
        return {};
    }
    plan.reason = reason;
    return m_desk.operate(plan).map([](const std::optional<SurgeryReceipt>&) {});
}

std::optional<Batch> TrainerImpl::heldBatch() const {
    if (m_replay.size() == 0) {
        return std::nullopt;
    }
    return makeBatch(m_replay.newest(static_cast<std::size_t>(m_experiment.learning.batchEpisodes)), m_plan.spec,
                     m_layout);
}

Result<SurgeryReceipt> TrainerImpl::operate(const SurgeryPlan& plan) {
    auto receipt = m_desk.operate(plan);
    if (!receipt) {
        return tl::unexpected(receipt.error());
    }
    if (!*receipt) {
        return fail(ErrorCode::Unsupported, "the surgery changes nothing: all that it might take out is needed");
    }
    return **receipt;
}

void TrainerImpl::copyTargetIfDue() {
    if (m_learner->targetFollows()) {
        return;
    }
    const std::int64_t episode = m_counters.clocks.episode.value;
    if (episode - m_counters.targetCopiedAt >= m_experiment.learning.targetInterval) {
        m_learner->copyToTarget();
        m_counters.targetCopiedAt = episode;
        m_counters.targetCopies += 1;
        for (const auto& intervention : m_interventions) {
            intervention->targetCopied();
        }
        m_desk.forgetUndo(); // it would bring the old target back
    }
}

Result<void> TrainerImpl::evaluateIfDue() {
    const std::int64_t now = m_counters.clocks.envStep.value;
    const bool due = m_counters.evaluatedAt < 0 || now - m_counters.evaluatedAt >= m_experiment.evaluation.interval;
    return due ? evaluate() : Result<void>{};
}

Result<void> TrainerImpl::evaluate() {
    if (auto played = playGreedily(); !played) {
        return played;
    }
    lookAtNetworks(ProbeOccasion::Evaluation);
    if (isDone()) {
        lookAtNetworks(ProbeOccasion::TaskEnds);
        if (m_experiment.diagnostics.frameInterval > 0 && !frameIsDue()) { // a due one is there already
            storeFrame();
        }
    }
    const std::string& when = m_experiment.evaluation.earlierTasks;
    const bool due = when == "at_evaluations" || (when != "never" && isDone());
    return due ? evaluateEarlierTasks() : Result<void>{};
}

void TrainerImpl::lookAtNetworks(ProbeOccasion occasion) {
    if (!m_networks.isDue(occasion, m_counters.clocks.update.value)) {
        return;
    }
    NetworkReport report;
    {
        const TimedSection timed(m_times.diagnosticsS);
        report = m_networks.look(occasion, m_counters.clocks.update.value);
    }
    const TimedSection timed(m_times.storeS);
    m_metrics.storeNetworks(m_counters.clocks, report.values);
    for (const Error& failure : report.failures) {
        m_store.event(m_counters.clocks, "diagnostic_failed", failure.describe(), "{}");
    }
}

Result<void> TrainerImpl::playGreedily() {
    const TimedSection timed(m_times.evaluationS);
    const EpisodeOrigin first{
        .task = m_counters.task,
        .key = {.seed = m_seed, .greedy = true, .episode = static_cast<std::uint64_t>(m_counters.evaluationEpisodes)}};
    std::vector<Rollout::Film> films(static_cast<std::size_t>(m_experiment.evaluation.recordedEpisodes));
    const auto result =
        evaluateGreedily(*m_evaluation, m_learner->online(), first, m_experiment.evaluation.episodes, films);
    if (!result) {
        return tl::unexpected(result.error());
    }
    storeRecordings(std::move(films));
    m_counters.evaluations += 1;
    m_counters.evaluationEpisodes += result->episodes;
    m_counters.evaluatedAt = m_counters.clocks.envStep.value;
    m_counters.testReturn = result->meanReturn;
    m_counters.testWinRate = result->winRate;
    storeEvaluation(*result, [](const char* metric) { return metric; });
    return {};
}

Result<void> TrainerImpl::evaluateEarlierTasks() {
    const TimedSection timed(m_times.evaluationS);
    const auto earlier = std::span(m_plan.tasks).first(static_cast<std::size_t>(m_counters.task));
    const std::uint64_t seed = seedOfEarlierTasks(m_seed, m_counters.clocks.envStep);
    const auto results = evaluateTasks(earlier, m_learner->online(), m_layout, seed, m_experiment.evaluation.episodes);
    if (!results) {
        return tl::unexpected(results.error());
    }
    for (std::size_t i = 0; i < results->size(); ++i) {
        storeEvaluation((*results)[i], [i](const char* metric) { return metricOfTask(metric, i); });
    }
    return {};
}

template <typename Name>
void TrainerImpl::storeEvaluation(const EvaluationResult& result, Name name) {
    m_metrics.store(name("test/return"), m_counters.clocks, result.meanReturn);
    m_metrics.store(name("test/length"), m_counters.clocks, result.meanLength);
    if (result.winRate) {
        m_metrics.store(name("test/win_rate"), m_counters.clocks, *result.winRate);
    }
}

void TrainerImpl::storeRecordings(std::vector<Rollout::Film> films) {
    for (Rollout::Film& film : films) {
        const JointValues values = learnedTable(film.moments.front(), film.first);
        for (EnvView& moment : film.moments) {
            complete(moment, values);
        }
        m_store.episode({.clocks = m_counters.clocks, .moments = std::move(film.moments)});
    }
}

JointValues TrainerImpl::learnedTable(const EnvView& view, const Rollout::FirstMoment& first) const {
    if (!std::holds_alternative<MatrixView>(view.scene) || first.obs.empty()) {
        return {};
    }
    return jointValues(m_learner->online(), m_layout, first.obs, first.state, m_counters.task);
}

void TrainerImpl::complete(EnvView& view, const JointValues& values) const {
    view.task = currentTask().name;
    if (auto* matrix = std::get_if<MatrixView>(&view.scene)) {
        matrix->learnedQ = values.q;
        matrix->learnedQTot = values.qTot;
    }
}

EnvView TrainerImpl::envView() const {
    EnvView view = m_rollout->environments().environment(0).view();
    view.choices = m_rollout->lastChoices();
    complete(view, learnedTable(view, m_rollout->firstMoment()));
    return view;
}

TrainingFigures TrainerImpl::figures() const {
    const EnvView view = envView();
    const auto* matrix = std::get_if<MatrixView>(&view.scene);
    return {.weightsSha256 = m_learner->weightsSha256(),
            .testReturn = m_counters.testReturn,
            .testWinRate = m_counters.testWinRate,
            .qTot = matrix != nullptr ? matrix->learnedQTot : std::vector<float>{}};
}

std::string TrainerImpl::save() const {
    return writeCheckpoint(
        {m_counters, *m_learner, m_diagnostics, m_interventions, m_replay, m_metrics, m_networks.diagnostics()});
}

Result<void> TrainerImpl::restore(std::string_view saved) {
    std::vector<std::unique_ptr<Environment>> environments(m_plan.tasks.size());
    const auto environmentFor = [&](int task) -> Result<Environment*> {
        if (task < 0 || static_cast<std::size_t>(task) >= environments.size()) {
            return fail(ErrorCode::Corrupt,
                        fmt::format("the checkpoint refers to task {} of {}", task, environments.size()));
        }
        auto& slot = environments[static_cast<std::size_t>(task)];
        if (!slot) {
            auto made = makeEnvironment(m_plan.tasks[static_cast<std::size_t>(task)].env);
            if (!made) {
                return tl::unexpected(made.error());
            }
            slot = std::move(*made);
        }
        return slot.get();
    };
    if (auto read = readCheckpoint(saved, parts(), environmentFor); !read) {
        return read;
    }
    if (m_counters.task < 0 || static_cast<std::size_t>(m_counters.task) >= m_plan.tasks.size()) {
        return fail(ErrorCode::Corrupt,
                    fmt::format("the checkpoint is at task {} of {}", m_counters.task, m_plan.tasks.size()));
    }
    return enterTask(m_counters.task);
}

} // namespace

Result<std::unique_ptr<Trainer>> Trainer::build(const RunPlan& plan, std::uint64_t seed, RunWriter& store,
                                                StepHook afterEnvStep) {
    const NetSpec spec = makeNetSpec(plan, seed);
    auto learner = Learner::build(spec, plan.experiment.learning);
    if (!learner) {
        return tl::unexpected(learner.error());
    }
    auto trainer = std::make_unique<TrainerImpl>(plan, seed, store, std::move(afterEnvStep), spec, std::move(*learner));
    if (auto prepared = trainer->prepare(); !prepared) {
        return tl::unexpected(prepared.error());
    }
    return trainer;
}

} // namespace knife
