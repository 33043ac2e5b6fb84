// SPDX-License-Identifier: GPL-3.0-or-later
#include <array>
#include <latch>
#include <stdexcept>
#include <thread>
#include <tuple>

#include <QTest>
#include <fmt/format.h>

#include "core/store/run_reader.h"
#include "core/store/run_writer.h"
#include "session_fixture.h"

using namespace knife;
using namespace knife::test;

class TestSession : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void trainsToTheEndThroughTheLegalStates();
    void equalSeedsGiveEqualWeightsWhoeverWatches();
    void evaluatesEarlierTasksWithoutATrace_data();
    void evaluatesEarlierTasksWithoutATrace();
    void pausesStepsAndRunsToAStep();
    void operatesByHandExactlyAndUndoes();
    void refusesWhatTheStateForbids();
    void stopsAndInterruptsToBeResumed();
    void finishesWhatWasStoppedAtTheEndOfItsBudget();
    void resumesToTheSameWeightsFromAnyCheckpoint();
    void resumedRunIsOneLineInTheStore();
    void diesAfterASwitchAtTheCheckpointsClocks();
    void aResumeThatCannotRestoreChangesNothing();
    void ofTwoResumesAtOnceOneWins();
    void showsNeuronsAndLearnedTableInSnapshots();
    void refusesToResumeAUsedUpBudget();
    void theConfigurationIsStoredAnewOnlyWhereItChanges();
    void aRunWithoutUpdatesShowsItsNeurons();
    void failsWhenItsWorkspaceIsDeleted();
};

namespace {

Command commandOf(std::uint64_t id, CommandBody body) {
    return {CommandId{id}, std::move(body)};
}

std::string trainToTheEnd(const Experiment& experiment, std::uint64_t seed = 1) {
    const RunOutcome outcome = live(experiment, Workspace(), nullptr, seed);
    return outcome.state == RunState::Finished ? hashOf(outcome) : std::string("did not finish");
}

} // namespace

void TestSession::trainsToTheEndThroughTheLegalStates() {
    const Workspace workspace;
    RecordingObserver observer;
    const auto session = workspace.start(experimentOf(kMatrixSequence));
    const RunOutcome outcome = session->run(observer);
    QVERIFY(outcome.state == RunState::Finished);
    QVERIFY(!outcome.error);
    const std::vector<RunState> expected{RunState::Starting, RunState::Running, RunState::Stopping, RunState::Finished};
    QVERIFY(observer.states == expected);

    const auto summary = nlohmann::json::parse(outcome.summaryJson);
    QCOMPARE(summary.at("status").get<std::string>(), std::string("finished"));
    QCOMPARE(summary.at("env_steps").get<int>(), 1600);
    QVERIFY(summary.at("final").contains("test_return"));

    auto reader = RunReader::open(workspace.path());
    QVERIFY(reader);
    const auto surgeries = (*reader)->surgeries(session->id());
    QVERIFY(surgeries && surgeries->size() == 1);
    QCOMPARE(surgeries->front().change.max(), 0.0);
    QVERIFY(surgeries->front().change.episodes > 0);
    QCOMPARE(surgeries->front().plan.reason, std::string("task_switch"));
    const auto frames = (*reader)->frames(session->id());
    QVERIFY(frames && frames->size() > 5);
}

void TestSession::equalSeedsGiveEqualWeightsWhoeverWatches() {
    const Experiment experiment = experimentOf(kMatrixSequence);
    const std::string alone = trainToTheEnd(experiment);
    QCOMPARE(alone.size(), std::size_t{64});
    QCOMPARE(trainToTheEnd(experiment), alone);
    QVERIFY(trainToTheEnd(experiment, 2) != alone);

    const Workspace workspace;
    RecordingObserver watcher;
    watcher.snapshotWanted = true; // after every environment step
    const auto session = workspace.start(experiment);
    int pauses = 0;
    watcher.onProgress = [&](const Clocks& clocks) {
        if (clocks.update.value % 50 == 49) {
            session->submit(commandOf(1, PauseCommand{}));
        }
    };
    watcher.onState = [&](RunState state) {
        if (state == RunState::Paused) {
            ++pauses;
            session->submit(commandOf(2, EvaluateCommand{}));
            session->submit(commandOf(3, CheckpointCommand{}));
            session->submit(commandOf(4, ContinueCommand{}));
        }
    };
    const RunOutcome outcome = session->run(watcher);
    QVERIFY(pauses > 3);
    QVERIFY(watcher.snapshots.size() > 100);
    QCOMPARE(hashOf(outcome), alone);
}

