// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/session/session.h"

#include <atomic>
#include <chrono>
#include <exception>
#include <new>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/envs/task_sequence.h"
#include "core/session/command_queue.h"
#include "core/session/process_info.h"
#include "core/session/speed_meter.h"
#include "core/session/trainer.h"
#include "core/store/run_reader.h"
#include "core/store/run_writer.h"
#include "core/store/workspace.h"

namespace knife {

namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::int64_t kMaxStep = 1'000'000'000'000; // of a single-step command; keeps the sum from overflowing

double secondsSince(SteadyClock::time_point moment) {
    return std::chrono::duration<double>(SteadyClock::now() - moment).count();
}

// The edge at which exceptions of LibTorch and of the allocator become errors.
template <typename Function>
auto guarded(const char* what, Function function) -> decltype(function()) {
    try {
        return function();
    } catch (const std::bad_alloc&) {
        return fail(
            ErrorCode::Internal,
            fmt::format("out of memory while {}; lower learning.buffer_episodes or learning.batch_episodes", what));
    } catch (const std::exception& error) {
        // LibTorch's texts go on with a stack trace, which says nothing to the person who reads this.
        const std::string_view text = error.what();
        return fail(ErrorCode::Internal,
                    fmt::format("an exception came up while {}: {}", what, text.substr(0, text.find('\n'))));
    }
}

class SessionImpl final : public Session {
  public:
    SessionImpl(RunPlan plan, std::uint64_t seed, bool startPaused, std::unique_ptr<RunWriter> store, RunState state)
        : m_plan(std::move(plan)),
          m_seed(seed),
          m_startPaused(startPaused),
          m_store(std::move(store)),
          m_state(state) {}

    /// Builds everything that trains; `saved` may be empty. The store is left alone.
    Result<void> prepare(std::string_view saved);
    Result<void> beginSegment(std::string_view reason);

    const RunId& id() const override { return m_store->id(); }
    std::int64_t totalEnvSteps() const override { return m_plan.experiment.steps; }
    RunOutcome run(SessionObserver& observer) override;
    void submit(Command command) override { m_commands.push(std::move(command)); }
    void interrupt() override { m_interrupted.store(true, std::memory_order_relaxed); }

  private:
    Result<void> moveTo(RunState state, std::string_view reason = {});
    Result<void> loop();
    Result<void> trainOnce();
    Result<void> checkpoint();
    Result<void> checkpointIfDue();
    void drainCommands();
    // What a command did: nothing to report, a receipt, or why it was refused.
    using Done = Result<std::optional<SurgeryReceipt>>;
    static Done done(const Result<void>& result);
    static Done done(Result<SurgeryReceipt> result);
    Done withCheckpoint(Result<SurgeryReceipt> result);
    Done execute(const ContinueCommand& command);
    Done execute(const PauseCommand& command);
    Done execute(const StepCommand& command);
    Done execute(const RunToCommand& command);
    Done execute(const EvaluateCommand& command);
    Done execute(const CheckpointCommand& command);
    Done execute(const OperateCommand& command);
    Done execute(const UndoCommand& command);
    Done execute(const StopCommand& command);
    Result<void> leavePause(const char* why);
    Result<void> enterPause(const char* why);
    Result<void> requirePaused(const char* what) const;
    bool reachedGoal() const;
    void serveSnapshot();
    void storeProgress();
    std::string whyUnfinished() const;
    RunOutcome finish(const Result<void>& trained);
    std::string summaryJson(const std::optional<Error>& error) const;

    RunPlan m_plan;
    std::uint64_t m_seed;
    bool m_startPaused;
    std::unique_ptr<RunWriter> m_store;
    RunState m_state;
    std::unique_ptr<Trainer> m_trainer;
    SessionObserver* m_observer = nullptr;

