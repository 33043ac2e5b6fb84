// SPDX-License-Identifier: GPL-3.0-or-later
// The rules of SMAC and SMACv2 around the battle: sizes, layouts, masks, sight, rewards, and that episodes are a
// function of their key.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <tuple>

#include <QTest>

#include "core/envs/registry.h"
#include "core/envs/smac/smac_env.h"
#include "core/envs/smac/unit_table.h"
#include "core/types/counter_rng.h"

Q_DECLARE_METATYPE(knife::smac::Vec2)

using namespace knife;
using namespace knife::smac;

namespace {

Section sectionOf(const std::string& toml) {
    auto section = parseSection(toml, "test", "env");
    if (!section) {
        qFatal("%s", section.error().describe().c_str());
    }
    return *section;
}

// An environment with room for what it writes.
struct Arena {
    std::unique_ptr<Environment> env;
    std::vector<float> obs;
    std::vector<float> state;
    std::vector<std::uint8_t> avail;

    explicit Arena(const std::string& toml) {
        auto made = makeEnvironment(sectionOf(toml));
        if (!made) {
            qFatal("%s", made.error().describe().c_str());
        }
        env = std::move(*made);
        const EnvSpec& spec = env->spec();
        obs.resize(static_cast<std::size_t>(spec.nAgents * spec.obsDim));
        state.resize(static_cast<std::size_t>(spec.stateDim));
        avail.resize(static_cast<std::size_t>(spec.nAgents * spec.nActions));
    }
    [[nodiscard]] ObservationSpans spans() { return {obs, state, avail}; }
    [[nodiscard]] SmacEnv& smac() const { return dynamic_cast<SmacEnv&>(*env); }
    void reset(std::uint64_t seed, std::uint64_t episode = 0) {
        env->reset({.seed = seed, .episode = episode}, spans());
    }
    [[nodiscard]] std::uint8_t legal(int agent, int action) const {
        return avail[static_cast<std::size_t>(agent * env->spec().nActions + action)];
    }
    std::vector<std::int32_t> randomActions(CounterRng& random) const {
        std::vector<std::int32_t> actions;
        for (int agent = 0; agent < env->spec().nAgents; ++agent) {
            std::vector<std::int32_t> legalOnes;
            for (int action = 0; action < env->spec().nActions; ++action) {
                if (legal(agent, action) != 0) {
                    legalOnes.push_back(action);
                }
            }
            actions.push_back(legalOnes[random.below(static_cast<std::uint32_t>(legalOnes.size()))]);
        }
        return actions;
    }
};

struct Size {
    const char* name;
    int obs;
    int state;
    int actions;
    int agents;
    int limit;
};

constexpr Size kSizes[] = {
    {"smac:3m", 30, 48, 9, 3, 60},
    {"smac:8m", 80, 168, 14, 8, 120},
    {"smac:25m", 250, 950, 31, 25, 150},
    {"smac:5m_vs_6m", 55, 98, 12, 5, 70},
    {"smac:8m_vs_9m", 85, 179, 15, 8, 120},
    {"smac:10m_vs_11m", 105, 243, 17, 10, 150},
    {"smac:27m_vs_30m", 285, 1170, 36, 27, 180},
    {"smac:MMM", 160, 290, 16, 10, 150},
    {"smac:MMM2", 176, 322, 18, 10, 180},
    {"smac:2s3z", 80, 120, 11, 5, 120},
    {"smac:3s5z", 128, 216, 14, 8, 150},
    {"smac:3s5z_vs_3s6z", 136, 230, 15, 8, 170},
    {"smac:3s_vs_3z", 36, 54, 9, 3, 150},
    {"smac:3s_vs_4z", 42, 61, 10, 3, 200},
    {"smac:3s_vs_5z", 48, 68, 11, 3, 250},
    {"smac:1c3s5z", 162, 270, 15, 9, 180},
    {"smac:2m_vs_1z", 16, 26, 7, 2, 150},
    {"smac:corridor", 156, 282, 30, 6, 400},
    {"smac:6h_vs_8z", 78, 140, 14, 6, 150},
    {"smac:2s_vs_1sc", 17, 27, 7, 2, 300},
    {"smac:so_many_baneling", 202, 397, 38, 7, 100},
    {"smac:bane_vs_bane", 336, 984, 30, 24, 200},
    {"smac:2c_vs_64zg", 332, 342, 70, 2, 400},
    {"smacv2:protoss_5_vs_5", 92, 130, 11, 5, 200},
    {"smacv2:protoss_10_vs_10", 182, 310, 16, 10, 200},
    {"smacv2:protoss_10_vs_11", 191, 327, 17, 10, 200},
    {"smacv2:protoss_20_vs_20", 362, 820, 26, 20, 200},
    {"smacv2:protoss_20_vs_23", 389, 901, 29, 20, 200},
    {"smacv2:terran_5_vs_5", 82, 120, 11, 5, 200},
    {"smacv2:terran_10_vs_10", 162, 290, 16, 10, 200},
    {"smacv2:terran_10_vs_11", 170, 306, 17, 10, 200},
    {"smacv2:terran_20_vs_20", 322, 780, 26, 20, 200},
    {"smacv2:terran_20_vs_23", 346, 858, 29, 20, 200},
    {"smacv2:zerg_5_vs_5", 82, 120, 11, 5, 200},
    {"smacv2:zerg_10_vs_10", 162, 290, 16, 10, 200},
    {"smacv2:zerg_10_vs_11", 170, 306, 17, 10, 200},
    {"smacv2:zerg_20_vs_20", 322, 780, 26, 20, 200},
    {"smacv2:zerg_20_vs_23", 346, 858, 29, 20, 200},
};

} // namespace