void TestSession::evaluatesEarlierTasksWithoutATrace_data() {
    QTest::addColumn<QString>("when");
    QTest::addColumn<QList<int>>("firstTask"); // env steps at which it is evaluated after its stretch
    QTest::addColumn<QList<int>>("secondTask");
    QTest::newRow("never") << "never" << QList<int>{} << QList<int>{};
    QTest::newRow("at the end") << "at_end" << QList<int>{1600} << QList<int>{1600};
    QTest::newRow("at switches") << "at_switches" << QList<int>{1200, 1600} << QList<int>{1600};
    QTest::newRow("at evaluations") << "at_evaluations" << QList<int>{800, 1200, 1200, 1600} << QList<int>{1200, 1600};
}

// Training, its evaluations and the weights are those of a run that never looks back, to the bit.
void TestSession::evaluatesEarlierTasksWithoutATrace() {
    QFETCH(QString, when);
    QFETCH(QList<int>, firstTask);
    QFETCH(QList<int>, secondTask);
    const std::string tasks = "tasks=[{name=\"additive\",steps=800,env={table=\"additive\"}},"
                              "{name=\"monotone\",steps=400,env={table=\"monotone\"}},"
                              "{name=\"additive again\",env={table=\"additive\"}}]";
    const auto experiment = [&](const std::string& choice) {
        return experimentOf(kMatrixSequence, {tasks, "evaluation.earlier_tasks=\"" + choice + "\""});
    };
    const Workspace plain;
    RunId plainRun;
    const RunOutcome expected = live(experiment("never"), plain, &plainRun);
    VERIFY_FINISHED(expected);
    const Workspace workspace;
    RunId run;
    const RunOutcome outcome = live(experiment(when.toStdString()), workspace, &run);
    VERIFY_FINISHED(outcome);
    QCOMPARE(hashOf(outcome), hashOf(expected));

    const auto reader = std::move(*RunReader::open(workspace.path()));
    const auto plainReader = std::move(*RunReader::open(plain.path()));
    for (const char* metric : {"test/return", "train/loss", "train/return"}) {
        QVERIFY(reader->series(run, metric)->value == plainReader->series(plainRun, metric)->value);
    }
    const auto stepsOf = [&](const char* metric) {
        const Series series = *reader->series(run, metric);
        return QList<int>(series.envStep.begin(), series.envStep.end());
    };
    QCOMPARE(stepsOf("test/task_1/return"), firstTask);
    QCOMPARE(stepsOf("test/task_2/return"), secondTask);
    QCOMPARE(stepsOf("test/task_1/length"), firstTask);
    QVERIFY(stepsOf("test/task_3/return").isEmpty()); // it is the current one
    if (!firstTask.isEmpty()) {
        // The first task is the last one again: at the end greedy play of this certain game gives both one return.
        const double again = reader->series(run, "test/return")->value.back();
        QCOMPARE(reader->series(run, "test/task_1/return")->value.back(), again);
        QVERIFY(reader->series(run, "test/task_2/return")->value.back() != again);
    }
}

