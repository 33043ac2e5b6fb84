// SPDX-License-Identifier: GPL-3.0-or-later
#include <QSignalSpy>
#include <QTest>

#include "app/workbench/clock_axis.h"
#include "app/workbench/time_cursor.h"
#include "tests/app/fake_reader.h"

using namespace knife;
using knife::test::clocksAt;

namespace {

/// Frames after 10, 20, 30 updates.
std::vector<FrameStamp> threeStamps() {
    return {{1, clocksAt(10)}, {2, clocksAt(20)}, {5, clocksAt(30)}};
}

} // namespace

class TestTimeCursor final : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void findsTheFrameAtOrBeforeAMoment_data();
    void findsTheFrameAtOrBeforeAMoment();
    void standsOnItsFrameWhileOthersCome();
    void anotherClockMovesItsX();
    void leavesAFrameThatIsGone();
    void hasNowhereToGoWithoutFrames();
};

void TestTimeCursor::findsTheFrameAtOrBeforeAMoment_data() {
    QTest::addColumn<int>("clock");
    QTest::addColumn<double>("x");
    QTest::addColumn<int>("stamp");
    QTest::newRow("before all") << int(XClock::Updates) << -5.0 << 0;
    QTest::newRow("on the first") << int(XClock::Updates) << 10.0 << 0;
    QTest::newRow("between") << int(XClock::Updates) << 29.9 << 1;
    QTest::newRow("after all") << int(XClock::Updates) << 1e9 << 2;
    QTest::newRow("env steps") << int(XClock::EnvSteps) << 200.0 << 1;
    QTest::newRow("episodes") << int(XClock::Episodes) << 14.0 << 1;
    QTest::newRow("wall") << int(XClock::Wall) << 3.0 << 2;
}

void TestTimeCursor::findsTheFrameAtOrBeforeAMoment() {
    QFETCH(int, clock);
    QFETCH(double, x);
    QFETCH(int, stamp);
    QCOMPARE(stampAt(threeStamps(), static_cast<XClock>(clock), x), stamp);
    QCOMPARE(stampAt({}, static_cast<XClock>(clock), x), -1);
}

void TestTimeCursor::standsOnItsFrameWhileOthersCome() {
    TimeCursor cursor;
    cursor.setClock(XClock::Updates);
    cursor.setStamps(threeStamps());
    QVERIFY(cursor.isFollowing());
    cursor.moveToX(25.0);
    QCOMPARE(*cursor.x(), 20.0);
    QSignalSpy moved(&cursor, &TimeCursor::moved);
    std::vector<FrameStamp> more = threeStamps();
    more.push_back({9, clocksAt(40)});
    cursor.setStamps(more);
    QCOMPARE(cursor.stamp()->id, 2);
    cursor.moveToUpdate(UpdateStep{21});
    QCOMPARE(moved.size(), 0);
    cursor.followNewest();
    QCOMPARE(moved.size(), 1);
    QVERIFY(!cursor.x());
}

void TestTimeCursor::anotherClockMovesItsX() {
    TimeCursor cursor;
    cursor.setClock(XClock::Updates);
    cursor.setStamps(threeStamps());
    cursor.moveToFrame(1);
    QSignalSpy moved(&cursor, &TimeCursor::moved);
    cursor.setClock(XClock::EnvSteps);
    QCOMPARE(moved.size(), 1);
    QCOMPARE(*cursor.x(), 200.0);
    QCOMPARE(cursor.frame(), 1);
}

void TestTimeCursor::leavesAFrameThatIsGone() {
    TimeCursor cursor;
    cursor.setStamps(threeStamps());
    cursor.moveToFrame(2);
    cursor.setStamps({{1, clocksAt(10)}}); // cut back by a resume
    QVERIFY(cursor.isFollowing());
}

void TestTimeCursor::hasNowhereToGoWithoutFrames() {
    TimeCursor cursor;
    QSignalSpy moved(&cursor, &TimeCursor::moved);
    cursor.moveToX(3.0);
    cursor.moveToFrame(0);
    cursor.moveToUpdate(UpdateStep{7});
    QCOMPARE(moved.size(), 0);
    QVERIFY(cursor.isFollowing());
}

QTEST_GUILESS_MAIN(TestTimeCursor)
#include "tst_time_cursor.moc"
