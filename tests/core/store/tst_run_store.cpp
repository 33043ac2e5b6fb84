// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>
#include <chrono>
#include <numeric>
#include <set>
#include <thread>

#include <rapidcheck.h>

#include "core/protocol/file_lock.h"
#include "core/store/layout.h"
#include "store_test.h"

using namespace knife;
using namespace knife::test;

namespace {

std::unique_ptr<RunWriter> createRun(const std::filesystem::path& workspace, const NewRun& run = newRun()) {
    Result<std::unique_ptr<RunWriter>> writer = RunWriter::create(workspace, run);
    return writer ? std::move(*writer) : nullptr;
}

std::unique_ptr<RunReader> openReader(const std::filesystem::path& workspace) {
    Result<std::unique_ptr<RunReader>> reader = RunReader::open(workspace);
    return reader ? std::move(*reader) : nullptr;
}

NeuronFrame frameAt(std::int64_t update) {
    NeuronFrame frame;
    frame.clocks = clocksAt(update);
    SiteSnapshot site;
    site.name = "agent.fc1";
    site.units = 3;
    site.acceptsComposites = true;
    site.diagnostics = {{"rua", {0.1F, 1.0F, static_cast<float>(update)}}};
    site.composites = {{1, 2, 0.5F, 0.25F, 0.125F, 0.F}};
    frame.sites = {site};
    return frame;
}

SurgeryReceipt receiptAt(std::int64_t update, std::int64_t event) {
    SurgeryReceipt receipt;
    receipt.event = event;
    receipt.clocks = clocksAt(update);
    receipt.plan.operations = {{"agent.fc1", {0, 2}}};
    receipt.sites = {{"agent.fc1", {0, 2}, "composite", {0.1F, 0.2F}, 100, 50}};
    receipt.change.episodes = 32;
    return receipt;
}

EpisodeRecording episodeAt(std::int64_t update, int steps) {
    EpisodeRecording recording{.clocks = clocksAt(update), .moments = {}};
    for (int step = 0; step <= steps; ++step) {
        BoardView board{.rows = 4, .columns = 5, .sightRadius = 2, .toroidal = false, .pieces = {}, .actionNames = {}};
        board.pieces = {{BoardView::Kind::Agent, 0, 1, step % board.columns, true, 1}};
        board.actionNames = {"stay", "north"};
        EnvView view{.envName = "stag_hunt",
                     .task = "task 2",
                     .step = step,
                     .episodeLimit = steps,
                     .lastReward = 1.F,
                     .episodeReturn = static_cast<float>(step),
                     .greedy = true,
                     .scene = board,
                     .featureNames = {"x", "y"},
                     .choices = {}};
        if (step > 0) {
            view.choices = {{{1.F, -0.F}, {2.F, static_cast<float>(step)}, {1, 1}, 1}};
        }
        recording.moments.push_back(view);
    }
    return recording;
}

std::vector<std::byte> bytesOf(const std::string& text) {
    const auto bytes = std::as_bytes(std::span(text));
    return {bytes.begin(), bytes.end()};
}

} // namespace