void TestSession::pausesStepsAndRunsToAStep() {
    const Workspace workspace;
    RecordingObserver observer;
    const auto session = workspace.start(experimentOf(kMatrixSequence), 1, /*startPaused=*/true);
    std::vector<Clocks> pausedAt;
    Clocks now;
    observer.onProgress = [&](const Clocks& clocks) {
        now = clocks;
    };
    observer.onState = [&](RunState state) {
        if (state != RunState::Paused) {
            return;
        }
        pausedAt.push_back(now);
        switch (pausedAt.size()) {
        case 1:
            session->submit(commandOf(1, RunToCommand{EnvStep{100}}));
            break;
        case 2:
            session->submit(commandOf(2, StepCommand{1}));
            break;
        case 3:
            session->submit(commandOf(3, StepCommand{5}));
            break;
        default:
            session->submit(commandOf(4, ContinueCommand{}));
        }
    };
    QVERIFY(session->run(observer).state == RunState::Finished);
    QCOMPARE(pausedAt.size(), std::size_t{4});
    QCOMPARE(pausedAt[0].update.value, 0);
    QVERIFY(pausedAt[1].envStep.value >= 100 && pausedAt[1].envStep.value < 110);
    QCOMPARE(pausedAt[2].update.value, pausedAt[1].update.value + 1);
    QCOMPARE(pausedAt[3].update.value, pausedAt[2].update.value + 5);
}

void TestSession::operatesByHandExactlyAndUndoes() {
    const Experiment experiment = experimentOf(kMatrixSequence);
    const std::string untouched = trainToTheEnd(experiment);
    SurgeryPlan plan;
    plan.reason = "by_hand";
    plan.operations = {{"mixer.v", {0, 7}}, {"agent.fc1", {1, 2, 15}}}; // not in the order of the sites
    const auto runWith = [&](bool undo) {
        const Workspace workspace;
        RecordingObserver observer;
        const auto session = workspace.start(experiment);
        bool asked = false;
        observer.onProgress = [&](const Clocks& clocks) {
            if (clocks.envStep.value >= 400 && !asked) {
                asked = true;
                session->submit(commandOf(1, PauseCommand{}));
                session->submit(commandOf(2, OperateCommand{plan}));
                if (undo) {
                    session->submit(commandOf(3, UndoCommand{}));
                }
                session->submit(commandOf(4, ContinueCommand{}));
                session->submit(commandOf(5, UndoCommand{})); // not paused any more
            }
        };
        const RunOutcome outcome = session->run(observer);
        const auto receipt = std::ranges::find(observer.results, CommandId{2}, &CommandResult::id);
        if (receipt == observer.results.end() || !receipt->receipt || receipt->receipt->change.max() != 0.0) {
            return std::string("no exact receipt");
        }
        const auto late = std::ranges::find(observer.results, CommandId{5}, &CommandResult::id);
        if (late == observer.results.end() || !late->error || late->error->code != ErrorCode::IllegalTransition) {
            return std::string("a late undo was not refused");
        }
        return hashOf(outcome);
    };
    const std::string operated = runWith(false);
    QCOMPARE(operated.size(), std::size_t{64});
    QVERIFY(operated != untouched);
    QCOMPARE(runWith(false), operated);
    QCOMPARE(runWith(true), untouched);
}

void TestSession::refusesWhatTheStateForbids() {
    const Workspace workspace;
    RecordingObserver observer;
    const auto session = workspace.start(experimentOf(kMatrixSequence), 1, /*startPaused=*/true);
    SurgeryPlan impossible;
    impossible.operations = {{"mixer.mix", {0}}};
    session->submit(commandOf(1, PauseCommand{}));
    session->submit(commandOf(2, UndoCommand{}));
    session->submit(commandOf(3, RunToCommand{EnvStep{0}}));
    session->submit(commandOf(4, OperateCommand{impossible}));
    session->submit(commandOf(5, OperateCommand{}));
    session->submit(commandOf(6, StopCommand{}));
    QVERIFY(session->run(observer).state == RunState::Interrupted);
    const std::vector<std::optional<ErrorCode>> expected{ErrorCode::IllegalTransition,
                                                         ErrorCode::IllegalTransition,
                                                         ErrorCode::Usage,
                                                         ErrorCode::Unsupported,
                                                         ErrorCode::Usage,
                                                         std::nullopt};
    QCOMPARE(observer.results.size(), expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
        QCOMPARE(observer.results[i].id.value, i + 1);
        QCOMPARE(observer.results[i].error.has_value(), expected[i].has_value());
        if (expected[i]) {
            QVERIFY(observer.results[i].error->code == *expected[i]);
        }
    }
    QVERIFY(observer.results[3].error->message.find("monoton") != std::string::npos);
}

