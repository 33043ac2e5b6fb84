// SPDX-License-Identifier: GPL-3.0-or-later
// The rules of SMAC around an engine that does what the test says: what happens when it fails, rewards and endings.
#include <algorithm>
#include <cmath>

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

    void aBattleThatLosesUnitsHasFailed() {
        Stage stage("smac:3m");
        stage.reset();
        stage.engine->onStep = [&stage](std::span<const Order>, int) -> Result<void> {
            stage.engine->state.pop_back();
            return {};
        };
        const auto outcome = stage.stop();
        QVERIFY(!outcome && outcome.error().code == ErrorCode::Internal);
        QVERIFY(showsNothing(stage));
        QVERIFY(std::get<BattleView>(stage.env->view().scene).units.empty());
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

    void actionsBecomeOrders() {
        Stage stage("protoss_5_vs_5", "units = 2\nenemies = 2\nconic_fov = true\nmove_amount = 3.0");
        stage.reset();
        stage.put(0, UnitType::Stalker, 10, 10);
        stage.put(1, UnitType::Zealot, 20, 20);
        stage.put(2, UnitType::Zealot, 15, 10);
        stage.put(3, UnitType::Zealot, 30, 30);
        QVERIFY(stage.stop());
        QVERIFY(stage.engine->orders[0].kind == Order::Kind::Stop);
        QVERIFY(stage.step({Observer::North, Observer::West}));
        QVERIFY(stage.engine->orders[0].kind == Order::Kind::Move);
        QVERIFY(stage.engine->orders[0].point == (Vec2{10, 13}));
        QVERIFY(stage.engine->orders[1].point == (Vec2{17, 20}));
        QVERIFY(stage.step({18})); // the enemy in front
        QVERIFY(stage.engine->orders[0].kind == Order::Kind::Attack);
        QCOMPARE(stage.engine->orders[0].target, 2);
        QVERIFY(stage.step({Observer::FirstLook + 6})); // a look is no order
        QVERIFY(stage.engine->orders[0].kind == Order::Kind::None);
        QVERIFY(!stage.legal(0, 18));
        QCOMPARE(stage.engine->loops, (std::vector<int>{8, 8, 8, 8}));
    }

    void targetsOutOfReachGetNoOrder() {
        Stage stage("protoss_5_vs_5_epo", "units = 1\nenemies = 1");
        stage.reset();
        stage.put(0, UnitType::Stalker, 10, 10);
        stage.put(1, UnitType::Zealot, 16.5F, 10);
        QVERIFY(stage.stop());
        QVERIFY(stage.step({6}));
        QVERIFY(stage.engine->orders[0].kind == Order::Kind::None);
    }

    void ordersFailByChance() {
        Stage stage("protoss_5_vs_5", "units = 2\nenemies = 1\nattack_items = [[0.25, 1.0]]");
        stage.reset();
        int given = 0;
        constexpr int kSteps = 190;
        for (int step = 0; step < kSteps; ++step) {
            stage.put(0, UnitType::Stalker, 10, 10);
            stage.put(1, UnitType::Stalker, 10, 12);
            stage.put(2, UnitType::Zealot, 14, 11);
            QVERIFY(step == 0 ? stage.stop() : stage.step({6, 6}));
            given += stage.engine->orders[0].kind == Order::Kind::Attack ? 1 : 0;
            QVERIFY(step == 0 || stage.engine->orders[1].kind == Order::Kind::Attack);
        }
        QVERIFY(given > 25 && given < 75);
    }

    void agentsDieBelowTheirLevel() {
        Stage stage("terran_5_vs_5",
                    "units = 3\nenemies = 1\nhealth_items = [[0.5, 0.5, 0.0]]\nkill_unit_step_mul = 3");
        stage.reset();
        for (int agent = 0; agent < 3; ++agent) {
            stage.put(agent, UnitType::Marauder, 10, 10.F + static_cast<float>(agent));
        }
        stage.put(3, UnitType::Marine, 30, 30);
        stage.unit(0).health = 62.5F;
        stage.unit(1).health = 62.25F;
        stage.unit(2).health = 0.5F;
        stage.engine->onStep = [&stage](std::span<const Order> orders, int loops) -> Result<void> {
            stage.engine->struckBy = {loops == 5 ? 3 : -1, -1, loops == 3 ? 3 : -1, -1};
            const bool first = loops == 5;
            return first == (orders[0].kind == Order::Kind::Stop) ? Result<void>{} : fail(ErrorCode::Usage, "orders");
        };
        QVERIFY(stage.stop());
        QCOMPARE(stage.engine->loops, (std::vector<int>{5, 3}));
        QVERIFY(stage.unit(0).isAlive() && !stage.unit(1).isAlive() && stage.unit(2).isAlive());
        // Both parts of the step are shown.
        const BattleView battle = std::get<BattleView>(stage.env->view().scene);
        QCOMPARE(battle.units[0].struck, 3);
        QCOMPARE(battle.units[1].struck, -1);
        QCOMPARE(battle.units[2].struck, 3);
    }

    void rewardsAreWhatTheRulesSay_data() {
        QTest::addColumn<QString>("more");
        QTest::addColumn<double>("reward");
        // 40 off the shield of one enemy, another dies with 150 and 50 that were left; one agent loses 30, one dies
        // with its 160. Largest: 3 x 10 + 200 + 3 x 160.
        constexpr double kScale = (3 * 10 + 200 + 3 * 160) / 20.0;
        QTest::newRow("positive") << "" << (40 + 160 + 10) / kScale;
        QTest::newRow("deaths") << "reward_death_value = 30.0" << (40 + 160 + 30) / ((3 * 30 + 200 + 3 * 160) / 20.0);
        QTest::newRow("losses count") << "reward_only_positive = false"
                                      << (40 + 160 + 10 - 0.5 * (30 + 160 + 10)) / kScale;
        QTest::newRow("losses count more") << "reward_only_positive = false\nreward_negative_scale = 2.0"
                                           << (40 + 160 + 10 - 2.0 * (30 + 160 + 10)) / kScale;
        QTest::newRow("unscaled") << "reward_scale = false" << 210.0;
        QTest::newRow("another scale") << "reward_scale_rate = 10.0" << 210 / (2 * kScale);
        QTest::newRow("sparse") << "reward_sparse = true" << 0.0;
    }
    void rewardsAreWhatTheRulesSay() {
        QFETCH(QString, more);
        QFETCH(double, reward);
        Stage stage("smac:3s_vs_3z", more.toStdString());
        stage.engine->onBegin = [&stage]() -> Result<void> {
            for (int enemy = 3; enemy < 6; ++enemy) {
                stage.put(enemy, UnitType::Stalker, 20, 20);
            }
            return {};
        };
        stage.reset();
        stage.unit(3).shield -= 40;
        stage.unit(4).health = stage.unit(4).shield = 0;
        stage.unit(0).shield -= 30;
        stage.unit(1).health = 0; // what is left of the shield goes with it
        const auto outcome = stage.stop();
        QVERIFY(outcome && !outcome->terminated);
        QVERIFY2(std::abs(static_cast<double>(outcome->reward) - reward) < 1e-5,
                 qPrintable(QString::number(static_cast<double>(outcome->reward))));
        // The dead are paid for once.
        const auto next = stage.stop();
        QVERIFY(next && next->reward == 0.F);
    }

    void regainedShieldsAreWorthNothing() {
        for (const bool compat : {false, true}) {
            Stage stage("smac:3s_vs_3z", compat ? "compat_absolute_reward = true" : "");
            stage.reset();
            stage.unit(3).shield -= 40;
            QVERIFY(stage.stop());
            stage.unit(3).shield += 40;
            const auto outcome = stage.stop();
            QVERIFY(outcome);
            QCOMPARE(outcome->reward > 0.F, compat);
            QVERIFY(outcome->reward >= 0.F);
        }
    }

    void endingsAreThoseOfTheRules_data() {
        QTest::addColumn<QString>("name");
        QTest::addColumn<QString>("more");
        QTest::addColumn<QList<int>>("dead");
        QTest::addColumn<QString>("ending");
        const QList<int> marines{0, 1, 2, 3, 4, 5, 6, 7, 8}; // of MMM: agents that are no medivac
        const QList<int> all{10, 11, 12, 13, 14, 15, 16, 17, 18, 19};
        QTest::newRow("goes on") << "smac:3m"
                                 << "" << QList<int>{0, 3} << "open";
        QTest::newRow("won") << "smac:3m"
                             << "" << QList<int>{0, 3, 4, 5} << "won";
        QTest::newRow("lost") << "smac:3m"
                              << "" << QList<int>{0, 1, 2, 5} << "lost";
        QTest::newRow("both gone") << "smac:3m"
                                   << "" << QList<int>{0, 1, 2, 3, 4, 5} << "neither";
        QTest::newRow("only a medivac is left") << "smac:MMM"
                                                << "" << marines << "lost";
        QTest::newRow("only an enemy's medivac is left") << "smac:MMM"
                                                         << "" << all.first(9) << "won";
        QTest::newRow("limit") << "smac:3m"
                               << "episode_limit = 1" << QList<int>{0} << "limit";
        QTest::newRow("limit that goes on")
            << "smac:3m"
            << "episode_limit = 1\ncontinuing_episode = true" << QList<int>{0} << "truncated";
        QTest::newRow("won at the limit") << "smac:3m"
                                          << "episode_limit = 1" << QList<int>{3, 4, 5} << "won";
    }
    void endingsAreThoseOfTheRules() {
        QFETCH(QString, name);
        QFETCH(QString, more);
        QFETCH(QList<int>, dead);
        QFETCH(QString, ending);
        Stage stage(name.toStdString(), more.toStdString() + "\nreward_defeat = -50.0\nreward_only_positive = true");
        stage.reset();
        float paid = 0.F;
        for (const int unit : dead) {
            paid += unit >= stage.env->setting().allies ? stage.unit(unit).healthMax + 10.F : 0.F;
            stage.unit(unit).health = 0.F;
        }
        const auto outcome = stage.stop();
        QVERIFY(outcome);
        QCOMPARE(outcome->won, ending == "won");
        QCOMPARE(outcome->truncated, ending == "truncated");
        QCOMPARE(outcome->terminated, ending != "open" && ending != "truncated");
        paid += ending == "won" ? 200.F : ending == "lost" ? -50.F : 0.F;
        const auto enemies =
            std::span(stage.engine->state).subspan(static_cast<std::size_t>(stage.env->setting().allies));
        float most = 200.F;
        for (const UnitState& enemy : enemies) {
            most += enemy.healthMax + 10.F;
        }
        QVERIFY2(std::abs(outcome->reward - paid * 20.F / most) < 1e-4F, qPrintable(QString::number(outcome->reward)));
        QCOMPARE(
            stage.env
                ->step(std::vector<std::int32_t>(static_cast<std::size_t>(stage.env->spec().nAgents), 1), stage.spans())
                .has_value(),
            false);
    }

    void twoMedivacsOfAnEnemyAreDefeatedInTheSecondVersionAlone() {
        Stage stage("terran_5_vs_5", "units = 2\nenemies = 3");
        stage.reset();
        stage.put(2, UnitType::Medivac, 20, 20);
        stage.put(3, UnitType::Medivac, 22, 20);
        stage.unit(4).health = 0;
        stage.put(0, UnitType::Marine, 1, 1);
        const auto outcome = stage.stop();
        QVERIFY(outcome && outcome->won);
    }

    void sparseRewardsAreScaled() {
        for (const bool wins : {true, false}) {
            Stage stage("smac:3m", "reward_sparse = true");
            stage.reset();
            for (int unit = 0; unit < 3; ++unit) {
                stage.unit(wins ? 3 + unit : unit).health = 0;
            }
            const auto outcome = stage.stop();
            QVERIFY(outcome && outcome->terminated);
            const float scale = (30.F + 200.F + 135.F) / 20.F;
            QVERIFY(std::abs(outcome->reward - (wins ? 1.F : -1.F) / scale) < 1e-6F);
        }
    }

    // Orders to go for somebody across the whole map, which no action could give.
    void heuristicAgentsNeedNoReach() {
        Stage stage("terran_5_vs_5", "units = 3\nenemies = 2\nheuristic_ai = true\nobs_last_action = true");
        stage.reset();
        stage.put(0, UnitType::Marine, 1, 1);
        stage.put(1, UnitType::Marauder, 1, 3);
        stage.put(2, UnitType::Medivac, 30, 30);
        stage.put(3, UnitType::Medivac, 20, 20);
        stage.put(4, UnitType::Marine, 30, 30);
        QVERIFY(stage.stop());
        QVERIFY(stage.engine->orders[0].kind == Order::Kind::Attack);
        QCOMPARE(stage.engine->orders[0].target, 3);
        QCOMPARE(stage.engine->orders[1].target, 4); // the medivac is out of its weapon's way
        QVERIFY(stage.engine->orders[2].kind == Order::Kind::Heal);
        QCOMPARE(stage.engine->orders[2].target, 1);
        const std::size_t last = stage.state.size() - 3 * static_cast<std::size_t>(stage.env->spec().nActions);
        QCOMPARE(stage.state[last + 6], 1.F);
    }
};

QTEST_APPLESS_MAIN(TestSmacEnv)
#include "tst_smac_env.moc"
