// SPDX-License-Identifier: GPL-3.0-or-later
#include <QTest>

#include "app/workbench/curve_controller.h"
#include "app/workbench/models/run_table_model.h"
#include "app/workbench/store_reader.h"
#include "app/workbench/time_cursor.h"
#include "tests/app/fake_reader.h"
#include "widgets/run_panel.h"

using namespace knife;
using namespace knife::test;

namespace {

constexpr int kWaitMs = 5000;

FakeStore::Run runWithPoints(const std::string& id, int points) {
    FakeStore::Run run;
    run.record = makeRecord(id);
    run.segments.push_back({SegmentId{1}, {}, {}, "start", 0});
    for (int update = 1; update <= points; ++update) {
        addPoint(run.metrics["test/return"], update, update);
    }
    return run;
}

} // namespace

class TestCurveController final : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void init() {
        m_store = std::make_shared<FakeStore>();
        m_store->runs.push_back(runWithPoints("b", 5));
        m_store->runs.push_back(runWithPoints("a", 3));
        m_reader = std::make_unique<StoreReader>(
            [store = m_store](const std::filesystem::path&) -> Result<std::unique_ptr<RunReader>> {
                return std::make_unique<FakeReader>(store);
            });
        m_reader->open("workspace");
    }
    void cleanup() { m_reader.reset(); }

    void choosesMetricsUntilTheUserDoes();
    void drawsWhatGrowsAndForgetsWhatIsLeftOut();
    void anotherClockRedraws();
    void eventsBecomeMarks();
    void defaultsPreferWhatSaysMost();

  private:
    std::shared_ptr<FakeStore> m_store;
    std::unique_ptr<StoreReader> m_reader;
};

void TestCurveController::choosesMetricsUntilTheUserDoes() {
    RunTableModel runs;
    TimeCursor cursor;
    CurvesPanel panel;
    CurveController curves(*m_reader, runs, cursor, panel);
    curves.setRuns({"a"});
    QTRY_COMPARE_WITH_TIMEOUT(panel.shownMetrics(), QStringList({"test/return"}), kWaitMs);
    m_store->change([](auto& all) { addPoint(all[1].metrics["plasticity/all/stagnant"], 1, 0.5); });
    QTRY_COMPARE_WITH_TIMEOUT(panel.shownMetrics(), QStringList({"test/return", "plasticity/all/stagnant"}), kWaitMs);
    QVERIFY(curves.choosesMetrics());
    panel.setShownMetrics({"plasticity/all/stagnant"}); // as the picker does
    QVERIFY(!curves.choosesMetrics());
    m_store->change([](auto& all) { addPoint(all[1].metrics["test/win_rate"], 1, 0.5); });
    QTest::qWait(900);
    QCOMPARE(panel.shownMetrics(), QStringList({"plasticity/all/stagnant"}));
}

void TestCurveController::drawsWhatGrowsAndForgetsWhatIsLeftOut() {
    RunTableModel runs;
    runs.setRuns({makeRecord("b"), makeRecord("a")});
    TimeCursor cursor;
    CurvesPanel panel;
    panel.setShownMetrics({"test/return"});
    CurveController curves(*m_reader, runs, cursor, panel);
    curves.setRuns({"a", "b"});
    const auto ids = [&panel] {
        return panel.plot("test/return")->seriesIds().size();
    };
    QTRY_COMPARE_WITH_TIMEOUT(ids(), 2, kWaitMs);
    QCOMPARE(runs.index(1, 0).data(RunColourRole).toInt(), 0);
    QCOMPARE(runs.index(0, 0).data(RunColourRole).toInt(), 1);
    m_store->change([](auto& all) { addPoint(all[0].metrics["test/return"], 50, 7.0); });
    QTRY_COMPARE_WITH_TIMEOUT(panel.plot("test/return")->dataExtent()->upper, 500.0, kWaitMs);

    curves.setRuns({"b"});
    QCOMPARE(ids(), 1);
    QVERIFY(!runs.index(1, 0).data(RunColourRole).isValid());
    QCOMPARE(runs.index(0, 0).data(RunColourRole).toInt(), 1); // a run keeps its colour
    curves.setRuns({});
    QCOMPARE(ids(), 0);
}

void TestCurveController::anotherClockRedraws() {
    RunTableModel runs;
    TimeCursor cursor;
    CurvesPanel panel;
    panel.setShownMetrics({"test/return"});
    CurveController curves(*m_reader, runs, cursor, panel);
    curves.setRuns({"b"});
    QTRY_VERIFY_WITH_TIMEOUT(panel.plot("test/return")->dataExtent().has_value(), kWaitMs);
    QCOMPARE(panel.plot("test/return")->dataExtent()->upper, 50.0);
    panel.setXClock(XClock::Updates);
    Q_EMIT panel.xClockChanged(XClock::Updates);
    QCOMPARE(panel.plot("test/return")->dataExtent()->upper, 5.0);
    QVERIFY(cursor.clock() == XClock::Updates);
}

void TestCurveController::eventsBecomeMarks() {
    m_store->runs[0].segments.push_back({SegmentId{2}, clocksAt(4), {}, "resume", 0});
    m_store->runs[0].events = {{1, SegmentId{1}, clocksAt(2), "task_switch", "one → two", {}},
                               {2, SegmentId{1}, clocksAt(2), "surgery", "knife: 3 units", {}},
                               {3, SegmentId{1}, clocksAt(3), "checkpoint", "saved", {}}};
    const RunHistory history(*m_reader, RunId{"b"}, ReadDepth::Curves);
    QTRY_VERIFY_WITH_TIMEOUT(history.isLoaded(), kWaitMs);
    const std::vector<PlotMark> marks = marksOf(history, XClock::EnvSteps);
    QCOMPARE(marks.size(), 3UL);
    QVERIFY((marks[0] == PlotMark{20.0, MarkKind::TaskSwitch, "two"}));
    QVERIFY(marks[1].kind == MarkKind::Surgery);
    QVERIFY((marks[2] == PlotMark{40.0, MarkKind::Segment, "resume"}));
}

void TestCurveController::defaultsPreferWhatSaysMost() {
    QCOMPARE(defaultMetrics({"train/return", "train/loss", "test/return", "plasticity/all/stagnant"}),
             QStringList({"test/return", "plasticity/all/stagnant"}));
    QCOMPARE(defaultMetrics({"train/loss"}), QStringList());
    QCOMPARE(defaultMetrics({"test/win_rate", "test/return", "train/return"}),
             QStringList({"test/win_rate", "test/return"}));
}

QTEST_MAIN(TestCurveController)
#include "tst_curve_controller.moc"
