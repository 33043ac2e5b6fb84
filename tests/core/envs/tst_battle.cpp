// SPDX-License-Identifier: GPL-3.0-or-later
// The built-in combat engine against arithmetic from its unit table.
#include <algorithm>
#include <cmath>

#include <QTest>

#include "core/envs/smac/battle.h"

Q_DECLARE_METATYPE(knife::smac::Vec2)

using namespace knife;
using namespace knife::smac;

namespace {

constexpr UnitType kAll[] = {UnitType::Baneling, UnitType::Colossus,    UnitType::Hydralisk, UnitType::Marauder,
                             UnitType::Marine,   UnitType::Medivac,     UnitType::Stalker,   UnitType::Zealot,
                             UnitType::Zergling, UnitType::SpineCrawler};

struct Ring {
    Battle battle{terrainNamed("flat")};
    std::vector<Order> orders;

    Ring(const std::vector<Placement>& units, const EnemyPlan& plan = {}) {
        (void)battle.begin(units, plan, 1);
        for (const Placement& unit : units) {
            if (unit.team == Team::Ally) {
                orders.push_back({});
            }
        }
    }
    [[nodiscard]] const UnitState& unit(int index) const { return battle.units()[static_cast<std::size_t>(index)]; }
    void step(int loops = 1) {
        (void)battle.step(orders, loops);
        std::fill(orders.begin(), orders.end(), Order{});
    }
};

Placement ally(UnitType type, float x, float y) {
    return {type, Team::Ally, {x, y}};
}

Placement enemy(UnitType type, float x, float y) {
    return {type, Team::Enemy, {x, y}};
}

// Attacks that it takes to kill, by the table alone: one at 0 and one every `weapon.cooldown` loops, each in the first
// loop that does not come before its time.
int attacksToKill(const UnitStats& weapon, const UnitStats& victim) {
    double health = victim.health;
    double shield = victim.shield;
    const double damage = weapon.damage + (victim.light ? weapon.bonusLight : 0) +
                          (victim.armored ? weapon.bonusArmored : 0) + (victim.structure ? weapon.bonusStructure : 0);
    for (int attack = 0, last = 0;; ++attack) {
        const int loop = static_cast<int>(std::ceil(attack * weapon.cooldown));
        health = std::min(victim.health, health + (loop - last) * victim.healthPerLoop);
        last = loop;
        for (int hit = 0; hit < weapon.hits; ++hit) {
            const double absorbed = std::min(shield, damage);
            shield -= absorbed;
            health -= damage > absorbed ? std::max(0.5, damage - absorbed - victim.armor) : 0;
        }
        if (health <= 0) {
            return attack + 1;
        }
    }
}

bool canHit(UnitType attacker, UnitType target) {
    const UnitStats& weapon = statsOf(attacker, Team::Enemy);
    return weapon.damage > 0 && (statsOf(target, Team::Ally).flies ? weapon.hitsAir : weapon.hitsGround);
}

// The loops, of so many at most, in which a unit attacks, until its target is dead.
std::vector<int> attacksOf(Ring& ring, int attacker, int loops) {
    std::vector<int> attacks;
    for (int loop = 0; loop < loops; ++loop) {
        ring.step();
        if (const int target = ring.battle.struck()[static_cast<std::size_t>(attacker)]; target >= 0) {
            attacks.push_back(loop);
            if (!ring.unit(target).isAlive()) {
                break;
            }
        }
    }
    return attacks;
}

} // namespace

