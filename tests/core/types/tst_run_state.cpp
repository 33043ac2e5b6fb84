// SPDX-License-Identifier: GPL-3.0-or-later
#include <QTest>

#include <set>
#include <string>

#include "core/types/run_state.h"

using namespace knife;

namespace {

constexpr RunState kAll[] = {RunState::Idle,     RunState::Starting, RunState::Running,
                             RunState::Pausing,  RunState::Paused,   RunState::Stopping,
                             RunState::Finished, RunState::Failed,   RunState::Interrupted};

} // namespace

class TestRunState : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void namesAreTheirOwnInverse();
    void theUsualLifeIsLegal();
    void shortcutsAreIllegal();
    void whoIsLiveCanDie();
    void whoHasEndedCanOnlyStartAgain();
    void everyStateIsReachable();
};

void TestRunState::namesAreTheirOwnInverse() {
    std::set<std::string> names;
    for (const RunState state : kAll) {
        QVERIFY(names.insert(std::string(knife::toString(state))).second);
        QVERIFY(runStateFromString(knife::toString(state)) == state);
    }
    QVERIFY(!runStateFromString("Running"));
    QVERIFY(!runStateFromString(""));
}

void TestRunState::theUsualLifeIsLegal() {
    const RunState life[] = {RunState::Idle,     RunState::Starting, RunState::Running,
                             RunState::Pausing,  RunState::Paused,   RunState::Running,
                             RunState::Stopping, RunState::Finished, RunState::Starting};
    for (std::size_t i = 1; i < std::size(life); ++i) {
        QVERIFY(isLegalTransition(life[i - 1], life[i]));
    }
}

void TestRunState::shortcutsAreIllegal() {
    for (const RunState state : kAll) {
        QVERIFY(!isLegalTransition(state, state));
        QVERIFY(!isLegalTransition(state, RunState::Idle));
    }
    QVERIFY(!isLegalTransition(RunState::Idle, RunState::Running));
    QVERIFY(!isLegalTransition(RunState::Running, RunState::Paused));
    QVERIFY(!isLegalTransition(RunState::Running, RunState::Finished));
    QVERIFY(!isLegalTransition(RunState::Paused, RunState::Pausing));
    QVERIFY(!isLegalTransition(RunState::Stopping, RunState::Running));
}

void TestRunState::whoIsLiveCanDie() {
    for (const RunState state : kAll) {
        QCOMPARE(isLegalTransition(state, RunState::Failed), isLive(state));
        QCOMPARE(isLegalTransition(state, RunState::Interrupted), isLive(state));
    }
}

void TestRunState::whoHasEndedCanOnlyStartAgain() {
    for (const RunState state : kAll) {
        QVERIFY(!(isLive(state) && isEnded(state)));
        QCOMPARE(isLive(state) || isEnded(state), state != RunState::Idle);
        for (const RunState next : kAll) {
            QVERIFY(!isEnded(state) || isLegalTransition(state, next) == (next == RunState::Starting));
        }
    }
}

void TestRunState::everyStateIsReachable() {
    std::set<RunState> reached = {RunState::Idle};
    for (std::size_t round = 0; round < std::size(kAll); ++round) {
        for (const RunState from : std::set<RunState>(reached)) {
            for (const RunState to : kAll) {
                if (isLegalTransition(from, to)) {
                    reached.insert(to);
                }
            }
        }
    }
    QCOMPARE(reached.size(), std::size(kAll));
}

QTEST_APPLESS_MAIN(TestRunState)
#include "tst_run_state.moc"