class TestRunStore : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void init() {
        m_workspace = std::make_unique<TemporaryWorkspace>();
        KNIFE_VERIFY(prepareWorkspace(path()));
    }

    void preparingTwiceChangesNothing() {
        const auto before = contentOf(path());
        KNIFE_VERIFY(prepareWorkspace(path()));
        QVERIFY(contentOf(path()) == before);
    }

    void aNewRunIsReadBack() {
        const NewRun run = newRun("Jäger & \"Beute\"");
        const auto writer = createRun(path(), run);
        QVERIFY(writer);
        QCOMPARE(writer->id().value.size(), 12U);

        const auto reader = openReader(path());
        const Result<RunRecord> record = reader->run(writer->id());
        KNIFE_VERIFY(record);
        QCOMPARE(record->experiment, run.experiment);
        QCOMPARE(record->seed, run.seed);
        QVERIFY(record->state == RunState::Starting);
        QCOMPARE(record->totalEnvSteps, run.totalEnvSteps);
        QCOMPARE(record->build, run.build);
        QCOMPARE(record->pid, static_cast<std::int64_t>(QCoreApplication::applicationPid()));
        QVERIFY(!record->parent);
        QVERIFY(std::isnan(record->lastTestReturn));
        QCOMPARE(*reader->configToml(writer->id()), run.configToml);
    }

    void anIdMayBeChosenOnce() {
        NewRun run = newRun();
        run.id = makeRunId();
        const auto writer = createRun(path(), run);
        QVERIFY(writer);
        QVERIFY(writer->id() == *run.id);
        QVERIFY(RunWriter::create(path(), run).error().code == ErrorCode::Locked);
        for (const char* bad : {"", "../../../etc", "ABCDEFGHIJKL", "short", "muchtoolongid"}) {
            run.id = RunId{bad};
            QVERIFY(RunWriter::create(path(), run).error().code == ErrorCode::Usage);
        }
    }

    void anIdIsNotUsedTwice() {
        NewRun run = newRun();
        run.id = makeRunId();
        KNIFE_VERIFY(createRun(path(), run)->close(RunState::Finished, "", clocksAt(1), ""));
        QVERIFY(RunWriter::create(path(), run).error().code == ErrorCode::Usage);
        QCOMPARE(openReader(path())->runs()->size(), 1U);
    }

    void everyPointIsReadBackToTheBit() {
        const auto writer = createRun(path());
        const auto reader = openReader(path());
        int number = 0;
        const bool held = rc::check("points survive any partition into flushes", [&] {
            const std::string name = "metric " + std::to_string(number++);
            const MetricHandle metric = writer->metric(name);
            const auto parts = *rc::gen::container<std::vector<int>>(rc::gen::weightedOneOf<int>(
                {{6, rc::gen::inRange(0, 40)}, {2, rc::gen::inRange(200, 700)}, {1, rc::gen::inRange(4000, 9000)}}));
            Series expected;
            std::int64_t update = 0;
            for (const int part : parts) {
                for (int i = 0; i < part; ++i, ++update) {
                    Clocks clocks = clocksAt(update);
                    const std::uint64_t bits = static_cast<std::uint64_t>(update) * 0x9E3779B97F4A7C15U;
                    double value = 0.0;
                    std::memcpy(&value, &bits, sizeof value); // any double, NaN and infinities among them
                    expected.update.push_back(clocks.update.value);
                    expected.envStep.push_back(clocks.envStep.value);
                    expected.episode.push_back(clocks.episode.value);
                    expected.wallS.push_back(clocks.wallS);
                    expected.value.push_back(value);
                    writer->point(metric, clocks, value);
                }
                RC_ASSERT(writer->flush().has_value());
            }
            const Result<Series> stored = reader->series(writer->id(), name);
            RC_ASSERT(stored.has_value());
            RC_ASSERT(sameBits(*stored, expected));

            const auto skip = *rc::gen::inRange<std::int64_t>(0, update + 2);
            const Result<Series> rest = reader->series(writer->id(), name, skip);
            RC_ASSERT(rest.has_value());
            const auto skipped = static_cast<std::size_t>(std::min(skip, update));
            RC_ASSERT(rest->size() == expected.size() - skipped);
            RC_ASSERT(sameBits(rest->value, std::vector(expected.value.begin() + static_cast<std::ptrdiff_t>(skipped),
                                                        expected.value.end())));
        });
        QVERIFY(held);
    }

    void aMetricIsSummedUp() {
        const auto writer = createRun(path());
        const double infinity = std::numeric_limits<double>::infinity();
        const double nan = std::numeric_limits<double>::quiet_NaN();
        for (const double value : {-3.0, infinity, -5.0, nan, -4.0}) {
            writer->point(writer->metric("negative"), clocksAt(1), value);
            KNIFE_VERIFY(writer->flush());
        }
        writer->point(writer->metric("nothing finite"), clocksAt(1), nan);
        KNIFE_VERIFY(writer->flush());

        const auto reader = openReader(path());
        const Result<std::vector<MetricRecord>> metrics = reader->metrics(writer->id());
        KNIFE_VERIFY(metrics);
        QCOMPARE(metrics->size(), 2U);
        QCOMPARE((*metrics)[0].name, std::string("negative"));
        QCOMPARE((*metrics)[0].points, 5);
        QCOMPARE((*metrics)[0].minimum, -5.0);
        QCOMPARE((*metrics)[0].maximum, -3.0);
        QCOMPARE((*metrics)[0].last, -4.0);
        QVERIFY(std::isnan((*metrics)[1].minimum));
        QVERIFY(std::isnan((*metrics)[1].maximum));
        QVERIFY(std::isnan((*metrics)[1].last));
    }

    void pointsArriveWithinASecondWithoutAFlush() {
        const auto writer = createRun(path());
        const auto reader = openReader(path());
        writer->point(writer->metric("test/return"), clocksAt(7), 1.5);
        writer->progress(clocksAt(7), RunState::Running, "task 1", 123.0);
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(1);
        bool there = false;
        while (!there && std::chrono::steady_clock::now() < deadline) {
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
            there = reader->series(writer->id(), "test/return")->size() == 1;
        }
        QVERIFY(there);
        const RunRecord record = *reader->run(writer->id());
        QVERIFY(record.state == RunState::Running);
        QCOMPARE(record.task, std::string("task 1"));
        QCOMPARE(record.envStepsPerS, 123.0);
        QCOMPARE(record.lastTestReturn, 1.5);
        QVERIFY(record.clocks == clocksAt(7));
    }

    void eventsFramesAndSurgeriesAreReadBack() {
        const auto writer = createRun(path());
        const Result<SegmentId> segment = writer->beginSegment(clocksAt(0), "start");
        KNIFE_VERIFY(segment);
        writer->event(clocksAt(1), "task_switch", "task 1 → task 2", R"({"task":"task 2"})");
        writer->event(clocksAt(2), "pause", "");
        for (std::int64_t update = 10; update <= 30; update += 10) {
            writer->frame(frameAt(update));
        }
        writer->surgery(receiptAt(5, 0));
        writer->surgery(receiptAt(6, 1));
        KNIFE_VERIFY(writer->flush());

        const auto reader = openReader(path());
        const auto events = *reader->events(writer->id());
        QCOMPARE(events.size(), 2U);
        QCOMPARE(events[0].kind, std::string("task_switch"));
        QCOMPARE(events[0].text, std::string("task 1 → task 2"));
        QCOMPARE(events[0].payloadJson, std::string(R"({"task":"task 2"})"));
        QVERIFY(events[0].segment == *segment);
        QVERIFY(events[0].clocks == clocksAt(1));
        QCOMPARE(reader->events(writer->id(), events[0].id)->size(), 1U);
        QCOMPARE(reader->events(writer->id(), events[1].id)->size(), 0U);

        const auto stamps = *reader->frames(writer->id());
        QCOMPARE(stamps.size(), 3U);
        QVERIFY(stamps[1].clocks == clocksAt(20));
        QVERIFY(*reader->frame(writer->id(), stamps[1].id) == frameAt(20));
        QVERIFY(*reader->frameAt(writer->id(), UpdateStep{29}) == frameAt(20));
        QVERIFY(*reader->frameAt(writer->id(), UpdateStep{30}) == frameAt(30));
        QVERIFY(reader->frameAt(writer->id(), UpdateStep{9}).error().code == ErrorCode::NotFound);

        const auto surgeries = *reader->surgeries(writer->id());
        QCOMPARE(surgeries.size(), 2U);
        QVERIFY(surgeries[0] == receiptAt(5, 0));
        QVERIFY(surgeries[1] == receiptAt(6, 1));
    }

    void episodesAreReadBack() {
        const auto writer = createRun(path());
        const auto reader = openReader(path());
        QVERIFY(reader->episodes(writer->id())->empty());
        for (const int update : {10, 20, 20}) {
            writer->episode(episodeAt(update, update));
        }
        KNIFE_VERIFY(writer->flush());
        const auto stamps = reader->episodes(writer->id());
        KNIFE_VERIFY(stamps);
        QCOMPARE(stamps->size(), 3U);
        const EpisodeStamp& second = (*stamps)[1];
        QVERIFY(second.clocks == clocksAt(20));
        QCOMPARE(second.task, std::string("task 2"));
        QCOMPARE(second.steps, 20);
        QCOMPARE(second.episodeReturn, 20.0);
        QVERIFY(second.bytes > 0);
        for (const auto& [stamp, expected] :
             {std::pair(second, episodeAt(20, 20)), std::pair(stamps->front(), episodeAt(10, 10))}) {
            const auto episode = reader->episode(writer->id(), stamp.id);
            KNIFE_VERIFY(episode);
            QVERIFY(*episode == expected);
        }
        QCOMPARE(reader->episodes(writer->id(), second.id)->size(), 1U);
        QVERIFY(reader->episode(writer->id(), 99).error().code == ErrorCode::NotFound);
        const auto other = createRun(path());
        QVERIFY(reader->episodes(other->id())->empty());
        QVERIFY(reader->episode(other->id(), second.id).error().code == ErrorCode::NotFound);
    }

    void anEpisodeThatIsTooLargeIsLeftOutWithAWord() {
        const auto writer = createRun(path());
        EpisodeRecording large = episodeAt(10, 2);
        large.moments[1].choices = {{std::vector<float>(std::size_t{17} << 20U), {1.F}, {1}, 0}}; // 68 MB
        writer->episode(large);
        large.moments[1].choices.front().observation.resize(std::size_t{40} << 20U);
        writer->episode(large);
        writer->episode({.clocks = clocksAt(10), .moments = {}});
        writer->episode(episodeAt(20, 2));
        KNIFE_VERIFY(writer->flush());
        QVERIFY(!writer->failure());
        const auto reader = openReader(path());
        QCOMPARE(reader->episodes(writer->id())->size(), 1U);
        const auto events = reader->events(writer->id());
        KNIFE_VERIFY(events);
        QCOMPARE(events->size(), 3U);
        QCOMPARE(events->front().kind, std::string("recording_left_out"));
    }

    void aClosedRunIsFinal() {
        const auto writer = createRun(path());
        KNIFE_VERIFY(writer->beginSegment(clocksAt(0), "start"));
        KNIFE_VERIFY(writer->close(RunState::Failed, "loss is NaN", clocksAt(9), R"({"status":"failed"})"));
        QVERIFY(writer->flush().error().code == ErrorCode::IllegalTransition);

        const auto reader = openReader(path());
        const RunRecord record = *reader->run(writer->id());
        QVERIFY(record.state == RunState::Failed);
        QCOMPARE(record.failure, std::string("loss is NaN"));
        QCOMPARE(record.finalJson, std::string(R"({"status":"failed"})"));
        QCOMPARE(record.pid, 0);
        const auto segments = *reader->segments(writer->id());
        QCOMPARE(segments.size(), 1U);
        QVERIFY(segments[0].end == clocksAt(9));
    }

    void aRunWithoutItsProcessIsInterrupted() {
        auto writer = createRun(path());
        writer->progress(clocksAt(3), RunState::Running, "", 0.0);
        KNIFE_VERIFY(writer->flush());
        const auto reader = openReader(path());
        QVERIFY(reader->run(writer->id())->state == RunState::Running);
        const std::int64_t version = *reader->dataVersion();
        QCOMPARE(*reader->dataVersion(), version);

        const RunId id = writer->id();
        writer.reset();
        QVERIFY(reader->run(id)->state == RunState::Interrupted);
        QVERIFY(reader->runs()->front().state == RunState::Interrupted);
        QVERIFY(*reader->dataVersion() != version);
    }

    void aRunWhoseLockCannotBeAskedIsNotDeclaredDead() {
        auto writer = createRun(path());
        const RunId id = writer->id();
        writer->progress(clocksAt(3), RunState::Running, "", 0.0);
        KNIFE_VERIFY(writer->flush());
        std::filesystem::remove(runLockFile(path(), id));
        std::filesystem::create_symlink("elsewhere", runLockFile(path(), id));
        QVERIFY(openReader(path())->run(id)->state == RunState::Running);
        const Result<WorkspaceHealth> health = inspectWorkspace(path());
        KNIFE_VERIFY(health);
        QCOMPARE(health->problems.size(), 1U);
        QVERIFY(health->problems.front().find(id.value + ".lock") != std::string::npos);
    }

    void aSecondWriterIsTurnedAwayByName() {
        const auto writer = createRun(path());
        const auto second = RunWriter::takeOver(path(), writer->id());
        QVERIFY(!second);
        QVERIFY(second.error().code == ErrorCode::Locked);
        QVERIFY(second.error().message.find("process " + std::to_string(QCoreApplication::applicationPid())) !=
                std::string::npos);
        KNIFE_VERIFY(writer->flush());
    }

    // A window that sees a run ended may resume it while the old process is still on its way out.
    void aRunThatHasEndedIsWaitedFor() {
        auto writer = createRun(path());
        const RunId id = writer->id();
        QVERIFY(RunWriter::takeOver(path(), id).error().code == ErrorCode::Locked);
        KNIFE_VERIFY(writer->close(RunState::Interrupted, "stopped", clocksAt(0), ""));
        std::thread leaving([&writer] {
            std::this_thread::sleep_for(3 * FileLock::kMoment);
            writer.reset();
        });
        const auto resumed = RunWriter::takeOver(path(), id);
        leaving.join();
        KNIFE_VERIFY(resumed);
    }

    void takingOverCutsOffWhatCameAfterTheCheckpoint() {
        auto writer = createRun(path());
        const RunId id = writer->id();
        KNIFE_VERIFY(writer->beginSegment(clocksAt(0), "start"));
        const MetricHandle loss = writer->metric("loss");
        Series expected;
        for (std::int64_t update = 1; update <= 6000; ++update) {
            writer->point(loss, clocksAt(update), static_cast<double>(update));
            if (update % 700 == 0) {
                KNIFE_VERIFY(writer->flush());
            }
            if (update == 4500) {
                writer->event(clocksAt(update), "pause", "kept");
                writer->frame(frameAt(4400));
                writer->surgery(receiptAt(4400, 0));
                const auto content = bytesOf("weights at 4500");
                KNIFE_VERIFY(writer->checkpoint(clocksAt(update), content, 3));
            }
        }
        writer->point(writer->metric("late"), clocksAt(5000), 1.0);
        writer->event(clocksAt(4501), "pause", "gone");
        writer->frame(frameAt(4600));
        writer->surgery(receiptAt(4600, 1));
        const auto later = bytesOf("weights at 5900");
        KNIFE_VERIFY(writer->checkpoint(clocksAt(5900), later, 3));
        writer.reset();

        const auto reader = openReader(path());
        const CheckpointRecord kept = reader->checkpoints(id)->front();
        Result<std::unique_ptr<RunWriter>> resumed = RunWriter::takeOver(path(), id);
        KNIFE_VERIFY(resumed);
        QCOMPARE(reader->series(id, "loss")->size(), 6000U); // the lock alone changes nothing
        KNIFE_VERIFY((*resumed)->goOnFrom(kept));
        QVERIFY(reader->run(id)->state == RunState::Starting);
        QCOMPARE(reader->series(id, "loss")->size(), 4500U);
        QCOMPARE(reader->series(id, "loss")->value.back(), 4500.0);
        QCOMPARE(reader->metrics(id)->size(), 1U);
        QCOMPARE(reader->metrics(id)->front().maximum, 4500.0);
        QCOMPARE(reader->events(id)->size(), 2U);
        QCOMPARE(reader->events(id)->front().text, std::string("kept"));
        QCOMPARE(reader->events(id)->back().kind, std::string("checkpoint"));
        QCOMPARE(reader->frames(id)->size(), 1U);
        QCOMPARE(reader->surgeries(id)->size(), 1U);
        QCOMPARE(reader->checkpoints(id)->size(), 1U);
        QVERIFY(reader->segments(id)->front().end == clocksAt(4500));
        QVERIFY(*reader->checkpointContent(kept) == bytesOf("weights at 4500"));

        // The line goes on where it was cut, over the edge of a chunk too.
        KNIFE_VERIFY((*resumed)->beginSegment(kept.clocks, "resume"));
        for (std::int64_t update = 4501; update <= 9000; ++update) {
            (*resumed)->point((*resumed)->metric("loss"), clocksAt(update), static_cast<double>(update));
            if (update % 900 == 0) {
                KNIFE_VERIFY((*resumed)->flush());
            }
        }
        KNIFE_VERIFY((*resumed)->close(RunState::Finished, "", clocksAt(9000), "{}"));
        const Series whole = *reader->series(id, "loss");
        QCOMPARE(whole.size(), 9000U);
        for (std::size_t i = 0; i < whole.size(); ++i) {
            QCOMPARE(whole.value[i], static_cast<double>(i + 1));
        }
        QCOMPARE(reader->segments(id)->size(), 2U);
        QVERIFY(inspectWorkspace(path())->problems.empty());
    }

    void takingOverKeepsWhatCameBeforeTheCheckpointAtTheSameClocksOnly() {
        auto writer = createRun(path());
        const RunId id = writer->id();
        KNIFE_VERIFY(writer->beginSegment(clocksAt(0), "start"));
        // Before its first update, and at a switch of tasks, a run stores things without its clocks moving.
        const auto storeOneOfEach = [&](const std::string& when, std::int64_t number) {
            writer->point(writer->metric("test/return"), clocksAt(10), static_cast<double>(number));
            writer->event(clocksAt(10), "task_switch", when);
            writer->frame(frameAt(10));
            writer->episode(episodeAt(10, 1));
            writer->surgery(receiptAt(10, number));
        };
        storeOneOfEach("before", 1);
        KNIFE_VERIFY(writer->checkpoint(clocksAt(10), bytesOf("weights"), 3));
        storeOneOfEach("after", 2);
        writer->point(writer->metric("new"), clocksAt(10), 3.0);
        KNIFE_VERIFY(writer->checkpoint(clocksAt(10), bytesOf("later weights"), 3));
        writer.reset();

        const auto reader = openReader(path());
        const CheckpointRecord first = reader->checkpoints(id)->front();
        writer = *RunWriter::takeOver(path(), id);
        KNIFE_VERIFY(writer->goOnFrom(first));
        QVERIFY(reader->series(id, "test/return")->value == std::vector{1.0});
        QCOMPARE(reader->metrics(id)->size(), 1U);
        QCOMPARE(reader->metrics(id)->front().last, 1.0);
        QCOMPARE(reader->events(id)->size(), 2U); // with the checkpoint's own
        QCOMPARE(reader->events(id)->front().text, std::string("before"));
        QCOMPARE(reader->frames(id)->size(), 1U);
        QCOMPARE(reader->episodes(id)->size(), 1U);
        QCOMPARE(reader->surgeries(id)->size(), 1U);
        QCOMPARE(reader->surgeries(id)->front().event, 1);
        QCOMPARE(reader->checkpoints(id)->size(), 1U);

        KNIFE_VERIFY(writer->goOnFrom({}));
        QCOMPARE(reader->metrics(id)->size(), 0U);
        QCOMPARE(reader->events(id)->size(), 0U);
        QCOMPARE(reader->episodes(id)->size(), 0U);
        QCOMPARE(reader->segments(id)->size(), 0U);
        QVERIFY(writer->goOnFrom(first).error().code == ErrorCode::NotFound);
        QVERIFY(inspectWorkspace(path())->problems.empty());
    }

    void anyHistoryOfFlushesAndResumesIsOneLine() {
        QVERIFY(rc::check("series == what was kept", [this] {
            auto writer = createRun(path());
            const RunId id = writer->id();
            const auto reader = openReader(path());
            std::int64_t length = 0;
            std::vector<std::int64_t> lengthAt; // of each checkpoint
            const auto rounds = *rc::gen::inRange(1, 6);
            for (int round = 0; round < rounds; ++round) {
                // Up to the edge of a chunk first, then in small steps: this is where rows are put together anew.
                auto parts = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 120));
                parts.resize(std::min<std::size_t>(parts.size(), 5));
                parts.insert(parts.begin(), round == 0 ? *rc::gen::inRange(3900, 4200) : *rc::gen::inRange(0, 300));
                for (const int part : parts) {
                    for (int i = 0; i < part; ++i) {
                        ++length;
                        writer->point(writer->metric("loss"), clocksAt(length / 3), static_cast<double>(length));
                    }
                    if (*rc::gen::arbitrary<bool>()) {
                        const auto content = bytesOf("weights " + std::to_string(length));
                        RC_ASSERT(writer->checkpoint(clocksAt(length / 3), content, 100).has_value());
                        lengthAt.push_back(length);
                    } else {
                        RC_ASSERT(writer->flush().has_value());
                    }
                }
                if (*rc::gen::arbitrary<bool>()) {
                    writer.reset();
                    const auto kept = *rc::gen::inRange<std::size_t>(0, lengthAt.size() + 1);
                    lengthAt.resize(kept);
                    length = kept == 0 ? 0 : lengthAt.back();
                    const auto records = *reader->checkpoints(id);
                    const auto from = kept == 0 ? std::nullopt : std::optional(records.at(kept - 1));
                    writer = *RunWriter::takeOver(path(), id);
                    RC_ASSERT(writer->goOnFrom(from).has_value());
                }
                const Result<Series> series = reader->series(id, "loss");
                RC_ASSERT(series.has_value());
                RC_ASSERT(static_cast<std::int64_t>(series->size()) == length);
                for (std::size_t i = 0; i < series->size(); ++i) {
                    RC_ASSERT(sameBits(series->value[i], static_cast<double>(i + 1)));
                }
            }
        }));
    }

    void oldCheckpointsArePrunedAndSharedOnesKept() {
        const auto first = createRun(path());
        const auto second = createRun(path());
        const auto shared = bytesOf("the same weights");
        KNIFE_VERIFY(first->checkpoint(clocksAt(1), shared, 2));
        KNIFE_VERIFY(second->checkpoint(clocksAt(1), shared, 2));
        for (std::int64_t i = 2; i <= 4; ++i) {
            const auto content = bytesOf("weights " + std::to_string(i));
            KNIFE_VERIFY(first->checkpoint(clocksAt(i), content, 2));
        }
        const auto reader = openReader(path());
        const auto records = *reader->checkpoints(first->id());
        QCOMPARE(records.size(), 2U);
        QVERIFY(*reader->checkpointContent(records.back()) == bytesOf("weights 4"));
        QVERIFY(*reader->checkpointContent(reader->checkpoints(second->id())->front()) == shared);
        const auto files = contentOf(blobFolder(path()));
        QCOMPARE(std::count_if(files.begin(), files.end(), [](const auto& file) { return file.second != "(folder)"; }),
                 3);
    }

    void runsAreFoundByBeginningAndByLast() {
        const auto reader = openReader(path());
        QVERIFY(reader->resolve("last").error().code == ErrorCode::NotFound);
        std::vector<std::unique_ptr<RunWriter>> writers;
        for (int i = 0; i < 40; ++i) { // more runs than letters: two begin alike
            writers.push_back(createRun(path()));
        }
        QVERIFY(*reader->resolve("last") == writers.back()->id());
        QVERIFY(reader->runs()->front().id == writers.back()->id());
        std::set<char> firsts;
        for (const auto& writer : writers) {
            const std::string id = writer->id().value;
            QVERIFY(*reader->resolve(id) == writer->id());
            QVERIFY(*reader->resolve(id.substr(0, 11)) == writer->id());
            if (!firsts.insert(id.front()).second) {
                const Result<RunId> ambiguous = reader->resolve(id.substr(0, 1));
                QVERIFY(ambiguous.error().code == ErrorCode::Usage);
                QVERIFY(ambiguous.error().message.find(id.substr(0, 1)) != std::string::npos);
            }
        }
        QVERIFY(reader->resolve("nonsense!").error().code == ErrorCode::NotFound);
        QVERIFY(reader->resolve("").error().code == ErrorCode::NotFound);
        QCOMPARE(reader->series(RunId{"nobody"}, "loss")->size(), 0U);
        QVERIFY(reader->metrics(RunId{"nobody"}).error().code == ErrorCode::NotFound);
    }

    void aReaderSeesAGrowingRunWholeAtAnyTime() {
        const auto writer = createRun(path());
        const MetricHandle metric = writer->metric("loss");
        std::jthread trainer([&](const std::stop_token& stop) {
            for (std::int64_t update = 1; !stop.stop_requested(); ++update) {
                writer->point(metric, clocksAt(update), static_cast<double>(update));
                if (update % 50 == 0 && !writer->flush()) {
                    return;
                }
            }
        });
        const auto reader = openReader(path());
        Series known;
        while (known.size() < 3 * 4096) { // over the edges of chunks
            const Result<Series> more = reader->series(writer->id(), "loss", static_cast<std::int64_t>(known.size()));
            KNIFE_VERIFY(more);
            known.value.insert(known.value.end(), more->value.begin(), more->value.end());
        }
        trainer.request_stop();
        trainer.join();
        for (std::size_t i = 0; i < known.size(); ++i) {
            QCOMPARE(known.value[i], static_cast<double>(i + 1));
        }
        QVERIFY(!writer->failure());
    }

    void severalWritersShareAWorkspace() {
        constexpr int kRuns = 6;
        constexpr std::int64_t kPoints = 3000;
        std::vector<std::unique_ptr<RunWriter>> writers;
        for (int i = 0; i < kRuns; ++i) {
            writers.push_back(createRun(path()));
        }
        {
            std::vector<std::jthread> trainers;
            for (const auto& writer : writers) {
                trainers.emplace_back([&writer] {
                    for (std::int64_t update = 1; update <= kPoints; ++update) {
                        writer->point(writer->metric("loss"), clocksAt(update), 1.0);
                        if (update % 100 == 0) {
                            (void)writer->flush();
                        }
                    }
                });
            }
        }
        const auto reader = openReader(path());
        for (const auto& writer : writers) {
            QVERIFY(!writer->failure());
            KNIFE_VERIFY(writer->flush());
            QCOMPARE(reader->series(writer->id(), "loss")->size(), static_cast<std::size_t>(kPoints));
        }
    }

    void aMillionPoints() {
        constexpr std::int64_t kPoints = 1'000'000;
        const auto writer = createRun(path());
        const MetricHandle metric = writer->metric("loss");
        const auto begin = std::chrono::steady_clock::now();
        for (std::int64_t update = 0; update < kPoints; ++update) {
            writer->point(metric, clocksAt(update), static_cast<double>(std::sin(static_cast<float>(update))));
        }
        const auto handedOver = std::chrono::steady_clock::now();
        KNIFE_VERIFY(writer->flush());
        const auto written = std::chrono::steady_clock::now();
        const auto reader = openReader(path());
        const Result<Series> series = reader->series(writer->id(), "loss");
        const auto read = std::chrono::steady_clock::now();
        KNIFE_VERIFY(series);
        QCOMPARE(series->size(), static_cast<std::size_t>(kPoints));
        const auto seconds = [](auto from, auto to) {
            return std::chrono::duration<double>(to - from).count();
        };
        qInfo("10^6 points: handed over at %.1f million/s, on the disk at %.2f million/s, read in %.0f ms",
              1.0 / seconds(begin, handedOver), 1.0 / seconds(begin, written), 1000 * seconds(written, read));
        QVERIFY(seconds(begin, written) < 10.0); // an order of magnitude above what it takes
        QVERIFY(seconds(written, read) < 2.0);
    }

    void manyMetricsCostLittle() {
        // What a run with all diagnostics produces in ten seconds, a second at a time.
        const auto writer = createRun(path());
        std::vector<MetricHandle> metrics;
        for (int i = 0; i < 200; ++i) {
            metrics.push_back(writer->metric("metric " + std::to_string(i)));
        }
        double total = 0.0;
        for (std::int64_t update = 0; update < 1000; ++update) {
            for (const MetricHandle metric : metrics) {
                writer->point(metric, clocksAt(update), static_cast<double>(update) / 3.0);
            }
            if (update % 100 == 99) {
                const auto begin = std::chrono::steady_clock::now();
                KNIFE_VERIFY(writer->flush());
                total += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
            }
        }
        qInfo("200 metrics x 100 points: %.1f ms per flush", 100 * total);
        QVERIFY(total < 5.0);
    }

    void health() {
        const auto writer = createRun(path());
        const auto content = bytesOf("weights");
        KNIFE_VERIFY(writer->checkpoint(clocksAt(1), content, 1));
        Result<WorkspaceHealth> health = inspectWorkspace(path());
        KNIFE_VERIFY(health);
        QCOMPARE(health->schemaVersion, kSchemaVersion);
        QCOMPARE(health->runs, 1);
        QVERIFY(health->databaseBytes > 0);
        QVERIFY(health->blobBytes > 0);
        QVERIFY(health->problems.empty());

        std::filesystem::remove_all(blobFolder(path()));
        health = inspectWorkspace(path());
        KNIFE_VERIFY(health);
        QCOMPARE(health->problems.size(), 1U);
    }

    void theDefaultWorkspaceIsInTheDataDirectory() {
        qputenv("XDG_DATA_HOME", "/data");
        QCOMPARE(defaultWorkspacePath(), std::filesystem::path("/data/knife-workbench/workspace"));
        qputenv("XDG_DATA_HOME", "relative");
        qputenv("HOME", "/home/somebody");
        QCOMPARE(defaultWorkspacePath(),
                 std::filesystem::path("/home/somebody/.local/share/knife-workbench/workspace"));
    }

  private:
    [[nodiscard]] const std::filesystem::path& path() const { return m_workspace->path(); }
    std::unique_ptr<TemporaryWorkspace> m_workspace;
};

QTEST_APPLESS_MAIN(TestRunStore)
#include "tst_run_store.moc"