class TestBattle : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void timeToKill_data() {
        QTest::addColumn<int>("attacker");
        QTest::addColumn<int>("target");
        for (const UnitType attacker : kAll) {
            for (const UnitType target : kAll) {
                if (attacker != UnitType::Baneling && canHit(attacker, target)) {
                    QTest::addRow("%s on %s", std::string(nameOf(attacker)).c_str(),
                                  std::string(nameOf(target)).c_str())
                        << static_cast<int>(attacker) << static_cast<int>(target);
                }
            }
        }
    }
    void timeToKill() {
        QFETCH(int, attacker);
        QFETCH(int, target);
        const auto type = static_cast<UnitType>(attacker);
        const auto victim = static_cast<UnitType>(target);
        const UnitStats& weapon = statsOf(type, Team::Enemy);
        const UnitStats& body = statsOf(victim, Team::Ally);
        const double reach = weapon.range + weapon.radius + body.radius;
        Ring ring({ally(victim, 16, 16), enemy(type, static_cast<float>(16 + reach - 0.05), 16)});
        const std::vector<int> attacks = attacksOf(ring, 1, 5000);
        QCOMPARE(static_cast<int>(attacks.size()), attacksToKill(weapon, body));
        for (std::size_t k = 0; k < attacks.size(); ++k) {
            QCOMPARE(attacks[k] - attacks[0], static_cast<int>(std::ceil(static_cast<double>(k) * weapon.cooldown)));
        }
    }

    // Only what is left of a loop carries over to the next attack: rest does not charge a weapon.
    void weaponsGainNothingByWaiting() {
        Ring ring({ally(UnitType::Stalker, 16, 16), enemy(UnitType::Medivac, 19, 16)});
        ring.step(100);
        ring.orders[0] = {Order::Kind::Attack, {}, 1};
        const int cooldown = static_cast<int>(std::ceil(statsOf(UnitType::Stalker, Team::Ally).cooldown));
        QCOMPARE(attacksOf(ring, 0, cooldown + 1), (std::vector<int>{0, cooldown}));
        ring.orders[0] = {Order::Kind::Stop, {}, -1};
        ring.step(2 * cooldown);
        ring.orders[0] = {Order::Kind::Attack, {}, 1};
        QCOMPARE(attacksOf(ring, 0, cooldown + 1), (std::vector<int>{0, cooldown}));
    }

    // The map's trigger is for those that have nothing to do: whoever has found somebody to fight goes on.
    void triggersLeaveThoseAloneThatFight() {
        Ring ring({ally(UnitType::Zergling, 17, 16), ally(UnitType::Medivac, 18, 16), ally(UnitType::Marine, 20, 16),
                   enemy(UnitType::Stalker, 16, 16)},
                  {EnemyPlan::Kind::AttackNearest, {}});
        ring.step(2);
        QVERIFY(ring.battle.kill(0));
        // By itself it prefers the marine, which can strike back; the medivac is nearer.
        for (int loop = 0; loop < 40; ++loop) {
            ring.step();
            QVERIFY(ring.battle.struck()[3] != 1);
        }
        QVERIFY(ring.unit(2).health < 45.F);
    }

    void triggersNameOnlyWhoCanBeHit() {
        Ring ring({ally(UnitType::Medivac, 12, 16), ally(UnitType::Marauder, 26, 16), enemy(UnitType::Zealot, 8, 16)},
                  {EnemyPlan::Kind::AttackNearest, {}});
        ring.step(200);
        QVERIFY(ring.unit(1).health < 125.F);
    }

    void triggersSendHealersToTheirFriends() {
        Ring ring(
            {ally(UnitType::Zealot, 8, 8), enemy(UnitType::Medivac, 10, 10), enemy(UnitType::SpineCrawler, 25, 25)},
            {EnemyPlan::Kind::AttackNearest, {}});
        ring.step(200);
        QVERIFY(squaredLength(ring.unit(1).position - Vec2{25, 25}) < 4.F * 4.F);
    }

    void ordersThatCannotBeFollowedAreRefused_data() {
        QTest::addColumn<int>("kind");
        QTest::addColumn<int>("target");
        QTest::newRow("out of its reach in the air") << static_cast<int>(Order::Kind::Attack) << 3;
        QTest::newRow("dead") << static_cast<int>(Order::Kind::Attack) << 2;
        QTest::newRow("a friend") << static_cast<int>(Order::Kind::Attack) << 1;
        QTest::newRow("cannot heal") << static_cast<int>(Order::Kind::Heal) << 1;
    }
    void ordersThatCannotBeFollowedAreRefused() {
        QFETCH(int, kind);
        QFETCH(int, target);
        Ring ring({ally(UnitType::Zealot, 16, 16), ally(UnitType::Marine, 20, 20), enemy(UnitType::Marine, 28, 16),
                   enemy(UnitType::Medivac, 26, 16)});
        QVERIFY(ring.battle.kill(2));
        ring.orders[0] = {Order::Kind::Move, {4, 16}, -1};
        ring.step(4);
        ring.orders[0] = {static_cast<Order::Kind>(kind), {}, target};
        ring.step(16);
        QVERIFY(std::abs(ring.unit(0).position.x - (16.F - 20 * 2.25F / 16)) < 1e-3F); // the old order goes on
    }

    void targetsThatDoNotExistAreErrors() {
        Ring ring({ally(UnitType::Zealot, 16, 16), enemy(UnitType::Marine, 28, 16)});
        for (const int target : {-1, 2}) {
            const Order order{Order::Kind::Attack, {}, target};
            QVERIFY(!ring.battle.step(std::span(&order, 1), 1));
        }
    }

    // Healing comes before blows, wherever healer and attackers stand: it does not undo a death, and what a full unit
    // cannot take is lost.
    void landingDoesNotDependOnTheSide_data() {
        QTest::addColumn<int>("victim");
        QTest::addColumn<int>("attacker");
        for (const UnitType victim : {UnitType::Marine, UnitType::Marauder, UnitType::Zealot, UnitType::Hydralisk}) {
            for (const UnitType attacker :
                 {UnitType::Marine, UnitType::Marauder, UnitType::Stalker, UnitType::Hydralisk}) {
                QTest::addRow("%s, %s", std::string(nameOf(victim)).c_str(), std::string(nameOf(attacker)).c_str())
                    << static_cast<int>(victim) << static_cast<int>(attacker);
            }
        }
    }
    void landingDoesNotDependOnTheSide() {
        QFETCH(int, victim);
        QFETCH(int, attacker);
        for (int attackers = 1; attackers <= 5; ++attackers) {
            const auto on = [&](bool mirrored) {
                const auto at = [mirrored](float x) {
                    return mirrored ? 32.F - x : x;
                };
                std::vector<Placement> units{ally(static_cast<UnitType>(victim), at(16), 16),
                                             ally(UnitType::Medivac, at(13), 16)};
                for (int i = 0; i < attackers; ++i) {
                    units.push_back(
                        enemy(static_cast<UnitType>(attacker), at(18.5F), 13.F + 1.5F * static_cast<float>(i)));
                }
                return Ring(units);
            };
            Ring east = on(false);
            Ring west = on(true);
            for (int loop = 0; loop < 1000 && east.unit(0).isAlive(); ++loop) {
                east.orders[1] = west.orders[1] = {Order::Kind::Heal, {}, 0};
                east.step();
                west.step();
                QCOMPARE(east.unit(0).health, west.unit(0).health);
                QCOMPARE(east.unit(1).energy, west.unit(1).energy);
            }
        }
    }

    // In a loop, health is what healing has made of it, less the blows; at or below nothing, it is over.
    void healingComesBeforeBlows_data() {
        QTest::addColumn<int>("attacker");
        for (const UnitType attacker : {UnitType::Marine, UnitType::Marauder, UnitType::Stalker, UnitType::Hydralisk}) {
            QTest::addRow("%s", std::string(nameOf(attacker)).c_str()) << static_cast<int>(attacker);
        }
    }
    void healingComesBeforeBlows() {
        QFETCH(int, attacker);
        const auto type = static_cast<UnitType>(attacker);
        for (const UnitType victim : {UnitType::Marine, UnitType::Marauder}) {
            const UnitStats& weapon = statsOf(type, Team::Enemy);
            const UnitStats& body = statsOf(victim, Team::Ally);
            const double damage = weapon.damage + (body.light ? weapon.bonusLight : 0) +
                                  (body.armored ? weapon.bonusArmored : 0) - body.armor;
            for (int attackers = 1; attackers <= 5; ++attackers) {
                std::vector<Placement> units{ally(victim, 16, 16), ally(UnitType::Medivac, 13, 16)};
                for (int i = 0; i < attackers; ++i) {
                    units.push_back(enemy(type, 18.5F, 13.F + 1.5F * static_cast<float>(i)));
                }
                Ring ring(units);
                for (int loop = 0; loop < 1000 && ring.unit(0).isAlive(); ++loop) {
                    const double health = static_cast<double>(ring.unit(0).health);
                    const double energy = static_cast<double>(ring.unit(1).energy);
                    ring.orders[1] = {Order::Kind::Heal, {}, 0};
                    ring.step();
                    const auto struck = ring.battle.struck();
                    const bool heals = struck[1] == 0;
                    const auto blows = std::ranges::count(struck.subspan(2), 0);
                    const double left =
                        std::min({body.health, health + (heals ? 9.0 / 16 : 0.0), health + energy * 3}) -
                        damage * static_cast<double>(blows);
                    QVERIFY(std::abs(static_cast<double>(ring.unit(0).health) - std::max(left, 0.0)) < 1e-3);
                    QVERIFY(heals || health >= body.health || energy <= 0.0);
                }
            }
        }
    }

    // 160 loops without damage, then an eighth per loop.
    void shieldsComeBackAfterTenSeconds() {
        Ring ring({ally(UnitType::Stalker, 16, 16), enemy(UnitType::Stalker, 20, 16)});
        ring.orders[0] = {Order::Kind::Attack, {}, 1};
        ring.step();
        const float hurt = ring.unit(1).shield;
        QCOMPARE(hurt, 80.F - 18.F);
        QVERIFY(ring.battle.kill(0));
        for (int loop = 1; loop <= 400; ++loop) {
            ring.step();
            QCOMPARE(ring.unit(1).shield, hurt + 0.125F * static_cast<float>(std::clamp(loop - 159, 0, 144)));
        }
        QCOMPARE(ring.unit(1).shield, 80.F);
    }

    void zergRegainHealth() {
        Ring ring({ally(UnitType::Hydralisk, 16, 16), enemy(UnitType::Marine, 20, 16)});
        ring.step(30);
        QVERIFY(ring.battle.kill(1));
        const float hurt = ring.unit(0).health;
        QVERIFY(hurt < 80.F);
        ring.step(100);
        QVERIFY(std::abs(ring.unit(0).health - hurt - 100 * 0.2734F / 16) < 1e-3F);
        ring.step(10'000);
        QCOMPARE(ring.unit(0).health, 80.F);
        Ring others({ally(UnitType::Marauder, 16, 16), enemy(UnitType::Marine, 20, 16)});
        others.step(30);
        QVERIFY(others.battle.kill(1));
        const float left = others.unit(0).health;
        QVERIFY(left < 125.F);
        others.step(1000);
        QCOMPARE(others.unit(0).health, left);
    }

    // The stalker strikes, then walks on along a circle while its weapon is not ready.
    void kitingAZealotWithAStalker() {
        const auto leftOf = [](bool kites) {
            Ring ring({ally(UnitType::Stalker, 3, 16), enemy(UnitType::Zealot, 10, 16)},
                      {EnemyPlan::Kind::AttackNearest, {}});
            for (int step = 0; step < 600 && ring.unit(0).isAlive() && ring.unit(1).isAlive(); ++step) {
                const Vec2 here = ring.unit(0).position - Vec2{16, 16};
                const float angle = std::atan2(here.y, here.x) + 0.3F;
                const Vec2 ahead = Vec2{16, 16} + Vec2{std::cos(angle), std::sin(angle)} * 14.F;
                const bool walks = kites && ring.unit(0).cooldown > 2.F;
                ring.orders[0] = walks ? Order{Order::Kind::Move, ahead, -1} : Order{Order::Kind::Attack, {}, 1};
                ring.step(2);
            }
            return ring.unit(1).isAlive() ? -1.F : ring.unit(0).health + ring.unit(0).shield;
        };
        QVERIFY2(leftOf(true) > 150.F, qPrintable(QString::number(leftOf(true))));
        QVERIFY2(leftOf(false) < 60.F, qPrintable(QString::number(leftOf(false))));
    }

    void medivacsSpendEnergyOnWhatTheyHeal() {
        Ring ring({ally(UnitType::Marine, 16, 16), ally(UnitType::Medivac, 17, 16), enemy(UnitType::Marine, 20, 16)});
        ring.orders[0] = {Order::Kind::Stop, {}, -1};
        ring.step(40);
        QVERIFY(ring.battle.kill(2));
        const float hurt = ring.unit(0).health;
        const float energy = ring.unit(1).energy;
        QVERIFY(hurt < 45.F);
        ring.orders[1] = {Order::Kind::Heal, {}, 0};
        ring.step(8);
        const float healed = ring.unit(0).health - hurt;
        QVERIFY(std::abs(healed - std::min(45.F - hurt, 8 * 9.F / 16.F)) < 1e-3F);
        const float regained = 8 * 0.5625F / 16.F;
        QVERIFY(std::abs(energy + regained - ring.unit(1).energy - healed / 3.F) < 1e-3F);
    }

    // 50 energy are 150 health; then what comes back, and no more.
    void energyRunsOut() {
        Ring ring({ally(UnitType::Marauder, 16, 16), ally(UnitType::Medivac, 17, 16), enemy(UnitType::Marine, 20, 16)});
        float healed = 0.F;
        float last = 125.F;
        constexpr int kLoops = 800;
        for (int loop = 0; loop < kLoops; ++loop) {
            ring.orders[1] = {Order::Kind::Heal, {}, 0};
            ring.step();
            const int hits = ring.battle.struck()[2] == 0 ? 1 : 0;
            healed += ring.unit(0).health - last + static_cast<float>(5 * hits);
            last = ring.unit(0).health;
            QVERIFY(ring.unit(1).energy >= 0.F && ring.unit(1).energy <= 200.F);
        }
        QVERIFY(ring.unit(1).energy < 0.1F && ring.unit(0).isAlive());
        QVERIFY(std::abs(healed - 3 * (50 + kLoops * 0.5625F / 16)) < 0.5F);
    }

    void healersDoNotHealMachines() {
        Ring ring({ally(UnitType::Stalker, 16, 16), ally(UnitType::Medivac, 17, 16), enemy(UnitType::Stalker, 20, 16)});
        ring.step(180);
        QVERIFY(ring.battle.kill(2));
        const float health = ring.unit(0).health;
        QVERIFY(health < 80.F);
        ring.orders[1] = {Order::Kind::Heal, {}, 0};
        ring.step(20);
        QCOMPARE(ring.unit(0).health, health);
        QCOMPARE(ring.battle.struck()[1], -1);
    }

    void banelingsHitAllAroundThem() {
        Ring ring({ally(UnitType::Baneling, 16, 16), ally(UnitType::Marine, 15.2F, 16),
                   enemy(UnitType::Zealot, 16.7F, 16), enemy(UnitType::Marine, 16, 18.3F),
                   enemy(UnitType::Marauder, 16, 13.4F), enemy(UnitType::Marine, 16, 19.2F)});
        ring.orders[0] = {Order::Kind::Attack, {}, 2};
        ring.step();
        QVERIFY(!ring.unit(0).isAlive());
        QCOMPARE(ring.unit(2).shield, 50.F - 35.F);
        QCOMPARE(ring.unit(3).health, 45.F - 35.F);
        QCOMPARE(ring.unit(4).health, 125.F - 19.F);
        QCOMPARE(ring.unit(5).health, 45.F);
    }

    void banelingsBurstWhenTheyAreKilled() {
        Ring ring({ally(UnitType::Marine, 16, 16), enemy(UnitType::Baneling, 17.5F, 16)});
        QVERIFY(ring.battle.kill(1));
        ring.step();
        QCOMPARE(ring.unit(0).health, 45.F); // taken out of the battle, it does not
        // One of the agents' stands still until it is shot.
        Ring among(
            {ally(UnitType::Baneling, 16, 16), enemy(UnitType::Marine, 17.5F, 16), enemy(UnitType::Marine, 21, 16)});
        for (int loop = 0; loop < 200 && among.unit(0).isAlive(); ++loop) {
            QCOMPARE(among.unit(1).health, 45.F);
            among.step();
        }
        QVERIFY(!among.unit(0).isAlive());
        QCOMPARE(among.unit(1).health, 45.F - 35.F);
        QCOMPARE(among.unit(2).health, 45.F); // out of the blast
    }

    void colossiHitALine() {
        // Across the line of fire: 1.4 to either side of the target, as far as circles touch.
        Ring ring({ally(UnitType::Colossus, 10, 16), enemy(UnitType::Zealot, 16, 16),
                   enemy(UnitType::Zealot, 16, 17.5F), enemy(UnitType::Zealot, 16, 14.2F),
                   enemy(UnitType::Zealot, 16, 18.5F), enemy(UnitType::Zealot, 17.2F, 16)});
        ring.orders[0] = {Order::Kind::Attack, {}, 1};
        ring.step();
        for (const int hit : {1, 2, 3}) {
            QCOMPARE(ring.unit(hit).shield, 50.F - 30.F);
        }
        QCOMPARE(ring.unit(4).shield, 50.F);
        QCOMPARE(ring.unit(5).shield, 50.F);
    }

    // From one loop less to two more, half a loop more on average.
    void attacksAreUnevenByChance() {
        const double cooldown = statsOf(UnitType::Stalker, Team::Ally).cooldown;
        double sum = 0.0;
        int pauses = 0;
        double least = 1e9;
        double most = 0.0;
        for (std::uint64_t seed = 0; seed < 300; ++seed) {
            Battle battle(terrainNamed("flat"), Battle::Pace::Uneven);
            const std::vector units{ally(UnitType::Stalker, 16, 16), enemy(UnitType::Medivac, 19, 16)};
            QVERIFY(battle.begin(units, {}, seed));
            const Order order{Order::Kind::Attack, {}, 1};
            int last = -1;
            int first = -1;
            int shots = 0;
            for (int loop = 0; loop < 200; ++loop) {
                QVERIFY(battle.step(std::span(&order, 1), 1));
                if (battle.struck()[0] == 1) {
                    if (last >= 0) {
                        least = std::min(least, static_cast<double>(loop - last));
                        most = std::max(most, static_cast<double>(loop - last));
                    }
                    first = first < 0 ? loop : first;
                    last = loop;
                    ++shots;
                }
            }
            sum += last - first;
            pauses += shots - 1;
        }
        QVERIFY2(std::abs(sum / pauses - cooldown - 0.5) < 0.1, qPrintable(QString::number(sum / pauses)));
        QVERIFY(least >= std::floor(cooldown - 1.0) && least < cooldown);
        QVERIFY(most <= std::ceil(cooldown + 2.0) && most > cooldown + 1.0);
    }

    // Not who is nearest, but the nearest of those that can strike back.
    void enemiesPreferWhoCanStrikeBack() {
        Ring ring({ally(UnitType::Zealot, 14, 19), ally(UnitType::Medivac, 14, 16), ally(UnitType::Marine, 11, 16),
                   enemy(UnitType::SpineCrawler, 26, 26), enemy(UnitType::Marine, 16, 16)});
        // Ids of agents: by place in the list, as all types differ.
        ring.step(4);
        QCOMPARE(ring.battle.struck()[4], 0); // 3.6 away; the medivac is 2 away, the marine 5
    }

    void theStruckAnswerFromAfar() {
        Ring ring({ally(UnitType::Colossus, 10, 16), enemy(UnitType::Stalker, 18.2F, 16)});
        ring.step(20);
        QCOMPARE(ring.unit(1).position.x, 18.2F); // too far away to be seen by itself
        ring.orders[0] = {Order::Kind::Attack, {}, 1};
        ring.step(40);
        QVERIFY(ring.unit(0).shield < 150.F);
    }

    // §3.1 of the facts: what the engine's results rest on.
    void numbersAreThoseOfTheGame_data() {
        QTest::addColumn<int>("type");
        QTest::addColumn<QList<double>>("numbers");
        const auto add = [](UnitType type, QList<double> numbers) {
            QTest::newRow(std::string(nameOf(type)).c_str()) << static_cast<int>(type) << numbers;
        };
        // health, shield, armor, speed per second, radius, separation, damage, hits, to light, to armored, range,
        // cooldown in seconds, hits ground, hits air
        add(UnitType::Marine, {45, 0, 0, 2.25, 0.375, 0.375, 6, 1, 0, 0, 5, 0.8608, 1, 1});
        add(UnitType::Marauder, {125, 0, 1, 2.25, 0.5625, 0.5625, 10, 1, 0, 10, 6, 1.5, 1, 0});
        add(UnitType::Medivac, {150, 0, 1, 2.5, 0.75, 0.75, 0, 1, 0, 0, 4, 0, 0, 0});
        add(UnitType::Stalker, {80, 80, 1, 2.9531, 0.625, 0.625, 13, 1, 0, 5, 6, 1.8701, 1, 1});
        add(UnitType::Zealot, {100, 50, 1, 2.25, 0.5, 0.375, 8, 2, 0, 0, 0.1, 1.2, 1, 0});
        add(UnitType::Colossus, {200, 150, 1, 2.25, 1, 0.75, 10, 2, 5, 0, 7, 1.5, 1, 0});
        add(UnitType::Zergling, {35, 0, 0, 2.9531, 0.375, 0.375, 5, 1, 0, 0, 0.1, 0.696, 1, 0});
        add(UnitType::Hydralisk, {90, 0, 0, 2.25, 0.625, 0.625, 12, 1, 0, 0, 5, 0.825, 1, 1});
        add(UnitType::Baneling, {30, 0, 0, 2.5, 0.375, 0.375, 20, 1, 15, 0, 0.25, 1.0 / 16, 1, 0});
        add(UnitType::SpineCrawler, {300, 0, 2, 0, 1.125, 1.125, 25, 1, 0, 5, 7, 1.85, 1, 0});
    }
    void numbersAreThoseOfTheGame() {
        QFETCH(int, type);
        QFETCH(QList<double>, numbers);
        const UnitStats& u = statsOf(static_cast<UnitType>(type), Team::Enemy);
        const QList<double> own{u.health,
                                u.shield,
                                u.armor,
                                u.speed * 16,
                                u.radius,
                                u.separation,
                                u.damage,
                                static_cast<double>(u.hits),
                                u.bonusLight,
                                u.bonusArmored,
                                u.range,
                                u.cooldown / 16,
                                u.hitsGround ? 1.0 : 0.0,
                                u.hitsAir ? 1.0 : 0.0};
        for (qsizetype i = 0; i < numbers.size(); ++i) {
            QVERIFY2(std::abs(own[i] - numbers[i]) < 1e-9, qPrintable(QString("%1: %2").arg(i).arg(own[i])));
        }
    }
    void agentsDifferFromEnemiesWhereTheMapsSaySo() {
        for (const UnitType type : kAll) {
            const UnitStats& own = statsOf(type, Team::Ally);
            const UnitStats& standard = statsOf(type, Team::Enemy);
            QCOMPARE(own.health, type == UnitType::Hydralisk ? 80.0 : standard.health);
            QCOMPARE(own.speed, type == UnitType::Medivac ? 2.75 / 16 : standard.speed);
            QCOMPARE(own.damage, standard.damage);
        }
    }

    void unitsWalkAsFastAsTheirTable() {
        for (const UnitType type : kAll) {
            Ring ring({ally(type, 4, 16)});
            ring.orders[0] = {Order::Kind::Move, {30, 16}, -1};
            ring.step(16);
            const double expected = 4 + 16 * statsOf(type, Team::Ally).speed;
            QVERIFY(std::abs(static_cast<double>(ring.unit(0).position.x) - expected) < 1e-3);
        }
    }

    void crowdsComeApart() {
        std::vector<Placement> units;
        for (int i = 0; i < 27; ++i) {
            units.push_back(ally(UnitType::Marine, 16, 16));
        }
        for (int i = 0; i < 5; ++i) {
            units.push_back(ally(UnitType::Stalker, 16, 16));
        }
        Ring ring(units);
        for (std::size_t i = 0; i < units.size(); ++i) {
            ring.orders[i] = {Order::Kind::Move, {20, 16}, -1}; // all to one place
        }
        ring.step(400);
        for (Order& order : ring.orders) {
            order.kind = Order::Kind::Stop;
        }
        ring.step(160);
        for (int a = 0; a < static_cast<int>(units.size()); ++a) {
            for (int b = 0; b < a; ++b) {
                const double gap = statsOf(ring.unit(a).type, Team::Ally).separation +
                                   statsOf(ring.unit(b).type, Team::Ally).separation;
                const double distance = std::sqrt(squaredLength(ring.unit(a).position - ring.unit(b).position));
                QVERIFY2(distance > gap - 0.01,
                         qPrintable(QString("%1 and %2: %3 < %4").arg(a).arg(b).arg(distance).arg(gap)));
            }
        }
    }

    // All are wanted in one place; the rings around it are filled from the east.
    void agentsOfATypeAreNumberedByWhereTheyStand() {
        std::vector<Placement> units;
        for (int i = 0; i < 12; ++i) {
            units.push_back(ally(i < 7 ? UnitType::Marine : UnitType::Zealot, 16, 16));
        }
        units.push_back(enemy(UnitType::Marine, 20, 16));
        units.push_back(enemy(UnitType::Marine, 18, 16));
        const Ring ring(units);
        const auto isBefore = [](const UnitState& a, const UnitState& b) {
            return std::pair(a.position.x, a.position.y) < std::pair(b.position.x, b.position.y);
        };
        const auto all = ring.battle.units();
        QVERIFY(std::is_sorted(all.begin(), all.begin() + 7, isBefore));
        QVERIFY(std::is_sorted(all.begin() + 7, all.begin() + 12, isBefore));
        for (std::size_t i = 0; i < units.size(); ++i) {
            QVERIFY(all[i].type == units[i].type && all[i].team == units[i].team);
        }
        QCOMPARE(all[12].position.x, 20.F); // enemies stay as they are listed
    }

    // Those who come last stop where they touch the others: nobody shoves for ever to stand on the very point.
    void attackMovesComeToRest_data() {
        QTest::addColumn<QString>("terrain");
        QTest::addColumn<int>("units");
        QTest::addColumn<Vec2>("from");
        QTest::addColumn<Vec2>("to");
        for (const int units : {1, 2, 3, 8, 24, 30, 64}) {
            QTest::addRow("%d on open ground", units) << "flat" << units << Vec2{24, 20} << Vec2{9, 16};
            QTest::addRow("%d in a corner", units) << "corridor" << units << Vec2{27.91F, 28.24F} << Vec2{4.47F, 4.33F};
            QTest::addRow("%d at a wall", units) << "octagon" << units << Vec2{16, 21} << Vec2{16, 6.1F};
        }
    }
    void attackMovesComeToRest() {
        QFETCH(QString, terrain);
        QFETCH(int, units);
        QFETCH(Vec2, from);
        QFETCH(Vec2, to);
        constexpr UnitType kTypes[] = {UnitType::Zergling, UnitType::Zealot, UnitType::Stalker, UnitType::Baneling};
        std::vector<Placement> placements;
        for (int i = 0; i < units; ++i) {
            placements.push_back(enemy(kTypes[i % 4], from.x, from.y));
        }
        Battle battle(terrainNamed(terrain.toStdString()));
        QVERIFY(battle.begin(placements, {EnemyPlan::Kind::AttackMove, to}, 1));
        QVERIFY(battle.step({}, 1200));
        const std::vector<UnitState> before(battle.units().begin(), battle.units().end());
        QVERIFY(battle.step({}, 16));
        for (int a = 0; a < units; ++a) {
            const UnitState& one = battle.units()[static_cast<std::size_t>(a)];
            QVERIFY(one.position == before[static_cast<std::size_t>(a)].position);
            QVERIFY(std::sqrt(squaredLength(one.position - to)) < 1.F + 1.5F * std::sqrt(static_cast<float>(units)));
            for (int b = 0; b < a; ++b) {
                const UnitState& other = battle.units()[static_cast<std::size_t>(b)];
                const double gap =
                    statsOf(one.type, Team::Enemy).separation + statsOf(other.type, Team::Enemy).separation;
                QVERIFY(std::sqrt(squaredLength(one.position - other.position)) > gap - 0.01);
            }
        }
    }

    // Enemies of 2c_vs_64zg are told once whom to attack; who has nothing to do then stays.
    void enemiesToldOnceAreNotToldAgain() {
        for (const auto kind : {EnemyPlan::Kind::AttackNearestOnce, EnemyPlan::Kind::AttackNearest}) {
            Ring ring({ally(UnitType::Medivac, 16, 16), ally(UnitType::Zergling, 20, 16), ally(UnitType::Marine, 4, 4),
                       enemy(UnitType::Zergling, 22, 16)},
                      {kind, {}});
            ring.step(2);
            const Vec2 start = ring.unit(3).position;
            QVERIFY(start.x < 22.F); // on its way
            QVERIFY(ring.battle.kill(1));
            ring.step(40);
            QCOMPARE(squaredLength(ring.unit(3).position - start) > 1.F, kind == EnemyPlan::Kind::AttackNearest);
        }
    }

    void cliffsStopThoseWhoDoNotClimb() {
        for (const UnitType type : {UnitType::Zergling, UnitType::Colossus}) {
            Battle battle(terrainNamed("2c_vs_64zg"));
            (void)battle.begin(std::vector{ally(type, 16, 10)}, {}, 1);
            std::vector<Order> orders{{Order::Kind::Move, {16, 15}, -1}};
            (void)battle.step(orders, 50);
            QCOMPARE(battle.units()[0].position.y > 13.F, type == UnitType::Colossus);
            // The long way round, by the ramps.
            orders[0].kind = Order::Kind::None;
            (void)battle.step(orders, 400);
            QVERIFY(battle.units()[0].position.y > 13.F);
        }
    }
};

QTEST_APPLESS_MAIN(TestBattle)
#include "tst_battle.moc"