void TestSession::stopsAndInterruptsToBeResumed() {
    const Experiment experiment = experimentOf(kMatrixSequence);
    const std::string uninterrupted = trainToTheEnd(experiment);
    for (const bool interrupt : {false, true}) {
        const Workspace workspace;
        RecordingObserver observer;
        auto session = workspace.start(experiment);
        const RunId run = session->id();
        observer.onProgress = [&](const Clocks& clocks) {
            if (clocks.envStep.value == 600) {
                interrupt ? session->interrupt() : session->submit(commandOf(1, StopCommand{}));
            }
        };
        const RunOutcome outcome = session->run(observer);
        QVERIFY(outcome.state == RunState::Interrupted);
        QVERIFY(!outcome.error);
        const std::vector<RunState> expected{RunState::Starting, RunState::Running, RunState::Stopping,
                                             RunState::Interrupted};
        QVERIFY(observer.states == expected);
        auto reader = RunReader::open(workspace.path());
        const auto record = (*reader)->run(run);
        QVERIFY(record->state == outcome.state);
        QCOMPARE(record->failure, std::string(interrupt ? "interrupted by a signal" : "stopped by the user"));
        QCOMPARE(record->clocks.envStep.value, 600);
        QCOMPARE((*reader)->checkpoints(run)->back().clocks.envStep.value, 600);

        session.reset();
        auto resumed = Session::resume(run, {}, {}, workspace.options());
        QVERIFY(resumed);
        RecordingObserver second;
        QCOMPARE(hashOf((*resumed)->run(second)), uninterrupted);
        QVERIFY((*reader)->run(run)->state == RunState::Finished);
        QCOMPARE((*reader)->run(run)->failure, std::string());
    }
}

// Nothing is left to train, and yet the last evaluation is missing after a signal.
void TestSession::finishesWhatWasStoppedAtTheEndOfItsBudget() {
    const Experiment experiment = experimentOf(kMatrixSequence);
    for (const bool interrupt : {false, true}) {
        const Workspace workspace;
        RecordingObserver observer;
        auto session = workspace.start(experiment);
        const RunId run = session->id();
        observer.onProgress = [&](const Clocks& clocks) {
            if (clocks.envStep.value == 1600) {
                interrupt ? session->interrupt() : session->submit(commandOf(1, StopCommand{}));
            }
        };
        const RunOutcome outcome = session->run(observer);
        QVERIFY(outcome.state == (interrupt ? RunState::Interrupted : RunState::Finished));
        session.reset();
        auto resumed = Session::resume(run, {}, {}, workspace.options());
        QCOMPARE(resumed.has_value(), interrupt);
        if (resumed) {
            RecordingObserver second;
            const RunOutcome end = (*resumed)->run(second);
            QVERIFY(end.state == RunState::Finished);
            QCOMPARE(hashOf(end), hashOf(outcome));
        }
    }
}

