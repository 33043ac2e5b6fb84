// SPDX-License-Identifier: GPL-3.0-or-later
// The rules of SMAC around an engine that does what the test says: what happens when it fails, rewards and endings.
#include <algorithm>

#include <QTest>

#include "scripted_engine.h"

using namespace knife;
using namespace knife::smac;

namespace {

bool isZero(float value) {
    return value == 0.F;
}

// Nothing is seen, and nobody can do anything.
bool showsNothing(const Stage& stage) {
    const int nActions = stage.env->spec().nActions;
    for (std::size_t i = 0; i < stage.avail.size(); ++i) {
        if ((stage.avail[i] != 0) != (static_cast<int>(i) % nActions == Observer::NoOp)) {
            return false;
        }
    }
    return std::ranges::all_of(stage.obs, isZero) && std::ranges::all_of(stage.state, isZero);
}

} // namespace

class TestSmacEnv : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void aBattleThatCannotBeginIsAnError() {
        Stage stage("smac:3m");
        stage.engine->onBegin = [&stage]() -> Result<void> {
            stage.engine->state.clear();
            return fail(ErrorCode::Io, "the game has left");
        };
        stage.reset();
        QVERIFY(showsNothing(stage));
        QVERIFY(stage.env->view().envName == "smac");
        for (int again = 0; again < 2; ++again) {
            const auto outcome = stage.stop();
            QVERIFY(!outcome && outcome.error().code == ErrorCode::Io);
            QVERIFY(outcome.error().describe().find("the game has left") != std::string::npos);
        }
        stage.engine->onBegin = {};
        stage.reset();
        QVERIFY(stage.stop());
    }

    void aBattleOfOtherUnitsIsAnError() {
        Stage stage("smac:3m");
        stage.engine->onBegin = [&stage]() -> Result<void> {
            stage.engine->state.pop_back();
            return {};
        };
        stage.reset();
        QVERIFY(showsNothing(stage));
        QVERIFY(!stage.stop());
    }

    void aBattleThatFailsHasEnded() {
        Stage stage("smac:3m");
        stage.reset();
        stage.engine->onStep = [&stage](std::span<const Order>, int) -> Result<void> {
            stage.engine->state.clear();
            return fail(ErrorCode::Io, "the game has left");
        };
        const auto first = stage.stop();
        QVERIFY(!first && first.error().code == ErrorCode::Io);
        QVERIFY(showsNothing(stage));
        stage.engine->onStep = {};
        const auto second = stage.env->step(std::vector<std::int32_t>(3, Observer::Stop), stage.spans());
        QVERIFY(!second && second.error().code == ErrorCode::Io);
        stage.reset();
        QVERIFY(stage.stop());
    }

    void enginesThatKeepNoBattlesSaySo() {
        Stage stage("smac:3m");
        stage.reset();
        QVERIFY(stage.stop());
        const auto restored = stage.env->restore(stage.env->save());
        QVERIFY(!restored && restored.error().code == ErrorCode::Unsupported);
        QVERIFY(stage.stop());
    }

    void aPerfectVictoryIsWorthTwenty() {
        Stage stage("smac:8m");
        stage.reset();
        for (int enemy = 8; enemy < 16; ++enemy) {
            stage.unit(enemy).health = 0.F;
        }
        const auto outcome = stage.stop();
        QVERIFY(outcome && outcome->terminated && outcome->won);
        QVERIFY(std::abs(outcome->reward - 20.F) < 1e-5F);
        QVERIFY(!stage.stop());
    }
};

QTEST_APPLESS_MAIN(TestSmacEnv)
#include "tst_smac_env.moc"