class TestSmacRules : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void sizesAreThoseOfTheReleasedCode_data() {
        QTest::addColumn<int>("row");
        QTest::addColumn<QString>("name");
        for (std::size_t i = 0; i < std::size(kSizes); ++i) {
            const QString name = kSizes[i].name;
            QTest::newRow(qPrintable(name)) << static_cast<int>(i) << name;
            if (name.startsWith("smacv2")) { // extended partial observability changes no size
                QTest::newRow(qPrintable(name + "_epo")) << static_cast<int>(i) << name + "_epo";
            }
        }
    }
    void sizesAreThoseOfTheReleasedCode() {
        QFETCH(int, row);
        QFETCH(QString, name);
        const Size& size = kSizes[row];
        const Arena arena("name = \"" + name.toStdString() + "\"");
        const EnvSpec& spec = arena.env->spec();
        QCOMPARE(spec.obsDim, size.obs);
        QCOMPARE(spec.stateDim, size.state);
        QCOMPARE(spec.nActions, size.actions);
        QCOMPARE(spec.nAgents, size.agents);
        QCOMPARE(spec.episodeLimit, size.limit);
    }

    void everyScenarioPlays_data() { sizesAreThoseOfTheReleasedCode_data(); }
    // Random play: numbers stay within bounds, masks agree with what is there, the living stay on ground.
    void everyScenarioPlays() {
        QFETCH(int, row);
        QFETCH(QString, name);
        Arena arena("name = \"" + name.toStdString() + "\"");
        const SmacEnv& env = arena.smac();
        const Terrain& terrain = env.engine().terrain();
        CounterRng random({5, "play", static_cast<std::uint64_t>(row)});
        for (std::uint64_t episode = 0; episode < 3; ++episode) {
            arena.reset(1, episode);
            double sum = 0.0;
            int steps = 0;
            for (bool ended = false; !ended;) {
                const auto outcome = arena.env->step(arena.randomActions(random), arena.spans());
                QVERIFY2(outcome, outcome ? "" : outcome.error().describe().c_str());
                ended = outcome->terminated || outcome->truncated;
                sum += static_cast<double>(outcome->reward);
                ++steps;
                const auto sound = [](float value) {
                    return std::isfinite(value) && value >= -2.F && value <= 2.F;
                };
                QVERIFY(std::ranges::all_of(arena.obs, sound));
                QVERIFY(std::ranges::all_of(arena.state, sound));
                const auto units = env.engine().units();
                for (std::size_t i = 0; i < units.size(); ++i) {
                    const Vec2 at = units[i].position;
                    const UnitStats& stats = statsOf(units[i].type, units[i].team);
                    QVERIFY(at.x >= 0.F && at.x <= 32.F && at.y >= 0.F && at.y <= 32.F);
                    QVERIFY(stats.flies ||
                            terrain.isWalkable(static_cast<int>(at.x), static_cast<int>(at.y), stats.climbs));
                    QVERIFY(units[i].health >= 0.F && units[i].health <= units[i].healthMax);
                    if (i < static_cast<std::size_t>(arena.env->spec().nAgents)) {
                        const int agent = static_cast<int>(i);
                        QCOMPARE(arena.legal(agent, Observer::NoOp) != 0, !units[i].isAlive());
                        QCOMPARE(arena.legal(agent, Observer::Stop) != 0, units[i].isAlive());
                    }
                }
            }
            QVERIFY(steps <= kSizes[row].limit);
            // No more than a perfect victory, but for what enemies regain.
            QVERIFY2(sum <= 40.0, qPrintable(QString::number(sum)));
        }
    }

    // Each side begins where its map says: nobody farther from the point than such a crowd reaches.
    void mapsBeginAtTheirPoints_data() {
        QTest::addColumn<QString>("name");
        QTest::addColumn<Vec2>("allies");
        QTest::addColumn<Vec2>("enemies");
        for (const char* name : {"3m", "8m", "25m", "5m_vs_6m", "8m_vs_9m", "10m_vs_11m", "27m_vs_30m", "MMM", "MMM2",
                                 "2s3z", "3s5z", "3s5z_vs_3s6z", "1c3s5z", "3s_vs_3z", "3s_vs_4z", "3s_vs_5z"}) {
            QTest::newRow(name) << name << Vec2{9, 16} << Vec2{23, 16};
        }
        QTest::newRow("2m_vs_1z") << "2m_vs_1z" << Vec2{16, 12} << Vec2{16, 19};
        QTest::newRow("corridor") << "corridor" << Vec2{19.04F, 19.12F} << Vec2{27.91F, 28.24F};
        QTest::newRow("so_many_baneling") << "so_many_baneling" << Vec2{11.47F, 12.02F} << Vec2{27.91F, 28.24F};
        QTest::newRow("6h_vs_8z") << "6h_vs_8z" << Vec2{14.6F, 9.49F} << Vec2{14.41F, 16.76F};
        QTest::newRow("2s_vs_1sc") << "2s_vs_1sc" << Vec2{14.05F, 10.355F} << Vec2{13.92F, 20.04F};
        QTest::newRow("bane_vs_bane") << "bane_vs_bane" << Vec2{16, 10.5F} << Vec2{16, 21.5F};
        QTest::newRow("2c_vs_64zg") << "2c_vs_64zg" << Vec2{16, 16} << Vec2{16, 9};
    }
    void mapsBeginAtTheirPoints() {
        QFETCH(QString, name);
        QFETCH(Vec2, allies);
        QFETCH(Vec2, enemies);
        Arena arena("name = \"smac:" + name.toStdString() + "\"");
        arena.reset(1);
        const auto units = arena.smac().engine().units();
        const auto nAgents = static_cast<std::size_t>(arena.env->spec().nAgents);
        for (const auto& [side, point] : {std::pair{units.first(nAgents), allies}, {units.subspan(nAgents), enemies}}) {
            Vec2 middle;
            for (const UnitState& unit : side) {
                middle = middle + unit.position * (1.F / static_cast<float>(side.size()));
                QVERIFY(std::sqrt(squaredLength(unit.position - point)) <
                        3.5F + 0.9F * std::sqrt(static_cast<float>(side.size())));
            }
            // Walls squeeze crowds to one side.
            QVERIFY2(std::sqrt(squaredLength(middle - point)) < 1.8F,
                     qPrintable(QString("%1 %2").arg(middle.x).arg(middle.y)));
        }
        // Nobody stands in anybody.
        for (std::size_t a = 0; a < units.size(); ++a) {
            for (std::size_t b = 0; b < a; ++b) {
                const UnitStats& one = statsOf(units[a].type, units[a].team);
                const UnitStats& other = statsOf(units[b].type, units[b].team);
                const bool meet = one.flies == other.flies && one.climbs == other.climbs;
                QVERIFY(!meet || std::sqrt(squaredLength(units[a].position - units[b].position)) >
                                     one.separation + other.separation - 0.01);
            }
        }
    }

    void mirroredTeamsFaceEachOther() {
        Arena arena("name = \"smacv2:protoss_10_vs_11\"\nstart_positions = \"reflect\"");
        for (std::uint64_t episode = 0; episode < 100; ++episode) {
            arena.reset(4, episode);
            const auto& units = arena.smac().deployment().units;
            std::vector<std::tuple<UnitType, float, float>> allies;
            std::vector<std::tuple<UnitType, float, float>> enemies;
            for (std::size_t i = 0; i < 20; ++i) {
                const Vec2 at = units[i].point;
                QVERIFY(i >= 10 || (at.x >= 0.F && at.x <= 15.F && at.y >= 0.F && at.y <= 32.F));
                i < 10 ? allies.emplace_back(units[i].type, at.x, at.y)
                       : enemies.emplace_back(units[i].type, 32.F - at.x, at.y);
            }
            std::ranges::sort(allies);
            std::ranges::sort(enemies);
            for (std::size_t i = 0; i < 10; ++i) { // types and places alike
                QVERIFY(std::get<0>(allies[i]) == std::get<0>(enemies[i]));
                QVERIFY(std::abs(std::get<1>(allies[i]) - std::get<1>(enemies[i])) < 1e-4F);
                QCOMPARE(std::get<2>(allies[i]), std::get<2>(enemies[i]));
            }
            QVERIFY(units[20].point.x >= 16.F && units[20].point.x <= 32.F); // one more
        }
    }

    void surroundedTeamsAreInTheMiddle() {
        Arena arena("name = \"smacv2:protoss_20_vs_23\"\nstart_positions = \"surrounded\"");
        std::array<int, 5> groups{};
        for (std::uint64_t episode = 0; episode < 400; ++episode) {
            arena.reset(4, episode);
            const auto& units = arena.smac().deployment().units;
            std::set<std::pair<float, float>> places;
            std::set<std::pair<bool, bool>> diagonals;
            for (std::size_t i = 0; i < units.size(); ++i) {
                const Vec2 at = units[i].point;
                if (i < 20) {
                    QVERIFY(at == (Vec2{16, 16}));
                    continue;
                }
                QVERIFY(std::abs(std::abs(at.x - 16.F) - std::abs(at.y - 16.F)) < 1e-3F); // on a diagonal
                QVERIFY(std::abs(at.x - 16.F) >= 2.F - 1e-4F && std::abs(at.x - 16.F) <= 16.F);
                places.emplace(at.x, at.y);
                diagonals.emplace(at.x > 16.F, at.y > 16.F);
            }
            QCOMPARE(places.size(), diagonals.size());
            QVERIFY(places.size() <= 4);
            ++groups[places.size()];
        }
        for (std::size_t count = 1; count <= 4; ++count) {
            QVERIFY2(std::abs(groups[count] - 100) < 45, qPrintable(QString::number(groups[count])));
        }
    }

    void sidesAreEightCellsFromTheirEdge() {
        Arena arena("name = \"smacv2:protoss_5_vs_5\"\nstart_positions = \"sides\"");
        arena.reset(1);
        for (const Placement& unit : arena.smac().deployment().units) {
            QVERIFY(unit.point == (unit.team == Team::Ally ? Vec2{8, 16} : Vec2{24, 16}));
        }
    }

    void halfOfAllTeamsAreMirrored() {
        Arena arena("name = \"smacv2:protoss_5_vs_5\"\nreflect_probability = 0.25");
        int mirrored = 0;
        for (std::uint64_t episode = 0; episode < 1000; ++episode) {
            arena.reset(1, episode);
            mirrored += arena.smac().deployment().units[0].point == Vec2{16, 16} ? 0 : 1;
        }
        QVERIFY(std::abs(mirrored - 250) < 50);
    }

    void episodesAreAFunctionOfTheirKey() {
        for (const char* name : {"smacv2:terran_10_vs_11", "smacv2:zerg_5_vs_5_epo", "smac:corridor"}) {
            Arena a("name = \"" + std::string(name) + "\"");
            Arena b("name = \"" + std::string(name) + "\"");
            CounterRng noise({2, "noise", 0});
            b.reset(7, 3); // whatever was before
            (void)b.env->step(b.randomActions(noise), b.spans());
            CounterRng random({9, "same", 0});
            a.reset(1, 4);
            b.reset(1, 4);
            for (int step = 0; step < 30; ++step) {
                QVERIFY(a.obs == b.obs && a.state == b.state && a.avail == b.avail);
                const auto actions = a.randomActions(random);
                const auto first = a.env->step(actions, a.spans());
                const auto second = b.env->step(actions, b.spans());
                QVERIFY(first && second);
                QCOMPARE(first->reward, second->reward);
                if (first->terminated || first->truncated) {
                    break;
                }
            }
        }
    }

    void goesOnFromWhereItWasSaved() {
        for (const char* name : {"smacv2:terran_10_vs_11", "smacv2:zerg_10_vs_10_epo", "smac:MMM2", "smac:corridor"}) {
            Arena a("name = \"" + std::string(name) + "\"");
            Arena b("name = \"" + std::string(name) + "\"");
            CounterRng random({9, "same", 0});
            a.reset(1, 4);
            for (int step = 0; step < 7; ++step) {
                QVERIFY(a.env->step(a.randomActions(random), a.spans()));
            }
            const auto saved = a.env->save();
            QVERIFY(b.env->restore(saved));
            for (int step = 0; step < 10; ++step) {
                const auto actions = a.randomActions(random);
                const auto first = a.env->step(actions, a.spans());
                const auto second = b.env->step(actions, b.spans());
                QVERIFY(first && second);
                QVERIFY(a.obs == b.obs && a.state == b.state && a.avail == b.avail && first->reward == second->reward);
                if (first->terminated || first->truncated) {
                    break;
                }
            }
            for (std::size_t cut = 0; cut < saved.size(); cut += 97) {
                QVERIFY(!b.env->restore(std::span(saved).first(cut)));
            }
        }
    }

    // Whatever is wrong with the bytes, nothing of the present battle is lost; and what is taken can be played.
    void damagedStatesChangeNothing_data() {
        QTest::addColumn<QString>("toml");
        QTest::newRow("map") << "name = \"smac:MMM\"";
        QTest::newRow("capabilities") << "name = \"smacv2:zerg_5_vs_5_epo\"\nhealth_level = [0.1, 0.6]\nconic_fov = "
                                         "true\nattack_probability = [0.5, 1.0]\nenemy_mask_probability = 0.5";
    }
    void damagedStatesChangeNothing() {
        QFETCH(QString, toml);
        Arena a(toml.toStdString());
        Arena b(toml.toStdString());
        CounterRng random({9, "same", 0});
        a.reset(1, 4);
        for (int step = 0; step < 12; ++step) {
            QVERIFY(a.env->step(a.randomActions(random), a.spans()));
        }
        const auto saved = a.env->save();
        b.reset(2, 1);
        const auto before = b.env->save();
        int taken = 0;
        for (int trial = 0; trial < 4000; ++trial) {
            auto damaged = saved;
            auto& byte = damaged[random.below(static_cast<std::uint32_t>(damaged.size()))];
            byte ^= static_cast<std::byte>(1U << random.below(8));
            if (!b.env->restore(damaged)) {
                QVERIFY(b.env->save() == before);
                continue;
            }
            ++taken;
            b.avail = a.avail;
            for (int agent = 0; agent < b.env->spec().nAgents; ++agent) {
                b.avail[static_cast<std::size_t>(agent * b.env->spec().nActions)] = 1; // tried, whether legal or not
            }
            (void)b.env->step(b.randomActions(random), b.spans());
            QVERIFY(std::ranges::all_of(b.obs, [](float value) { return std::isfinite(value); }));
            QVERIFY(b.env->restore(before));
        }
        QVERIFY(taken < 4000); // most bits are health and places, which may be others
    }

    void equalBattlesAreEqualBytes() {
        Arena a("name = \"smac:MMM\"");
        Arena b("name = \"smac:MMM\"");
        a.reset(1, 4);
        b.reset(7, 7);
        (void)b.env->step(std::vector<std::int32_t>(10, Observer::Stop), b.spans());
        b.reset(1, 4);
        QVERIFY(a.env->save() == b.env->save());
    }

    void whatHasNotBegunCanBeKept() {
        Arena a("name = \"smac:3m\"");
        Arena b("name = \"smac:3m\"");
        b.reset(1);
        QVERIFY(b.env->restore(a.env->save()));
        QVERIFY(!b.env->step(std::vector<std::int32_t>{1, 1, 1}, b.spans()));
        b.reset(1);
        QVERIFY(b.env->step(std::vector<std::int32_t>{1, 1, 1}, b.spans()));
    }

    void resolvedSectionsMakeEqualEnvironments() {
        for (const char* name : {"smac:3m", "smacv2:zerg_5_vs_5_epo"}) {
            const auto resolved = resolveEnvironment(sectionOf("name = \"" + std::string(name) + "\""));
            QVERIFY2(resolved, resolved ? "" : resolved.error().describe().c_str());
            const auto again = resolveEnvironment(*resolved);
            QVERIFY2(again, again ? "" : again.error().describe().c_str());
            QVERIFY(*again == *resolved);
        }
    }

    void paddedTeamsHaveDeadSlots() {
        Arena arena("name = \"smacv2:terran_5_vs_5\"\nunit_slots = 7\nenemy_slots = 9");
        Arena wide("name = \"smacv2:terran_5_vs_5\"\nunits = 7\nenemies = 9");
        QVERIFY(arena.env->spec().obsDim == wide.env->spec().obsDim);
        QVERIFY(arena.env->spec().stateDim == wide.env->spec().stateDim);
        QVERIFY(arena.env->spec().nActions == wide.env->spec().nActions);
        arena.reset(3);
        for (int agent = 5; agent < 7; ++agent) {
            for (int action = 0; action < arena.env->spec().nActions; ++action) {
                QCOMPARE(static_cast<int>(arena.legal(agent, action)), action == 0 ? 1 : 0);
            }
            const auto first = arena.obs.begin() + static_cast<std::ptrdiff_t>(agent) * arena.env->spec().obsDim;
            QVERIFY(std::all_of(first, first + arena.env->spec().obsDim, [](float value) { return value == 0.F; }));
        }
        CounterRng random({5, "padded", 0});
        for (bool ended = false; !ended;) {
            const auto outcome = arena.env->step(arena.randomActions(random), arena.spans());
            QVERIFY(outcome);
            ended = outcome->terminated || outcome->truncated;
            for (int agent = 0; agent < 5; ++agent) {
                for (int slot = 5; slot < 9; ++slot) { // enemies that are not there
                    QCOMPARE(static_cast<int>(arena.legal(agent, 6 + slot)), 0);
                }
            }
        }
        arena.reset(3);
        QVERIFY(!arena.env->step(std::vector<std::int32_t>(7, Observer::Stop),
                                 arena.spans())); // those not there do nothing
    }

    // A padded battle is the same battle: the same rewards for the same orders.
    void padsChangeNothing() {
        Arena plain("name = \"smacv2:terran_5_vs_5\"");
        Arena padded("name = \"smacv2:terran_5_vs_5\"\nunit_slots = 7\nenemy_slots = 9");
        CounterRng random({5, "padded", 0});
        plain.reset(3);
        padded.reset(3);
        for (bool ended = false; !ended;) {
            std::vector<std::int32_t> actions = plain.randomActions(random);
            const auto first = plain.env->step(actions, plain.spans());
            actions.resize(7, Observer::NoOp);
            const auto second = padded.env->step(actions, padded.spans());
            QVERIFY(first && second);
            QCOMPARE(first->reward, second->reward);
            QCOMPARE(first->won, second->won);
            ended = first->terminated || first->truncated;
            QCOMPARE(ended, second->terminated || second->truncated);
        }
    }

    void idsFollowTypeAndPlace() {
        for (const char* name : {"smac:27m_vs_30m", "smac:MMM2", "smacv2:protoss_20_vs_20", "smacv2:zerg_10_vs_11"}) {
            Arena arena("name = \"" + std::string(name) + "\"");
            const int agents = arena.env->spec().nAgents;
            for (std::uint64_t episode = 0; episode < 20; ++episode) {
                arena.reset(5, episode);
                const auto units = arena.smac().engine().units();
                QVERIFY(
                    std::is_sorted(units.begin(), units.begin() + agents, [](const UnitState& a, const UnitState& b) {
                        return std::tuple(a.type, a.position.x, a.position.y) <
                               std::tuple(b.type, b.position.x, b.position.y);
                    }));
            }
        }
    }

    // Of the multisets of three types each is as likely; the smaller side is a random part of the larger.
    void allTeamsAreAsLikely() {
        Arena arena("name = \"smacv2:zerg_5_vs_5\"\nteam = \"all_teams\"\nunits = 2\nenemies = 3");
        std::array<int, kUnitTypes> allies{};
        std::array<int, kUnitTypes> enemies{};
        for (std::uint64_t episode = 0; episode < 3000; ++episode) {
            arena.reset(2, episode);
            const auto& units = arena.smac().deployment().units;
            for (std::size_t i = 0; i < units.size(); ++i) {
                ++(i < 2 ? allies : enemies)[static_cast<std::size_t>(units[i].type)];
            }
        }
        for (const UnitType type : {UnitType::Zergling, UnitType::Hydralisk, UnitType::Baneling}) {
            const auto index = static_cast<std::size_t>(type);
            QVERIFY(std::abs(allies[index] / 6000.0 - enemies[index] / 9000.0) < 0.03);
        }
    }

    void teamsFollowTheirWeights() {
        Arena arena("name = \"smacv2:terran_10_vs_11\"");
        std::array<int, kUnitTypes> seen{};
        int all = 0;
        for (std::uint64_t episode = 0; episode < 400; ++episode) {
            arena.reset(2, episode);
            const auto& units = arena.smac().deployment().units;
            QCOMPARE(units.size(), std::size_t(21));
            QVERIFY(std::is_sorted(units.begin(), units.begin() + 10,
                                   [](const Placement& a, const Placement& b) { return a.type < b.type; }));
            bool fights = false;
            for (std::size_t i = 0; i < 10; ++i) {
                ++seen[static_cast<std::size_t>(units[i].type)];
                ++all;
                fights = fights || units[i].type != UnitType::Medivac;
            }
            QVERIFY(fights);
        }
        const auto share = [&](UnitType type) {
            return static_cast<double>(seen[static_cast<std::size_t>(type)]) / all;
        };
        QVERIFY(std::abs(share(UnitType::Marine) - 0.45) < 0.03);
        QVERIFY(std::abs(share(UnitType::Marauder) - 0.45) < 0.03);
        QVERIFY(std::abs(share(UnitType::Medivac) - 0.10) < 0.02);
    }

    void shortStepsNeedNoKillLoops() { QVERIFY(makeEnvironment(sectionOf("name = \"smac:3m\"\nstep_mul = 1"))); }

    // Rules are part of what a run is: the resolved section says which, and later builds can refuse it.
    void rulesAreResolved() {
        const auto resolved = resolveEnvironment(sectionOf("name = \"smac:3m\""));
        QVERIFY(resolved && resolved->toToml().find("rule_set = 1") != std::string::npos);
    }

    void fixedItemsAreDrawnAndGoneThrough() {
        Arena arena("name = \"smacv2:terran_5_vs_5\"\nunits = 2\nenemies = 1\nteam = \"fixed\"\n"
                    "team_items = [\"marine marauder : medivac\", \"medivac marine : marine\"]\n"
                    "start_positions = \"fixed\"\nposition_items = [[4.0, 5.0, 6.0, 7.0, 20.0, 21.0]]\n"
                    "attack_items = [[0.25, 0.5], [0.75, 1.0]]\nhealth_items = [[0.5, 0.25]]");
        int firsts = 0;
        for (std::uint64_t episode = 0; episode < 200; ++episode) {
            for (const bool greedy : {false, true}) {
                arena.env->reset({.seed = 1, .greedy = greedy, .episode = episode}, arena.spans());
                const Deployment& drawn = arena.smac().deployment();
                const bool first = drawn.units[2].type == UnitType::Medivac;
                QCOMPARE(drawn.units[0].type == UnitType::Marauder, first); // in the order of ids
                QCOMPARE(drawn.units[2].point.x, 20.F);
                QCOMPARE(drawn.healthLevel, (std::vector<float>{0.5F, 0.25F}));
                QVERIFY(drawn.attackProbability == (std::vector<float>{0.25F, 0.5F}) ||
                        drawn.attackProbability == (std::vector<float>{0.75F, 1.F}));
                if (greedy) {
                    QCOMPARE(first, episode % 2 == 0);
                } else {
                    firsts += first ? 1 : 0;
                }
            }
        }
        QVERIFY(firsts > 60 && firsts < 140);
    }

    // What it scales by does not depend on which episode this process plays first.
    void firstEpisodesAreThoseOfTheRun() {
        const std::string toml =
            "name = \"smacv2:zerg_5_vs_5\"\ncompat_first_episode_scale = true\nreward_sparse = true";
        const auto rewardOf = [&](std::uint64_t seed, std::uint64_t before) {
            Arena arena(toml);
            arena.reset(seed, before);
            arena.reset(seed, 7);
            std::vector<std::int32_t> actions(5);
            for (;;) {
                arena.smac().attackNearest(actions);
                const auto outcome = arena.env->step(actions, arena.spans());
                if (!outcome || outcome->terminated) {
                    return outcome ? outcome->reward : 0.F;
                }
            }
        };
        QVERIFY(rewardOf(3, 0) != 0.F);
        QCOMPARE(rewardOf(3, 0), rewardOf(3, 5));
        QVERIFY(rewardOf(3, 0) != rewardOf(4, 0));
        // Also where a saved episode goes on.
        Arena a(toml);
        Arena b(toml);
        a.reset(3, 7);
        b.reset(4, 0);
        QVERIFY(b.env->restore(a.env->save()));
        for (bool ended = false; !ended;) {
            std::vector<std::int32_t> actions(5);
            a.smac().attackNearest(actions);
            const auto first = a.env->step(actions, a.spans());
            const auto second = b.env->step(actions, b.spans());
            QVERIFY(first && second);
            QCOMPARE(first->reward, second->reward);
            ended = first->terminated;
        }
    }

    // The script fights everywhere: also where targets out of reach are legal, through cones and around cliffs.
    void theScriptFights_data() {
        QTest::addColumn<QString>("toml");
        QTest::addColumn<double>("least");
        QTest::newRow("3m") << "name = \"smac:3m\"" << 6.0;
        QTest::newRow("MMM") << "name = \"smac:MMM\"" << 8.0;
        QTest::newRow("cliffs") << "name = \"smac:2c_vs_64zg\"" << 5.0;
        QTest::newRow("terran") << "name = \"smacv2:terran_5_vs_5\"" << 8.0;
        QTest::newRow("terran_epo") << "name = \"smacv2:terran_5_vs_5_epo\"" << 8.0;
        QTest::newRow("zerg_epo") << "name = \"smacv2:zerg_10_vs_10_epo\"" << 8.0;
        QTest::newRow("protoss_epo") << "name = \"smacv2:protoss_5_vs_5_epo\"" << 8.0;
        QTest::newRow("cone") << "name = \"smacv2:terran_5_vs_5\"\nconic_fov = true" << 8.0;
        QTest::newRow("cone_epo") << "name = \"smacv2:protoss_5_vs_5_epo\"\nconic_fov = true" << 8.0;
    }
    void theScriptFights() {
        QFETCH(QString, toml);
        QFETCH(double, least);
        Arena arena(toml.toStdString());
        double sum = 0.0;
        constexpr int kEpisodes = 20;
        for (std::uint64_t episode = 0; episode < kEpisodes; ++episode) {
            arena.reset(1, episode);
            std::vector<std::int32_t> actions(static_cast<std::size_t>(arena.env->spec().nAgents));
            for (bool ended = false; !ended;) {
                arena.smac().attackNearest(actions);
                const auto outcome = arena.env->step(actions, arena.spans());
                QVERIFY2(outcome, outcome ? "" : outcome.error().describe().c_str());
                sum += static_cast<double>(outcome->reward);
                ended = outcome->terminated || outcome->truncated;
            }
        }
        QVERIFY2(sum / kEpisodes > least, qPrintable(QString::number(sum / kEpisodes)));
    }

    // By legal actions alone, heuristic agents do what the script does; otherwise they need no reach.
    void heuristicAgentsFollowTheScript() {
        Arena scripted("name = \"smacv2:terran_5_vs_5\"");
        Arena rest("name = \"smacv2:terran_5_vs_5\"\nheuristic_ai = true\nheuristic_rest = true");
        scripted.reset(1, 3);
        rest.reset(1, 3);
        for (bool ended = false; !ended;) {
            std::vector<std::int32_t> actions(5);
            scripted.smac().attackNearest(actions);
            const auto first = scripted.env->step(actions, scripted.spans());
            std::vector<std::int32_t> any(5);
            for (int agent = 0; agent < 5; ++agent) {
                any[static_cast<std::size_t>(agent)] = rest.legal(agent, 0) != 0 ? 0 : 1;
            }
            const auto second = rest.env->step(any, rest.spans());
            QVERIFY(first && second);
            QCOMPARE(first->reward, second->reward);
            QVERIFY(scripted.obs == rest.obs && scripted.state == rest.state);
            ended = first->terminated;
        }
    }

    void illegalActionsAreRefused() {
        Arena arena("name = \"smac:3m\"");
        arena.reset(1);
        const auto refused = [&](std::vector<std::int32_t> actions) {
            const auto outcome = arena.env->step(actions, arena.spans());
            return !outcome && outcome.error().code == ErrorCode::IllegalAction;
        };
        QVERIFY(refused({0, 1, 1})); // no-op of the living
        QVERIFY(refused({1, 1, 6})); // out of range
        QVERIFY(refused({1, 1, 99}));
        QVERIFY(refused({1, 1}));
        QVERIFY(arena.env->step(std::vector<std::int32_t>{1, 1, 1}, arena.spans()));
    }

    void wrongSettingsAreRefused_data() {
        QTest::addColumn<QString>("toml");
        QTest::addColumn<QString>("says");
        QTest::newRow("scenario") << "name = \"smac\"\nscenario = \"3n\""
                                  << "did you mean '3m'";
        QTest::newRow("teams of a map") << "name = \"smac:3m\"\nunits = 4"
                                        << "those of its map";
        QTest::newRow("slots") << "name = \"smacv2:zerg_5_vs_5\"\nunit_slots = 4"
                               << "there are 5 agents";
        QTest::newRow("weights") << "name = \"smacv2:zerg_5_vs_5\"\nunit_weights = [1.0]"
                                 << "three types";
        QTest::newRow("nobody fights") << "name = \"smacv2:terran_5_vs_5\"\nunit_weights = [0.0, 0.0, 1.0]"
                                       << "cannot fight";
        QTest::newRow("levels") << "name = \"smacv2:terran_5_vs_5\"\nhealth_level = [0.5]"
                                << "two shares";
        QTest::newRow("nearly nobody fights") << "name = \"smacv2:terran_5_vs_5\"\nunit_weights = [1e-12, 0.0, 1.0]"
                                              << "cannot fight";
        QTest::newRow("nearly full health") << "name = \"smacv2:terran_5_vs_5\"\nhealth_level = [0.5, 0.99999999]"
                                            << "0.99";
        QTest::newRow("last loops") << "name = \"smacv2:terran_5_vs_5\"\nhealth_level = [0.1, 0.2]\nstep_mul = 1"
                                    << "only 1 loops";
        QTest::newRow("nothing to observe") << "name = \"smac:3m\"\nobs_starcraft = false\nobs_instead_of_state = true"
                                            << "nothing to observe";
        QTest::newRow("rules") << "name = \"smac:3m\"\nrule_set = 2"
                               << "rule set 1";
        QTest::newRow("no teams") << "name = \"smacv2:terran_5_vs_5\"\nteam = \"fixed\""
                                  << "team_items";
        QTest::newRow("team of another size")
            << "name = \"smacv2:terran_5_vs_5\"\nteam = \"fixed\"\nteam_items = [\"marine marine\"]"
            << "expected 5 agents and 5 enemies, got 2 and 2";
        QTest::newRow("team of another race")
            << "name = \"smacv2:terran_5_vs_5\"\nteam = \"fixed\"\nteam_items = [\"zealot\"]"
            << "no terran unit 'zealot'";
        QTest::newRow("team of a slip") << "name = \"smacv2:terran_5_vs_5\"\nteam = \"fixed\"\nteam_items = [\"marin\"]"
                                        << "did you mean 'marine'";
        QTest::newRow("places") << "name = \"smacv2:terran_5_vs_5\"\nstart_positions = \"fixed\"\nposition_items = "
                                   "[[1.0, 2.0]]"
                                << "rows of 20 numbers";
        QTest::newRow("levels twice") << "name = \"smacv2:terran_5_vs_5\"\nhealth_level = [0.1, 0.2]\nhealth_items = "
                                         "[[0.1, 0.1, 0.1, 0.1, 0.1]]"
                                      << "either bounds or items";
    }
    void wrongSettingsAreRefused() {
        QFETCH(QString, toml);
        QFETCH(QString, says);
        const auto made = makeEnvironment(sectionOf(toml.toStdString()));
        QVERIFY(!made && made.error().code == ErrorCode::Usage);
        QVERIFY2(made.error().describe().find(says.toStdString()) != std::string::npos,
                 made.error().describe().c_str());
    }
};

QTEST_APPLESS_MAIN(TestSmacRules)
#include "tst_smac_rules.moc"