void TestSession::resumesToTheSameWeightsFromAnyCheckpoint() {
    const Experiment experiment = experimentOf(kMatrixSequence);
    const std::string uninterrupted = trainToTheEnd(experiment);
    for (const std::int64_t at : {4, 32, 600, 800, 804, 1200}) {
        const Workspace workspace;
        RecordingObserver observer;
        auto session = workspace.start(experiment);
        const RunId run = session->id();
        observer.onProgress = [&](const Clocks& clocks) {
            if (clocks.envStep.value == at) {
                session->interrupt();
            }
        };
        QVERIFY(session->run(observer).state == RunState::Interrupted);
        session.reset(); // lets go of the run
        auto resumed = Session::resume(run, {}, {}, workspace.options());
        QVERIFY2(resumed, resumed ? "" : resumed.error().describe().c_str());
        RecordingObserver second;
        const RunOutcome outcome = (*resumed)->run(second);
        QVERIFY(outcome.state == RunState::Finished);
        QCOMPARE(hashOf(outcome), uninterrupted);
    }
}

void TestSession::resumedRunIsOneLineInTheStore() {
    const Workspace workspace;
    RecordingObserver observer;
    auto session = workspace.start(experimentOf(kMatrixSequence));
    const RunId run = session->id();
    observer.onProgress = [&](const Clocks& clocks) {
        if (clocks.envStep.value == 800) {
            session->interrupt();
        }
    };
    (void)session->run(observer);
    session.reset();
    auto resumed = Session::resume(run, {}, {}, workspace.options());
    QVERIFY(resumed);
    RecordingObserver second;
    (void)(*resumed)->run(second);
    auto reader = RunReader::open(workspace.path());
    const auto segments = (*reader)->segments(run);
    QCOMPARE(segments->size(), std::size_t{2});
    QCOMPARE(segments->back().reason, std::string("resume"));
    const auto loss = (*reader)->series(run, "train/loss");
    QVERIFY(loss && loss->size() > 5);
    for (std::size_t i = 1; i < loss->size(); ++i) {
        QVERIFY(loss->envStep[i] > loss->envStep[i - 1]);
    }
}

// What a run has stored of evaluations, surgeries and switches, without what is about its stretches.
std::string storyOf(RunReader& reader, const RunId& run) {
    std::string story;
    const Series returns = *reader.series(run, "test/return");
    for (std::size_t i = 0; i < returns.size(); ++i) {
        story += fmt::format("{}: {} {}\n", returns.envStep[i], returns.update[i], returns.value[i]);
    }
    const std::vector<EventRecord> events = *reader.events(run);
    for (const EventRecord& event : events) {
        if (event.kind == "task_switch" || event.kind == "surgery") {
            story += fmt::format("{}: {} {}\n", event.clocks.envStep.value, event.kind, event.text);
        }
    }
    const std::vector<SurgeryReceipt> surgeries = *reader.surgeries(run);
    for (const SurgeryReceipt& receipt : surgeries) {
        story += fmt::format("surgery {} at {}\n", receipt.event, receipt.clocks.envStep.value);
    }
    return story;
}

// The switch evaluates, operates and stores both before any clock moves.
void TestSession::diesAfterASwitchAtTheCheckpointsClocks() {
    const Experiment experiment = experimentOf(kMatrixSequence);
    const Workspace undisturbed;
    RecordingObserver watcher;
    auto whole = undisturbed.start(experiment);
    const RunOutcome expected = whole->run(watcher);

    const Workspace workspace;
    RecordingObserver observer;
    auto session = workspace.start(experiment);
    const RunId run = session->id();
    observer.onProgress = [&](const Clocks& clocks) {
        if (clocks.envStep.value == 800) {
            session->submit(commandOf(1, CheckpointCommand{}));
        } else if (clocks.envStep.value > 800) {
            throw std::runtime_error("the process dies");
        }
    };
    QVERIFY(session->run(observer).state == RunState::Failed);
    session.reset();
    auto resumed = Session::resume(run, {}, {}, workspace.options());
    QVERIFY2(resumed, resumed ? "" : resumed.error().describe().c_str());
    RecordingObserver second;
    QCOMPARE(hashOf((*resumed)->run(second)), hashOf(expected));
    QCOMPARE(storyOf(**RunReader::open(workspace.path()), run),
             storyOf(**RunReader::open(undisturbed.path()), whole->id()));
}

