// SPDX-License-Identifier: GPL-3.0-or-later
#include <QSignalSpy>
#include <QTest>

#include "app/workbench/run_history.h"
#include "app/workbench/store_reader.h"
#include "tests/app/fake_reader.h"

using namespace knife;
using namespace knife::test;

namespace {

constexpr int kWaitMs = 5000;

/// A run with a few points, events and frames.
FakeStore::Run demoRun() {
    FakeStore::Run run;
    run.record = makeRecord("demo");
    run.segments.push_back({SegmentId{1}, {}, {}, "start", 5000});
    for (int update = 1; update <= 10; ++update) {
        addPoint(run.metrics["test/return"], update, update);
        addPoint(run.metrics["train/loss"], update, -update);
    }
    run.events.push_back({1, SegmentId{1}, clocksAt(3), "task_switch", "task 2", {}});
    run.frames.push_back({{1, clocksAt(5)}, {}});
    run.episodes.push_back({{1, clocksAt(5), "task 1", 3, 2.0, 100}, {}});
    return run;
}

} // namespace

class TestRunHistory final : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void init() {
        m_store = std::make_shared<FakeStore>();
        m_store->runs.push_back(demoRun());
        m_reader = std::make_unique<StoreReader>(
            [store = m_store](const std::filesystem::path&) -> Result<std::unique_ptr<RunReader>> {
                return std::make_unique<FakeReader>(store);
            });
        m_reader->open("workspace");
    }
    void cleanup() { m_reader.reset(); }

    void readsOnlyWantedMetrics();
    void growsByWhatIsNew();
    void aCutBackRunStartsOver();
    void everythingBringsFramesAndSurgeries();
    void aMissingRunFailsOnce();
    void eventsHaveATime();

  private:
    std::shared_ptr<FakeStore> m_store;
    std::unique_ptr<StoreReader> m_reader;
};

void TestRunHistory::readsOnlyWantedMetrics() {
    RunHistory history(*m_reader, RunId{"demo"}, ReadDepth::Curves);
    history.setWantedMetrics({"test/return"});
    QTRY_VERIFY_WITH_TIMEOUT(history.series("test/return") != nullptr, kWaitMs);
    QCOMPARE(history.series("test/return")->size(), 10UL);
    QVERIFY(history.series("train/loss") == nullptr);
    QCOMPARE(history.metricNames(), QStringList({"test/return", "train/loss"}));
    QVERIFY(history.frames().empty());

    history.setWantedMetrics({"test/return", "train/loss"});
    QTRY_VERIFY_WITH_TIMEOUT(history.series("train/loss") != nullptr, kWaitMs);
    QCOMPARE(history.series("test/return")->size(), 10UL);
}

void TestRunHistory::growsByWhatIsNew() {
    RunHistory history(*m_reader, RunId{"demo"}, ReadDepth::Curves);
    history.setWantedMetrics({"test/return"});
    QTRY_VERIFY_WITH_TIMEOUT(history.series("test/return") != nullptr, kWaitMs);
    QSignalSpy grew(&history, &RunHistory::seriesGrew);
    QSignalSpy events(&history, &RunHistory::eventsAdded);
    m_store->change([](auto& runs) {
        addPoint(runs[0].metrics["test/return"], 11, 11.0);
        runs[0].events.push_back({2, SegmentId{1}, clocksAt(11), "surgery", "knife", {}});
    });
    QTRY_COMPARE_WITH_TIMEOUT(history.series("test/return")->size(), 11UL, kWaitMs);
    for (std::size_t i = 0; i < 11; ++i) {
        QCOMPARE(history.series("test/return")->value[i], static_cast<double>(i + 1));
    }
    QCOMPARE(grew.size(), 1);
    QCOMPARE(history.events().size(), 2UL);
    QCOMPARE(events.size(), 1);
    QCOMPARE(events[0][0].value<std::size_t>(), 1UL);
}