    CommandQueue m_commands;
    std::atomic<bool> m_interrupted{false};
    bool m_stopRequested = false;
    std::optional<UpdateStep> m_goalUpdate; ///< of a single step
    std::optional<EnvStep> m_goalEnvStep;   ///< of run-to

    double m_wallBefore = 0.0; ///< seconds of training before this stretch
    SteadyClock::time_point m_stretchBegan;
    SteadyClock::time_point m_lastCheckpoint;
    SteadyClock::time_point m_lastProgress;
    SpeedMeter m_speed;

    NeuronFrame m_neurons; ///< cached for snapshots
    SteadyClock::time_point m_neuronsTaken;
    bool m_neuronsStale = true;
};

Result<void> SessionImpl::prepare(std::string_view saved) {
    auto trainer = Trainer::build(m_plan, m_seed, *m_store, [this] { serveSnapshot(); });
    if (!trainer) {
        return tl::unexpected(trainer.error());
    }
    m_trainer = std::move(*trainer);
    if (!saved.empty()) {
        if (auto restored = m_trainer->restore(saved); !restored) {
            return restored;
        }
    }
    if (m_trainer->save().empty()) {
        return fail(ErrorCode::Unsupported,
                    "the state of these networks is larger than the 2 GiB that a checkpoint holds; "
                    "lower agent.hidden, mixer.embed or mixer.hypernet_embed");
    }
    m_wallBefore = m_trainer->clocks().wallS;
    return {};
}

Result<void> SessionImpl::beginSegment(std::string_view reason) {
    if (auto segment = m_store->beginSegment(m_trainer->clocks(), reason); !segment) {
        return tl::unexpected(segment.error());
    }
    return {};
}

Result<void> SessionImpl::moveTo(RunState state, std::string_view reason) {
    if (!isLegalTransition(m_state, state)) {
        return fail(ErrorCode::IllegalTransition,
                    fmt::format("a run that is {} cannot become {}", toString(m_state), toString(state)));
    }
    m_state = state;
    storeProgress();
    m_observer->stateChanged({state, m_trainer->clocks(), std::string(reason)});
    return {};
}

void SessionImpl::storeProgress() {
    m_store->progress(m_trainer->clocks(), m_state, m_trainer->task(), m_speed.envStepsPerS());
    m_lastProgress = SteadyClock::now();
}

RunOutcome SessionImpl::run(SessionObserver& observer) {
    m_observer = &observer;
    m_lastCheckpoint = SteadyClock::now();
    return finish(guarded("training", [this] { return loop(); }));
}

Result<void> SessionImpl::loop() {
    if (auto moved = moveTo(RunState::Starting); !moved) {
        return moved;
    }
    if (auto moved = moveTo(m_startPaused ? RunState::Paused : RunState::Running); !moved) {
        return moved;
    }
    while (!m_interrupted.load(std::memory_order_relaxed)) {
        drainCommands();
        if (m_stopRequested && !m_trainer->isDone()) {
            return {};
        }
        if (m_state == RunState::Paused && !m_stopRequested) {
            serveSnapshot();
            m_commands.waitFor(std::chrono::milliseconds(20)); // short: a signal and a snapshot request wake nobody
            if (const auto failure = m_store->failure()) {
                return tl::unexpected(*failure);
            }
            continue;
        }
        if (m_trainer->isDone()) {
            return m_trainer->evaluate();
        }
        if (auto trained = trainOnce(); !trained) {
            return trained;
        }
        if (auto saved = checkpointIfDue(); !saved) {
            return saved;
        }
        if (reachedGoal()) {
            if (auto paused = enterPause("reached its goal"); !paused) {
                return paused;
            }
        }
    }
    return {};
}

Result<void> SessionImpl::trainOnce() {
    m_stretchBegan = SteadyClock::now();
    auto advanced = m_trainer->advance();
    m_wallBefore += secondsSince(m_stretchBegan);
    m_trainer->setWall(m_wallBefore);
    m_neuronsStale = true;
    if (!advanced) {
        return advanced;
    }
    if (const auto failure = m_store->failure()) {
        return tl::unexpected(*failure);
    }
    m_speed.add(m_trainer->clocks());
    m_observer->progressed(m_trainer->clocks(), m_speed.envStepsPerS());
    serveSnapshot();
    if (secondsSince(m_lastProgress) > 0.5) {
        storeProgress();
    }
    return {};
}

bool SessionImpl::reachedGoal() const {
    const Clocks& clocks = m_trainer->clocks();
    return (m_goalUpdate && clocks.update >= *m_goalUpdate) || (m_goalEnvStep && clocks.envStep >= *m_goalEnvStep);
}

Result<void> SessionImpl::checkpoint() {
    const std::string content = m_trainer->save();
    auto stored = m_store->checkpoint(m_trainer->clocks(), std::as_bytes(std::span(content)),
                                      static_cast<int>(m_plan.experiment.checkpoint.keepLast));
    m_lastCheckpoint = SteadyClock::now();
    if (!stored) {
        return tl::unexpected(std::move(stored.error()).within("writing a checkpoint"));
    }
    return {};
}

Result<void> SessionImpl::checkpointIfDue() {
    if (secondsSince(m_lastCheckpoint) < m_plan.experiment.checkpoint.intervalS) {
        return {};
    }
    auto saved = checkpoint();
    if (!saved && saved.error().code == ErrorCode::Locked) {
        // Somebody else holds the database for long; the next interval tries again, only the last checkpoint must
        // succeed.
        m_observer->notice({Notice::Level::Warning, m_trainer->clocks(), saved.error().describe()});
        return {};
    }
    return saved;
}

Result<void> SessionImpl::enterPause(const char* why) {
    m_goalUpdate.reset();
    m_goalEnvStep.reset();
    if (auto moved = moveTo(RunState::Pausing, why); !moved) {
        return moved;
    }
    m_store->event(m_trainer->clocks(), "pause", why);
    return moveTo(RunState::Paused, why);
}

Result<void> SessionImpl::leavePause(const char* why) {
    if (auto moved = moveTo(RunState::Running, why); !moved) {
        return moved;
    }
    m_store->event(m_trainer->clocks(), "continue", why);
    return {};
}

Result<void> SessionImpl::requirePaused(const char* what) const {
    if (m_state != RunState::Paused) {
        return fail(ErrorCode::IllegalTransition,
                    fmt::format("{} needs a paused run; this one is {}", what, toString(m_state)));
    }
    return {};
}

SessionImpl::Done SessionImpl::done(const Result<void>& result) {
    return result ? Done{} : Done{tl::unexpected(result.error())};
}

SessionImpl::Done SessionImpl::done(Result<SurgeryReceipt> result) {
    return result ? Done{std::move(*result)} : Done{tl::unexpected(std::move(result.error()))};
}

// What was done by hand is part of the run from now on, also if the process dies before the next update: its receipt
// and its event are stored at clocks that an earlier checkpoint may share.
SessionImpl::Done SessionImpl::withCheckpoint(Result<SurgeryReceipt> result) {
    if (result) {
        if (auto saved = checkpoint(); !saved) {
            return done(saved);
        }
    }
    return done(std::move(result));
}

void SessionImpl::drainCommands() {
    while (auto command = m_commands.pop()) {
        CommandResult result{.id = command->id, .error = {}, .receipt = {}, .text = {}};
        const auto executeNow = [&] {
            return std::visit([this](const auto& body) { return execute(body); }, command->body);
        };
        Done executed = guarded("executing a command", executeNow);
        if (executed) {
            result.receipt = std::move(*executed);
        } else {
            result.error = executed.error();
            m_observer->notice({Notice::Level::Warning, m_trainer->clocks(), executed.error().describe()});
        }
        m_neuronsStale = true;
        m_observer->commandDone(result);
    }
}

SessionImpl::Done SessionImpl::execute(const ContinueCommand&) {
    return done(leavePause("continued by command"));
}

SessionImpl::Done SessionImpl::execute(const PauseCommand&) {
    return done(enterPause("paused by command"));
}

SessionImpl::Done SessionImpl::execute(const StepCommand& command) {
    if (auto paused = requirePaused("a single step"); !paused) {
        return done(paused);
    }
    m_goalUpdate =
        UpdateStep{m_trainer->clocks().update.value + std::clamp<std::int64_t>(command.updates, 1, kMaxStep)};
    return done(leavePause("single step"));
}

SessionImpl::Done SessionImpl::execute(const RunToCommand& command) {
    if (command.envStep <= m_trainer->clocks().envStep) {
        return fail(ErrorCode::Usage, fmt::format("env step {} lies behind: the run is at {}", command.envStep.value,
                                                  m_trainer->clocks().envStep.value));
    }
    m_goalEnvStep = command.envStep;
    return m_state == RunState::Paused ? done(leavePause("run to a step")) : Done{};
}

SessionImpl::Done SessionImpl::execute(const EvaluateCommand&) {
    return done(m_trainer->evaluate());
}

SessionImpl::Done SessionImpl::execute(const CheckpointCommand&) {
    return done(checkpoint());
}

SessionImpl::Done SessionImpl::execute(const OperateCommand& command) {
    if (auto saved = checkpoint(); !saved) { // what is done by hand can be gone back on
        return done(saved);
    }
    return withCheckpoint(m_trainer->operate(command.plan));
}

SessionImpl::Done SessionImpl::execute(const UndoCommand&) {
    if (auto paused = requirePaused("undo"); !paused) {
        return done(paused);
    }
    return withCheckpoint(m_trainer->undo());
}

SessionImpl::Done SessionImpl::execute(const StopCommand&) {
    m_stopRequested = true;
    return {};
}

void SessionImpl::serveSnapshot() {
    if (!m_observer->wantsSnapshot()) {
        return;
    }
    // Ten pictures of the neurons a second are plenty; the environment moves with every request.
    constexpr double kNeuronPeriodS = 0.1;
    if (m_neuronsStale && (m_state == RunState::Paused || secondsSince(m_neuronsTaken) > kNeuronPeriodS)) {
        m_neurons = m_trainer->neurons();
        m_neuronsTaken = SteadyClock::now();
        m_neuronsStale = false;
    }
    m_observer->snapshot({.state = m_state,
                          .clocks = m_trainer->clocks(),
                          .totalEnvSteps = m_plan.experiment.steps,
                          .envStepsPerS = m_speed.envStepsPerS(),
                          .updatesPerS = m_speed.updatesPerS(),
                          .memoryBytes = residentBytes(),
                          .task = m_trainer->task(),
                          .neurons = m_neurons,
                          .env = m_trainer->envView()});
}

std::string SessionImpl::summaryJson(const std::optional<Error>& error) const {
    const Clocks& clocks = m_trainer->clocks();
    const TrainingFigures figures = m_trainer->figures();
    const auto perSecond = [&](std::int64_t count) {
        return clocks.wallS > 0.0 ? static_cast<double>(count) / clocks.wallS : 0.0;
    };
    nlohmann::ordered_json final = nlohmann::ordered_json::object();
    if (figures.testReturn) {
        final["test_return"] = *figures.testReturn;
    }
    if (figures.testWinRate) {
        final["test_win_rate"] = *figures.testWinRate;
    }
    if (!figures.qTot.empty()) {
        final["q_tot"] = figures.qTot;
    }
    nlohmann::ordered_json summary{{"run", id().value},
                                   {"status", toString(m_state)},
                                   {"experiment", m_plan.experiment.name},
                                   {"seed", m_seed},
                                   {"env_steps", clocks.envStep.value},
                                   {"updates", clocks.update.value},
                                   {"episodes", clocks.episode.value},
                                   {"wall_s", clocks.wallS},
                                   {"env_steps_per_s", perSecond(clocks.envStep.value)},
                                   {"updates_per_s", perSecond(clocks.update.value)},
                                   {"weights_sha256", figures.weightsSha256},
                                   {"final", final}};
    if (error) {
        summary["error"] = {{"code", toString(error->code)}, {"message", error->describe()}};
    }
    return summary.dump();
}

// Empty for a run that has come to its end.
std::string SessionImpl::whyUnfinished() const {
    if (m_interrupted.load(std::memory_order_relaxed)) {
        return "interrupted by a signal";
    }
    return m_trainer->isDone() ? "" : "stopped by the user";
}

RunOutcome SessionImpl::finish(const Result<void>& trained) {
    RunOutcome outcome;
    outcome.error = trained ? std::nullopt : std::optional(trained.error());
    std::string reason = whyUnfinished();
    RunState last = reason.empty() ? RunState::Finished : RunState::Interrupted;
    if (!outcome.error) {
        outcome.error = m_store->failure();
    }
    if (!outcome.error) {
        (void)moveTo(RunState::Stopping, reason); // every state the loop can end in leads to Stopping
        if (!reason.empty()) {
            m_store->event(m_trainer->clocks(), "stop", reason);
        }
        if (auto saved = checkpoint(); !saved) {
            outcome.error = saved.error();
        }
    }
    if (outcome.error) {
        last = RunState::Failed;
        reason = outcome.error->describe();
        m_store->event(m_trainer->clocks(), "error", reason);
        m_observer->notice({Notice::Level::Error, m_trainer->clocks(), reason});
    }
    m_state = last;
    outcome.state = last;
    outcome.summaryJson = summaryJson(outcome.error);
    if (auto closed = m_store->close(last, reason, m_trainer->clocks(), outcome.summaryJson);
        !closed && !outcome.error) {
        outcome.error = closed.error();
        outcome.state = RunState::Failed;
    }
    m_observer->stateChanged({outcome.state, m_trainer->clocks(), reason});
    return outcome;
}

struct SavedState {
    std::optional<CheckpointRecord> checkpoint; ///< none: the run begins anew
    std::string content;
};

// The newest checkpoint whose content is whole.
Result<SavedState> newestSoundCheckpoint(RunReader& reader, const RunId& run) {
    const auto checkpoints = reader.checkpoints(run);
    if (!checkpoints) {
        return tl::unexpected(checkpoints.error());
    }
    std::optional<Error> damage;
    for (auto record = checkpoints->rbegin(); record != checkpoints->rend(); ++record) {
        const auto content = reader.checkpointContent(*record);
        if (content) {
            return SavedState{*record, {reinterpret_cast<const char*>(content->data()), content->size()}};
        }
        damage = content.error();
    }
    if (damage) {
        return tl::unexpected(*damage);
    }
    return SavedState();
}

// A stored run, ready to be built anew.
struct StoredRun {
    std::uint64_t seed = 0;
    RunPlan plan;
    SavedState saved;
    std::optional<RunTerms> newTerms; ///< none: it goes on as it is stored
};

Result<StoredRun> readStoredRun(RunReader& reader, const RunId& run, std::optional<std::int64_t> steps,
                                std::optional<std::int64_t> threads) {
    const auto record = reader.run(run);
    const auto config = reader.configToml(run);
    if (!record || !config) {
        return tl::unexpected(!record ? record.error() : config.error());
    }
    auto experiment = parseExperiment(*config, fmt::format("stored configuration of run {}", run.value));
    if (!experiment) {
        return tl::unexpected(experiment.error());
    }
    // Runs of older programs are stored with shares of the budget that they began with.
    experiment = guarded("setting the run up", [&] { return resolveTasks(*experiment); });
    if (!experiment) {
        return tl::unexpected(experiment.error());
    }
    const std::pair before(experiment->steps, experiment->threads);
    experiment->steps = steps.value_or(record->totalEnvSteps);
    experiment->threads = threads.value_or(experiment->threads);
    const bool isChanged = std::pair(experiment->steps, experiment->threads) != before;
    keepLibrariesToOneThread();
    auto plan = guarded("setting the run up", [&] { return planRun(*experiment); });
    auto saved = newestSoundCheckpoint(reader, run);
    if (!plan || !saved) {
        return tl::unexpected(!plan ? plan.error() : saved.error());
    }
    const Clocks from = saved->checkpoint ? saved->checkpoint->clocks : Clocks();
    if (from.envStep.value >= experiment->steps && record->state == RunState::Finished) {
        return fail(ErrorCode::Usage, fmt::format("run {} has used up its budget of {} env steps; give a larger one "
                                                  "with --steps",
                                                  run.value, experiment->steps));
    }
    std::optional<RunTerms> newTerms;
    if (isChanged) {
        newTerms = RunTerms{.totalEnvSteps = experiment->steps, .configToml = toToml(plan->experiment)};
    }
    return StoredRun{record->seed, std::move(*plan), std::move(*saved), std::move(newTerms)};
}

} // namespace