// Interrupts a new run at env step 600 and lets go of it.
RunId interruptedRun(const Workspace& workspace, const Experiment& experiment) {
    RecordingObserver observer;
    const auto session = workspace.start(experiment);
    observer.onProgress = [&](const Clocks& clocks) {
        if (clocks.envStep.value == 600) {
            session->interrupt();
        }
    };
    (void)session->run(observer);
    return session->id();
}

void TestSession::aResumeThatCannotRestoreChangesNothing() {
    const Workspace workspace;
    const RunId run = interruptedRun(workspace, experimentOf(kMatrixSequence));
    const RunId other = interruptedRun(workspace, experimentOf(kMatrixSequence, {"agent.hidden=24"}));
    auto reader = std::move(*RunReader::open(workspace.path()));
    {
        // Whole, but of another experiment; and newer things behind it.
        const auto foreign = reader->checkpointContent(reader->checkpoints(other)->back());
        const CheckpointRecord own = reader->checkpoints(run)->back();
        const auto writer = std::move(*RunWriter::takeOver(workspace.path(), run));
        QVERIFY(writer->checkpoint(own.clocks, *foreign, 2));
        writer->event(own.clocks, "pause", "after the checkpoint");
        writer->point(writer->metric("test/return"), own.clocks, 1.0);
        QVERIFY(writer->flush());
    }
    const auto stored = [&] {
        return std::tuple(reader->run(run)->state, reader->events(run)->size(), reader->segments(run)->size(),
                          reader->series(run, "test/return")->size(), reader->checkpoints(run)->size());
    };
    const auto before = stored();
    const auto resumed = Session::resume(run, {}, {}, workspace.options());
    QVERIFY(!resumed);
    QVERIFY(resumed.error().code == ErrorCode::Corrupt);
    QVERIFY(stored() == before);
}

void TestSession::ofTwoResumesAtOnceOneWins() {
    const Workspace workspace;
    const RunId run = interruptedRun(workspace, experimentOf(kMatrixSequence));
    const auto reader = std::move(*RunReader::open(workspace.path()));
    for (int round = 0; round < 5; ++round) {
        std::array<Result<std::unique_ptr<Session>>, 2> sessions;
        {
            std::latch together(2);
            std::vector<std::jthread> contenders;
            for (auto& session : sessions) {
                contenders.emplace_back([&] {
                    together.arrive_and_wait();
                    session = Session::resume(run, {}, {}, workspace.options());
                });
            }
        }
        QVERIFY(sessions[0].has_value() != sessions[1].has_value());
        const auto& loser = sessions[sessions[0] ? 1 : 0];
        QVERIFY(loser.error().code == ErrorCode::Locked);
        QCOMPARE(reader->segments(run)->size(), std::size_t{2}); // one more than at the checkpoint, and not two
    }
}

void TestSession::showsNeuronsAndLearnedTableInSnapshots() {
    const Workspace workspace;
    RecordingObserver observer;
    observer.snapshotWanted = true;
    const auto session = workspace.start(experimentOf(kMatrixSequence));
    (void)session->run(observer);
    const Snapshot& last = observer.snapshots.back();
    QCOMPARE(last.totalEnvSteps, 1600);
    QCOMPARE(last.task, std::string("monotone"));
    QVERIFY(last.memoryBytes > 0);
    std::vector<std::string> sites;
    for (const SiteSnapshot& site : last.neurons.sites) {
        sites.push_back(site.name);
        const UnitDiagnostic* rua = site.find("rua");
        QVERIFY(rua != nullptr && rua->values.size() == static_cast<std::size_t>(site.units));
    }
    const std::vector<std::string> expected{"agent.fc1", "mixer.hyper_w1", "mixer.hyper_w2", "mixer.v", "mixer.mix"};
    QVERIFY(sites == expected);
    const auto* matrix = std::get_if<MatrixView>(&last.env.scene);
    QVERIFY(matrix != nullptr);
    QCOMPARE(matrix->payoff.size(), std::size_t{9});
    QCOMPARE(matrix->learnedQTot.size(), std::size_t{9});
    QCOMPARE(matrix->learnedQ.size(), std::size_t{2});
}

