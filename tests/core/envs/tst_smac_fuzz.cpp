// SPDX-License-Identifier: GPL-3.0-or-later
// Random play on every scenario and random crowds, with every value looked at. KNIFE_FUZZ_UNIT_STEPS says how much of
// it (a unit's share of an environment's step); a few hundred thousand by default.
#include <algorithm>
#include <cmath>
#include <limits>

#include <QTest>
#include <fmt/format.h>

#include "core/envs/smac/battle.h"
#include "core/envs/smac/smac_env.h"
#include "tests/core/envs/played.h"

using namespace knife;
using namespace knife::smac;

namespace {

constexpr std::int64_t kUnitStepsByDefault = 400'000;
constexpr int kLoopsPerStep = 8;

std::int64_t wantedUnitSteps() {
    bool isNumber = false;
    const qlonglong wanted = qEnvironmentVariable("KNIFE_FUZZ_UNIT_STEPS").toLongLong(&isNumber);
    return isNumber && wanted > 0 ? wanted : kUnitStepsByDefault;
}

bool isWithin(float value, float least, float most) {
    return value >= least && value <= most; // not of NaN
}

// Why that unit cannot be; empty: it can.
std::string problemOf(const UnitState& unit, const Terrain& terrain) {
    const UnitStats& stats = statsOf(unit.type, unit.team);
    const Vec2 at = unit.position;
    if (!isWithin(at.x, 0.F, kMapSize) || !isWithin(at.y, 0.F, kMapSize)) {
        return fmt::format("{} is at ({}, {})", stats.name, at.x, at.y);
    }
    if (!stats.flies && !terrain.isWalkable(static_cast<int>(at.x), static_cast<int>(at.y), stats.climbs)) {
        return fmt::format("{} stands in a wall at ({}, {})", stats.name, at.x, at.y);
    }
    if (unit.healthMax != static_cast<float>(stats.health) || !isWithin(unit.health, 0.F, unit.healthMax)) {
        return fmt::format("{} has health {} of {}", stats.name, unit.health, unit.healthMax);
    }
    if (unit.shieldMax != static_cast<float>(stats.shield) || !isWithin(unit.shield, 0.F, unit.shieldMax)) {
        return fmt::format("{} has shield {} of {}", stats.name, unit.shield, unit.shieldMax);
    }
    if (!isWithin(unit.energy, 0.F, static_cast<float>(stats.energyMax)) ||
        !isWithin(unit.cooldown, 0.F, static_cast<float>(stats.cooldown) + 2.F)) {
        return fmt::format("{} has energy {}, cooldown {}", stats.name, unit.energy, unit.cooldown);
    }
    return {};
}

// What a step must leave, whatever was done in it.
std::string problemOf(const SmacEnv& env, const knife::Sight& sight, const std::vector<std::uint8_t>& wasAlive) {
    for (std::size_t i = 0; i < env.engine().units().size(); ++i) {
        const UnitState& unit = env.engine().units()[i];
        if (std::string problem = problemOf(unit, env.engine().terrain()); !problem.empty()) {
            return fmt::format("unit {}: {}", i, problem);
        }
        if (unit.isAlive() && wasAlive[i] == 0) {
            return fmt::format("unit {} has risen from the dead", i);
        }
    }
    const auto isFinite = [](float value) {
        return std::isfinite(value);
    };
    if (!std::ranges::all_of(sight.obs, isFinite) || !std::ranges::all_of(sight.state, isFinite)) {
        return "an observation is not finite";
    }
    const auto nActions = static_cast<std::ptrdiff_t>(env.spec().nActions);
    for (int agent = 0; agent < env.spec().nAgents; ++agent) {
        const auto legal = sight.avail.begin() + agent * nActions;
        const bool lives =
            agent < env.setting().allies && env.engine().units()[static_cast<std::size_t>(agent)].isAlive();
        // The living may stop and must not do nothing, the dead the other way round.
        if ((legal[Observer::NoOp] == 0) != lives || (legal[Observer::Stop] != 0) != lives ||
            (!lives && std::count(legal, legal + nActions, 1) != 1)) {
            return fmt::format("agent {} may do what it cannot", agent);
        }
    }
    return {};
}

std::vector<std::string> games() {
    std::vector<std::string> all;
    for (const Scenario& map : scenarios()) {
        all.push_back(fmt::format("name = 'smac'\nscenario = '{}'", map.name));
    }
    for (const Race& race : races()) {
        for (const TeamSizes& sizes : teamSizes()) {
            for (const char* const suffix : {"", "_epo"}) {
                all.push_back(fmt::format("name = 'smacv2'\nscenario = '{}{}'", scenarioName(race, sizes), suffix));
            }
        }
    }
    for (const char* const more :
         {"scenario = 'terran_10_vs_11'\nconic_fov = true\nhealth_level = [0.1, 0.6]\nattack_probability = [0.3, 1.0]",
          "scenario = 'zerg_10_vs_10'\nenemy_mask_probability = 0.5\nobs_pathing_grid = true\nobs_terrain_height = "
          "true",
          "scenario = 'protoss_20_vs_23'\nreward_only_positive = false\nobs_last_action = true\nstart_positions = "
          "'surrounded'",
          "scenario = 'terran_20_vs_23'\nunit_weights = [0.1, 0.1, 0.8]\nunit_slots = 24\nenemy_slots = 24"}) {
        all.push_back(std::string("name = 'smacv2'\n") + more);
    }
    return all;
}

} // namespace