Result<std::unique_ptr<Session>> Session::start(const Experiment& experiment, std::uint64_t seed,
                                                const SessionOptions& options) {
    keepLibrariesToOneThread();
    auto plan = guarded("setting the run up", [&] { return planRun(experiment); });
    if (!plan) {
        return tl::unexpected(plan.error());
    }
    if (auto ready = prepareWorkspace(options.workspace); !ready) {
        return tl::unexpected(ready.error());
    }
    auto store = RunWriter::create(options.workspace, {.id = options.id,
                                                       .experiment = experiment.name,
                                                       .seed = seed,
                                                       .configToml = toToml(plan->experiment),
                                                       .totalEnvSteps = experiment.steps,
                                                       .build = options.build});
    if (!store) {
        return tl::unexpected(store.error());
    }
    auto session =
        std::make_unique<SessionImpl>(std::move(*plan), seed, options.startPaused, std::move(*store), RunState::Idle);
    if (auto ready = guarded("preparing the run", [&] { return session->prepare({}); }); !ready) {
        return tl::unexpected(ready.error());
    }
    if (auto begun = session->beginSegment("start"); !begun) {
        return tl::unexpected(begun.error());
    }
    return session;
}

// The order matters. Nobody else may write between what is read here and what is cut off; and what is stored stays as
// it is until the checkpoint has proved to be one that training can go on from.
Result<std::unique_ptr<Session>> Session::resume(const RunId& run, std::optional<std::int64_t> steps,
                                                 std::optional<std::int64_t> threads, const SessionOptions& options) {
    auto reader = RunReader::open(options.workspace);
    if (!reader) {
        return tl::unexpected(reader.error());
    }
    if (auto ready = prepareWorkspace(options.workspace); !ready) { // it may be of an older schema
        return tl::unexpected(ready.error());
    }
    auto store = RunWriter::takeOver(options.workspace, run);
    if (!store) {
        return tl::unexpected(store.error());
    }
    auto stored = readStoredRun(**reader, run, steps, threads);
    if (!stored) {
        return tl::unexpected(stored.error());
    }
    RunWriter& writer = **store;
    auto session = std::make_unique<SessionImpl>(std::move(stored->plan), stored->seed, options.startPaused,
                                                 std::move(*store), RunState::Interrupted);
    if (auto ready = guarded("preparing the run", [&] { return session->prepare(stored->saved.content); }); !ready) {
        return tl::unexpected(ready.error());
    }
    if (auto cut = writer.goOnFrom(stored->saved.checkpoint, stored->newTerms); !cut) {
        return tl::unexpected(cut.error());
    }
    if (auto begun = session->beginSegment("resume"); !begun) {
        return tl::unexpected(begun.error());
    }
    return session;
}

} // namespace knife