void TestRunHistory::aCutBackRunStartsOver() {
    RunHistory history(*m_reader, RunId{"demo"}, ReadDepth::Everything);
    history.setWantedMetrics({"test/return"});
    QTRY_VERIFY_WITH_TIMEOUT(history.series("test/return") != nullptr, kWaitMs);
    QSignalSpy restarted(&history, &RunHistory::restarted);
    m_store->change([](auto& runs) { // a resume from update 4: as many points as before, but other ones
        runs[0].segments.push_back({SegmentId{2}, clocksAt(4), {}, "resume", 9000});
        Series& series = runs[0].metrics["test/return"];
        series = {};
        for (int update = 1; update <= 10; ++update) {
            addPoint(series, update, update <= 4 ? update : 100 + update);
        }
        runs[0].events.clear();
        runs[0].frames.clear();
        runs[0].episodes.clear();
    });
    QTRY_COMPARE_WITH_TIMEOUT(restarted.size(), 1, kWaitMs);
    QCOMPARE(history.series("test/return")->size(), 10UL);
    QCOMPARE(history.series("test/return")->value[9], 110.0);
    QVERIFY(history.events().empty());
    QVERIFY(history.frames().empty());
    QVERIFY(history.episodes().empty());
}

void TestRunHistory::everythingBringsFramesAndSurgeries() {
    RunHistory history(*m_reader, RunId{"demo"}, ReadDepth::Everything);
    QSignalSpy surgeries(&history, &RunHistory::surgeriesChanged);
    QTRY_COMPARE_WITH_TIMEOUT(history.frames().size(), 1UL, kWaitMs);
    m_store->change([](auto& runs) {
        SurgeryReceipt receipt;
        receipt.sites.push_back({"agent.fc1", {3}, "composite", {std::numeric_limits<float>::quiet_NaN()}, 1, 1});
        runs[0].surgeries.push_back(receipt);
        runs[0].checkpoints.push_back({7, SegmentId{1}, clocksAt(9), "blob", 10, 1000});
        runs[0].frames.push_back({{2, clocksAt(8)}, {}});
        runs[0].episodes.push_back({{2, clocksAt(8), "task 2", 3, 2.0, 100}, {}});
    });
    QTRY_COMPARE_WITH_TIMEOUT(history.surgeries().size(), 1UL, kWaitMs);
    QCOMPARE(history.episodes().size(), 2UL);
    QCOMPARE(history.episodes().back().task, std::string("task 2"));
    QCOMPARE(history.frames().size(), 2UL);
    QCOMPARE(history.lastCheckpoint()->id, 7);
    m_store->change([](auto&) {}); // the same again, although NaN is not equal to itself
    QSignalSpy run(&history, &RunHistory::runChanged);
    QTRY_VERIFY_WITH_TIMEOUT(!run.empty(), kWaitMs);
    QCOMPARE(surgeries.size(), 1);
}

void TestRunHistory::aMissingRunFailsOnce() {
    RunHistory history(*m_reader, RunId{"nothing"}, ReadDepth::Curves);
    QSignalSpy failed(&history, &RunHistory::failed);
    QTRY_COMPARE_WITH_TIMEOUT(failed.size(), 1, kWaitMs);
    m_store->change([](auto&) {});
    QTest::qWait(900);
    QCOMPARE(failed.size(), 1);
    QVERIFY(!history.isLoaded());
}

void TestRunHistory::eventsHaveATime() {
    RunHistory history(*m_reader, RunId{"demo"}, ReadDepth::Curves);
    QTRY_VERIFY_WITH_TIMEOUT(history.isLoaded(), kWaitMs);
    QCOMPARE(history.approximateTimeMs(history.events()[0]), 5300); // 0.3 s into a segment begun at 5000 ms
}

QTEST_GUILESS_MAIN(TestRunHistory)
#include "tst_run_history.moc"
