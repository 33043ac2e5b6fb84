// SPDX-License-Identifier: GPL-3.0-or-later
// Looking for units in order of their distance finds the same as looking at all of them.
#include <algorithm>
#include <cmath>
#include <limits>

#include <rapidcheck.h>

#include <QTest>

#include "core/envs/smac/minds.h"

using namespace knife;
using namespace knife::smac;

namespace {

// Some units of either team, on a coarse grid so that distances are equal now and then; some are dead or hurt.
Battlefield anyBattlefield() {
    Battlefield field(terrainNamed("flat"), 0);
    const int count = *rc::gen::inRange(1, 40);
    for (int i = 0; i < count; ++i) {
        UnitState& unit = field.units.emplace_back();
        unit.type = static_cast<UnitType>(*rc::gen::inRange(0, static_cast<int>(kUnitTypes)));
        unit.team = i < count / 2 ? Team::Ally : Team::Enemy;
        const float fineness = *rc::gen::element(0.25F, 1.F, 4.F);
        unit.position = {static_cast<float>(*rc::gen::inRange(0, 33)) * 0.5F * fineness,
                         static_cast<float>(*rc::gen::inRange(0, 33)) * 0.5F * fineness};
        unit.healthMax = 100.F;
        unit.health = static_cast<float>(*rc::gen::inRange(0, 5)) * 25.F;
        unit.energy = static_cast<float>(*rc::gen::inRange(0, 2)) * 50.F;
    }
    field.fillBodies();
    field.minds.assign(field.units.size(), {});
    field.struck.assign(field.units.size(), -1);
    for (int i = 0; i < count; ++i) {
        if (field.unit(i).isAlive()) {
            field.byX.push_back(i);
        }
    }
    field.sortByX();
    return field;
}

// Whom an enemy finds by itself, by looking at everybody; -1: nobody.
int found(const Battlefield& field, int unit) {
    const bool heals = field.isHealer(unit);
    const float reach = heals ? 5.F + field.body(unit).range : std::max(field.body(unit).range, 5.F);
    std::pair<bool, float> best{true, std::numeric_limits<float>::infinity()};
    int target = -1;
    for (int other = 0; other < field.count(); ++other) {
        const UnitState& candidate = field.unit(other);
        const bool isFriend = candidate.team == field.unit(unit).team;
        if (other == unit || !candidate.isAlive() || isFriend != heals || !field.canHit(unit, other) ||
            (heals && (candidate.health >= candidate.healthMax || field.unit(unit).energy <= 0.F))) {
            continue;
        }
        const float distance = field.edgeDistance(unit, other);
        const std::pair rank{!heals && !field.canHit(other, unit), distance};
        if ((heals ? distance < reach : distance <= reach) && (target < 0 || rank < best)) {
            best = rank;
            target = other;
        }
    }
    return target;
}

} // namespace

class TestBattlefield : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void lookingOutwardsMeetsEverybodyOnce() {
        QVERIFY(rc::check([] {
            const Battlefield field = anyBattlefield();
            for (std::size_t place = 0; place < field.byX.size(); ++place) {
                std::vector<int> met;
                float last = 0.F;
                const Vec2 here = field.unit(field.byX[place]).position;
                field.visitOutwards(place, [&](int other, float away) {
                    RC_ASSERT(away >= last);
                    RC_ASSERT(away * away <= squaredLength(field.unit(other).position - here) + 1e-6F);
                    last = away;
                    met.push_back(other);
                    return Battlefield::Visit::On;
                });
                met.push_back(field.byX[place]);
                std::ranges::sort(met);
                std::vector<int> all = field.byX;
                std::ranges::sort(all);
                RC_ASSERT(met == all);
            }
        }));
    }

    void lookingAroundMeetsWhoIsThere() {
        QVERIFY(rc::check([] {
            const Battlefield field = anyBattlefield();
            const auto x = static_cast<float>(*rc::gen::inRange(0, 65)) * 0.5F;
            const auto reach = static_cast<float>(*rc::gen::inRange(0, 20)) * 0.5F;
            std::vector<int> met;
            field.visitAround(x, reach, [&](int other) { met.push_back(other); });
            std::vector<int> expected;
            std::ranges::copy_if(field.byX, std::back_inserter(expected),
                                 [&](int other) { return std::abs(field.unit(other).position.x - x) <= reach; });
            RC_ASSERT(met == expected);
        }));
    }

    void enemiesFindWhomTheyWouldAmongAll() {
        QVERIFY(rc::check([] {
            Battlefield field = anyBattlefield();
            const Battlefield before = field;
            for (int loop = 0; loop < 4; ++loop, ++field.loops) {
                decide(field);
            }
            for (const int unit : field.byX) {
                if (field.unit(unit).team == Team::Enemy) {
                    RC_ASSERT(field.mind(unit).aim == found(before, unit));
                }
            }
        }));
    }

    // The map's trigger sends fighters to the nearest that they can hit, healers to friends.
    void triggersNameTheNearest() {
        QVERIFY(rc::check([] {
            Battlefield field = anyBattlefield();
            field.plan.kind = EnemyPlan::Kind::AttackNearest;
            decide(field);
            for (const int unit : field.byX) {
                if (field.unit(unit).team != Team::Enemy) {
                    continue;
                }
                const bool heals = field.isHealer(unit);
                float least = std::numeric_limits<float>::infinity();
                int nearest = -1;
                for (int other = 0; other < field.count(); ++other) {
                    const bool isFriend = field.unit(other).team == Team::Enemy;
                    const bool fits =
                        heals ? isFriend && !field.isHealer(other) : !isFriend && field.canHit(unit, other);
                    const float distance = squaredLength(field.unit(other).position - field.unit(unit).position);
                    if (other != unit && fits && field.unit(other).isAlive() && distance < least) {
                        least = distance;
                        nearest = other;
                    }
                }
                RC_ASSERT(field.mind(unit).target == nearest);
            }
        }));
    }
};

QTEST_APPLESS_MAIN(TestBattlefield)
#include "tst_battlefield.moc"