void TestSession::refusesToResumeAUsedUpBudget() {
    const Workspace workspace;
    RecordingObserver observer;
    auto session = workspace.start(experimentOf(kMatrixSequence));
    const RunId run = session->id();
    (void)session->run(observer);
    session.reset();
    const auto again = Session::resume(run, {}, {}, workspace.options());
    QVERIFY(!again);
    QVERIFY(again.error().code == ErrorCode::Usage);
    auto longer = Session::resume(run, 2000, {}, workspace.options());
    QVERIFY(longer);
    RecordingObserver second;
    QCOMPARE(nlohmann::json::parse((*longer)->run(second).summaryJson).at("env_steps").get<int>(), 2000);
}

// An older program's text says what the run was asked for, and the program's own words are none of it.
void TestSession::theConfigurationIsStoredAnewOnlyWhereItChanges() {
    const Workspace workspace;
    RunId run;
    VERIFY_FINISHED(live(experimentOf(kMatrixSequence), workspace, &run));
    const auto reader = std::move(*RunReader::open(workspace.path()));
    const std::string text = *reader->configToml(run);
    const std::string older = "# an older program's\n" + text;
    {
        const auto writer = std::move(*RunWriter::takeOver(workspace.path(), run));
        QVERIFY(writer->goOnFrom({}, RunTerms{.totalEnvSteps = 1600, .configToml = older}));
    }
    VERIFY_FINISHED(resume(run, workspace));
    QCOMPARE(*reader->configToml(run), older);
    auto longer = Session::resume(run, 2000, {}, workspace.options());
    QVERIFY(longer);
    RecordingObserver observer;
    VERIFY_FINISHED((*longer)->run(observer));
    const std::string anew = *reader->configToml(run);
    QVERIFY(!anew.starts_with('#'));
    QCOMPARE(experimentOf(anew).steps, 2000);
}

void TestSession::aRunWithoutUpdatesShowsItsNeurons() {
    const Workspace workspace;
    RunId run;
    VERIFY_FINISHED(live(experimentOf(kMatrixSequence, {"experiment.steps=4", "tasks=[]"}), workspace, &run));
    const auto reader = std::move(*RunReader::open(workspace.path()));
    QCOMPARE(reader->run(run)->clocks.update.value, 0);
    QCOMPARE(reader->frames(run)->size(), std::size_t(1));
}

void TestSession::failsWhenItsWorkspaceIsDeleted() {
    for (const bool paused : {false, true}) {
        const Workspace workspace;
        RecordingObserver observer;
        const auto session = workspace.start(experimentOf(kMatrixSequence), 1, paused);
        const auto deleteWorkspace = [&] {
            std::filesystem::remove_all(workspace.path());
        };
        observer.onState = [&](RunState state) {
            if (state == RunState::Paused) {
                deleteWorkspace();
            }
        };
        observer.onProgress = [&](const Clocks& clocks) {
            if (clocks.envStep.value == 600) {
                deleteWorkspace();
            }
        };
        const RunOutcome outcome = session->run(observer);
        QVERIFY(outcome.state == RunState::Failed);
        QVERIFY(outcome.error);
        QVERIFY2(outcome.error->describe().find("deleted") != std::string::npos, outcome.error->describe().c_str());
        QCOMPARE(exitCode(*outcome.error), 1);
        const auto error = nlohmann::json::parse(outcome.summaryJson).at("error");
        QCOMPARE(error.at("code").get<std::string>(), std::string(toString(outcome.error->code)));
        QCOMPARE(error.at("message").get<std::string>(), outcome.error->describe());
        QVERIFY(!std::filesystem::exists(workspace.path()));
    }
}

QTEST_APPLESS_MAIN(TestSession)
#include "tst_session.moc"