class TestSmacFuzz : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void randomPlay_data() {
        QTest::addColumn<QString>("game");
        for (const std::string& game : games()) {
            QTest::newRow(game.c_str()) << QString::fromStdString(game);
        }
    }
    // Every other episode is the script's, which fights more than chance does.
    void randomPlay() {
        QFETCH(QString, game);
        const auto made = makeEnvironment(envSection(game.toStdString()));
        QVERIFY(made);
        auto& env = dynamic_cast<SmacEnv&>(**made);
        knife::Sight sight(env.spec());
        std::int64_t left = wantedUnitSteps() / static_cast<std::int64_t>(games().size());
        for (std::uint64_t episode = 0; left > 0; ++episode) {
            CounterRng random({7, "fuzz", episode});
            env.reset({.seed = 7, .episode = episode}, sight.spans());
            std::vector<std::uint8_t> wasAlive(env.engine().units().size(), 1);
            double rewards = 0.0;
            for (bool ended = false; !ended && left > 0;) {
                const std::string problem = problemOf(env, sight, wasAlive);
                QVERIFY2(problem.empty(), qPrintable(QString("episode %1: ").arg(episode) + problem.c_str()));
                std::ranges::transform(env.engine().units(), wasAlive.begin(),
                                       [](const UnitState& unit) { return unit.isAlive() ? 1 : 0; });
                std::vector<std::int32_t> actions = legalActions(env.spec(), sight.avail, random);
                if (episode % 2 == 1) {
                    env.attackNearest(actions);
                }
                const auto outcome = env.step(actions, sight.spans());
                QVERIFY(outcome);
                QVERIFY(std::isfinite(outcome->reward));
                rewards += static_cast<double>(outcome->reward);
                ended = outcome->terminated || outcome->truncated;
                left -= static_cast<std::int64_t>(wasAlive.size());
            }
            // 20 is the return of a perfect victory; what is regained can be hit again.
            QVERIFY2(std::abs(rewards) < 200.0, qPrintable(QString::number(rewards)));
        }
    }

    void crowdsAtRestDoNotOverlap_data() {
        QTest::addColumn<QString>("terrain");
        for (const std::string& name : terrainNames()) {
            QTest::newRow(name.c_str()) << QString::fromStdString(name);
        }
    }
    // Agents of all types that run to and fro at random come apart when they have been told to stop.
    void crowdsAtRestDoNotOverlap() {
        QFETCH(QString, terrain);
        const Terrain& ground = terrainNamed(terrain.toStdString());
        constexpr int kMost = 48;
        constexpr int kRestSteps = 60;
        Battle battle(ground, Battle::Pace::Even, kMost);
        std::int64_t left = wantedUnitSteps() / static_cast<std::int64_t>(terrainNames().size());
        for (std::uint64_t round = 0; left > 0; ++round) {
            CounterRng random({11, "crowds", round});
            const auto anywhere = [&random] {
                return Vec2{static_cast<float>(random.uniform(0.0, kMapSize)),
                            static_cast<float>(random.uniform(0.0, kMapSize))};
            };
            std::vector<Placement> units;
            const int count = 2 + static_cast<int>(random.below(kMost - 1));
            const Vec2 together = anywhere();
            for (int i = 0; i < count; ++i) {
                const auto type =
                    static_cast<UnitType>(random.below(static_cast<std::uint32_t>(UnitType::SpineCrawler)));
                units.push_back({type, Team::Ally, random.chance(0.5) ? together : anywhere()});
            }
            QVERIFY(battle.begin(units, {}, round));
            std::vector<Order> orders(units.size());
            const int steps = 1 + static_cast<int>(random.below(40));
            const Vec2 meeting = anywhere();
            for (int step = 0; step < steps + kRestSteps; ++step) {
                for (Order& order : orders) {
                    order = {.kind = step < steps ? Order::Kind::Move : Order::Kind::Stop,
                             .point = random.chance(0.5) ? meeting : anywhere()};
                }
                QVERIFY(battle.step(orders, kLoopsPerStep));
                left -= count;
            }
            for (int a = 0; a < count; ++a) {
                const UnitState& one = battle.units()[static_cast<std::size_t>(a)];
                const std::string problem = problemOf(one, ground);
                QVERIFY2(problem.empty(), problem.c_str());
                for (int b = 0; b < a; ++b) {
                    const UnitState& other = battle.units()[static_cast<std::size_t>(b)];
                    const UnitStats& first = statsOf(one.type, one.team);
                    const UnitStats& second = statsOf(other.type, other.team);
                    const double gap = first.separation + second.separation;
                    const double distance = std::sqrt(squaredLength(one.position - other.position));
                    const bool meet = first.flies == second.flies && first.climbs == second.climbs;
                    QVERIFY2(!meet || distance > gap - 0.01,
                             qPrintable(QString("round %1: %2 and %3 of %4 are %5 apart, not %6")
                                            .arg(round)
                                            .arg(a)
                                            .arg(b)
                                            .arg(count)
                                            .arg(distance)
                                            .arg(gap)));
                }
            }
        }
    }
};

QTEST_APPLESS_MAIN(TestSmacFuzz)
#include "tst_smac_fuzz.moc"
