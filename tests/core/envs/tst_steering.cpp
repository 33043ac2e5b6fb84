// SPDX-License-Identifier: GPL-3.0-or-later
// How units of a battle get past those who stand.
#include <algorithm>
#include <cmath>

#include <QTest>

#include "core/envs/smac/battle.h"

using namespace knife;
using namespace knife::smac;

namespace {

// Of unit 0, whom all others attack: how many of them have it in range.
int inRange(const Battle& battle) {
    const UnitState& victim = battle.units().front();
    const float body = static_cast<float>(statsOf(victim.type, victim.team).radius);
    return static_cast<int>(std::ranges::count_if(battle.units().subspan(1), [&](const UnitState& unit) {
        const UnitStats& stats = statsOf(unit.type, unit.team);
        const float reach = body + static_cast<float>(stats.radius + stats.range);
        return unit.isAlive() && squaredLength(unit.position - victim.position) <= reach * reach;
    }));
}

// The most attackers at a time that have the victim in range within so many loops.
int mostInRange(const std::vector<Placement>& units, int loops) {
    Battle battle(terrainNamed("flat"));
    (void)battle.begin(units, {EnemyPlan::Kind::AttackMove, units[0].point}, 1);
    const std::vector<Order> orders(1);
    int most = 0;
    for (int loop = 0; loop < loops && battle.units()[0].isAlive(); ++loop) {
        (void)battle.step(orders, 1);
        most = std::max(most, inRange(battle));
    }
    return most;
}

} // namespace

class TestSteering : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    // A dozen zerglings find room around a colossus: a circle of 1.475 (its body, theirs, their reach), on which one
    // takes 2 asin(0.375 / 1.475) of 2 pi.
    void theLastComeRoundTheFirst_data() {
        QTest::addColumn<int>("attackers");
        QTest::addColumn<int>("expected");
        QTest::addColumn<int>("formation");
        for (int formation = 0; formation < 3; ++formation) {
            for (const int attackers : {4, 8, 12, 20}) {
                QTest::addRow("%d, formation %d", attackers, formation)
                    << attackers << std::min(attackers, 10) << formation;
            }
        }
    }
    void theLastComeRoundTheFirst() {
        QFETCH(int, attackers);
        QFETCH(int, expected);
        QFETCH(int, formation);
        std::vector<Placement> units{{UnitType::Colossus, Team::Ally, {16, 16}}};
        for (int i = 0; i < attackers; ++i) {
            const float offset = 0.8F * static_cast<float>(i);
            const Vec2 places[] = {{24, 16}, {18 + 0.6F * offset, 16}, {22, 8 + offset}}; // a heap, a file, a row
            units.push_back({UnitType::Zergling, Team::Enemy, places[formation]});
        }
        const int most = mostInRange(units, 320);
        QVERIFY2(most >= expected, qPrintable(QString::number(most)));
    }

    // Shooters that come one behind the other spread to the sides, until all of them shoot.
    void filesSpreadUntilAllShoot() {
        std::vector<Placement> units{{UnitType::Colossus, Team::Ally, {6, 16}}};
        for (int i = 0; i < 12; ++i) {
            units.push_back({UnitType::Marine, Team::Enemy, {16.F + 0.8F * static_cast<float>(i), 16}});
        }
        const int most = mostInRange(units, 400);
        QVERIFY2(most >= 11, qPrintable(QString::number(most)));
    }

    // Friends that only wait are pushed aside, not gone round: the way stays straight.
    void friendsThatWaitAreNoObstacles() {
        Battle battle(terrainNamed("flat"));
        (void)battle.begin(std::vector<Placement>{{UnitType::Marine, Team::Ally, {10, 16}},
                                                  {UnitType::Marine, Team::Ally, {14, 16.3F}}},
                           {}, 1);
        std::vector<Order> orders(2);
        orders[0] = {.kind = Order::Kind::Move, .point = {20, 16}};
        (void)battle.step(orders, 160);
        const auto wentTo = battle.units()[0].position;
        QVERIFY(std::abs(wentTo.x - 20.F) < 0.01F && std::abs(wentTo.y - 16.F) < 0.01F);
        QVERIFY(battle.units()[1].position.y > 16.4F);
    }

    // Whoever is reckoned later must not know where those before it went in the same loop: east and west are alike.
    void nobodyKnowsTheOthersNextStep() {
        const auto play = [](float side) {
            const auto x = [side](float offset) {
                return 16.F + side * offset;
            };
            Battle battle(terrainNamed("flat"));
            (void)battle.begin(std::vector<Placement>{{UnitType::Stalker, Team::Ally, {x(-2), 16}},
                                                      {UnitType::Zealot, Team::Enemy, {x(1), 16}}},
                               {EnemyPlan::Kind::AttackNearest, {}}, 1);
            std::vector<Order> orders(1);
            orders[0] = {.kind = Order::Kind::Move, .point = {x(-2), 30}};
            (void)battle.step(orders, 40);
            return Vec2{side * (battle.units()[1].position.x - 16.F), battle.units()[1].position.y};
        };
        const Vec2 east = play(1.F);
        const Vec2 west = play(-1.F);
        QVERIFY(std::abs(east.x - west.x) < 1e-4F && std::abs(east.y - west.y) < 1e-4F);
    }

    // A unit between others that stand, and a wall: it finds the open side.
    void wallsTurnUnitsBack() {
        const float wall = 8.F; // of the strip: walkable from there
        std::vector<Placement> units{{UnitType::SpineCrawler, Team::Ally, {10, wall + 1.2F}}};
        for (int i = 0; i < 14; ++i) {
            units.push_back({UnitType::Zergling, Team::Enemy, {16, wall + 0.5F}});
        }
        Battle battle(terrainNamed("strip"));
        QVERIFY(battle.begin(units, {EnemyPlan::Kind::AttackMove, {10, wall + 1.2F}}, 1));
        const std::vector<Order> orders(1);
        int most = 0;
        for (int loop = 0; loop < 160 && battle.units()[0].isAlive(); ++loop) {
            QVERIFY(battle.step(orders, 1));
            most = std::max(most, inRange(battle));
            for (const UnitState& unit : battle.units()) {
                QVERIFY(unit.position.y >= wall);
            }
        }
        QVERIFY2(most >= 9, qPrintable(QString::number(most)));
    }
};

QTEST_APPLESS_MAIN(TestSteering)
#include "tst_steering.moc"
