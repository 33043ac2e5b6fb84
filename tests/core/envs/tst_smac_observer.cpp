// SPDX-License-Identifier: GPL-3.0-or-later
// What agents observe, the state and the masks, value by value.
#include <algorithm>
#include <cmath>
#include <set>
#include <string>

#include <QTest>

#include "scripted_engine.h"

using namespace knife;
using namespace knife::smac;

namespace {

using Values = std::vector<float>;

QString text(const Values& values) {
    QStringList all;
    for (const float value : values) {
        all << QString::number(static_cast<double>(value), 'g', 4);
    }
    return all.join(' ');
}

Values joined(const std::vector<Values>& parts) {
    Values all;
    for (const Values& part : parts) {
        all.insert(all.end(), part.begin(), part.end());
    }
    return all;
}

bool areClose(const Values& a, const Values& b) {
    return std::ranges::equal(a, b, [](float x, float y) { return std::abs(x - y) < 1e-5F; });
}

Values part(const Values& all, int first, int count) {
    return {all.begin() + first, all.begin() + first + count};
}

#define COMPARE_VALUES(actual, expected)                                                                               \
    QVERIFY2(areClose(actual, expected), qPrintable(text(actual) + "\n  expected " + text(expected)))

const std::string kTwo = "units = 2\nenemies = 2\n";
constexpr int kEnemyWidth = 9; // of a row of protoss_5_vs_5

// Two agents; enemy 0 in the reach of agent 0, enemy 1 only in its sight.
Stage meeting(const std::string& more = {}) {
    Stage stage("protoss_5_vs_5", kTwo + more);
    stage.reset();
    stage.put(0, UnitType::Stalker, 10, 10).shield = 20;
    stage.put(1, UnitType::Zealot, 13, 6).health = 25;
    stage.put(2, UnitType::Zealot, 10, 15).health = 50;
    stage.put(3, UnitType::Colossus, 19, 10);
    (void)stage.stop();
    return stage;
}

bool isBlank(const Stage& stage, int agent, int enemy) {
    return std::ranges::all_of(part(stage.obsOf(agent), 4 + enemy * kEnemyWidth, kEnemyWidth),
                               [](float value) { return value == 0.F; });
}

} // namespace

class TestSmacObserver : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void observationsHoldWhatIsSeen() {
        const Stage stage = meeting("obs_last_action = true\nobs_timestep_number = true");
        const Values moves{1, 1, 1, 1};
        const Values near{1, 0.5F, 0, 0.5F, 0.5F, 1, 0, 1, 0};
        const Values far{0, 0.9F, 0.9F, 0, 1, 1, 0, 0, 1};
        const Values friendly{1, 0.5F, 0.3F, -0.4F, 0.25F, 1, 0, 1, 0};
        const Values stopped{0, 1, 0, 0, 0, 0, 0, 0};
        const Values own{1, 0.25F, 10 / 32.F, 10 / 32.F, 1, 0, 0};
        COMPARE_VALUES(stage.obsOf(0), joined({moves, near, far, friendly, stopped, own, {1 / 200.F}}));
        // The zealot sees as far as 9: the other zealot is farther away.
        const Values seen{0, std::sqrt(52.F) / 9.F, 6 / 9.F, 4 / 9.F, 1, 1, 0, 0, 1};
        const Values other{1, 5 / 9.F, -3 / 9.F, 4 / 9.F, 1, 0.25F, 1, 0, 0};
        const Values zealot{0.25F, 1, 13 / 32.F, 6 / 32.F, 0, 1, 0};
        COMPARE_VALUES(stage.obsOf(1), joined({moves, Values(9), seen, other, stopped, zealot, {1 / 200.F}}));
    }

    void theStateHoldsEverything() {
        Stage stage("protoss_5_vs_5", kTwo + "state_timestep_number = true");
        stage.reset();
        stage.put(0, UnitType::Stalker, 24, 8).cooldown = 7;
        stage.put(1, UnitType::Zealot, 13, 6).health = 0;
        stage.put(2, UnitType::Zealot, 16, 32).shield = 25;
        stage.put(3, UnitType::Colossus, 19, 10).health = 0;
        QVERIFY(stage.step({Observer::West}));
        const Values own{1, 7 / 35.F, 8 / 32.F, -8 / 32.F, 1, 1, 0, 0};
        const Values enemy{1, 0, 0.5F, 0.5F, 0, 1, 0};
        Values actions(16);
        actions[Observer::West] = 1;
        actions[8 + Observer::Stop] = 1; // of the dead, the last one
        COMPARE_VALUES(stage.state, joined({own, Values(8), enemy, Values(7), actions, {1 / 200.F}}));
    }

    void medivacsShowEnergyAndAlliesInTheirReach() {
        Stage stage("terran_5_vs_5", kTwo);
        stage.reset();
        stage.put(0, UnitType::Marine, 10, 10);
        stage.put(1, UnitType::Medivac, 12, 10);
        stage.put(2, UnitType::Marine, 13, 10);
        stage.put(3, UnitType::Marine, 30, 30);
        QVERIFY(stage.stop());
        QCOMPARE(stage.state[7 + 1], 50.F / 200.F);
        // The flag in the row of enemy k is whether the medivac could heal ally k, as released.
        QCOMPARE(stage.obsOf(1)[4], 1.F);
        QVERIFY(stage.legal(1, 6) && !stage.legal(1, 7)); // not itself
        stage.put(0, UnitType::Medivac, 10, 10);
        stage.put(2, UnitType::Marine, 13, 10);
        QVERIFY(stage.stop());
        QVERIFY(!stage.legal(1, 6)); // nor another medivac
        QCOMPARE(stage.obsOf(1)[4], 0.F);
    }

    void movesAreLegalWhereTheyLeadToGround_data() {
        QTest::addColumn<QString>("name");
        QTest::addColumn<float>("x");
        QTest::addColumn<float>("y");
        QTest::addColumn<QString>("legal");
        QTest::newRow("inside") << "3s_vs_3z" << 16.F << 16.F << "NSEW";
        // Coordinates are cut off, so that half a cell outside in the west and south counts as inside.
        QTest::newRow("west") << "3s_vs_3z" << 0.3F << 16.F << "NSEW";
        QTest::newRow("very west") << "3s_vs_3z" << 0.F << 16.F << "NSE";
        QTest::newRow("south") << "3s_vs_3z" << 16.F << 0.3F << "NSEW";
        QTest::newRow("east") << "3s_vs_3z" << 31.2F << 16.F << "NSW";
        QTest::newRow("north") << "3s_vs_3z" << 16.F << 31.2F << "SEW";
        QTest::newRow("northern wall") << "2s3z" << 16.F << 23.5F << "SEW";
        QTest::newRow("southern wall") << "2s3z" << 16.F << 8.2F << "NEW";
    }
    void movesAreLegalWhereTheyLeadToGround() {
        QFETCH(QString, name);
        QFETCH(float, x);
        QFETCH(float, y);
        QFETCH(QString, legal);
        Stage stage("smac:" + name.toStdString());
        stage.reset();
        stage.unit(0).position = {x, y};
        QVERIFY(stage.stop());
        const QString moves = "NSEW";
        for (int move = 0; move < 4; ++move) {
            QCOMPARE(stage.legal(0, Observer::North + move), legal.contains(moves[move]));
            QCOMPARE(stage.obsOf(0)[static_cast<std::size_t>(move)], legal.contains(moves[move]) ? 1.F : 0.F);
        }
    }

    void surroundingsAreThoseOfTheCell() {
        Stage stage("smac:2c_vs_64zg", "obs_pathing_grid = true\nobs_terrain_height = true");
        stage.reset();
        stage.unit(0).position = {16.7F, 14.2F};
        stage.unit(1).position = {1.5F, 14.9F};
        QVERIFY(stage.stop());
        constexpr float low = 64 / 255.F;
        constexpr float high = 128 / 255.F;
        // The cliff in row 12 is to the south-west and the south-east.
        COMPARE_VALUES(part(stage.obsOf(0), 4, 17),
                       (Values{1, 1, 1, 1, 1, 0, 0, 1, high, low, high, high, high, low, low, high, high}));
        const Values west = part(stage.obsOf(1), 4, 17);
        QCOMPARE(west[3], 1.F); // outside the map
        QCOMPARE(west[8 + 3], 1.F);
        QCOMPARE(west[8 + 8], low);
    }

    void conesShowWhatIsInFront() {
        for (const bool compat : {false, true}) {
            Stage stage("protoss_5_vs_5",
                        kTwo + "conic_fov = true\n" + (compat ? "compat_cone = true" : "compat_cone = false"));
            stage.reset();
            stage.put(0, UnitType::Stalker, 10, 10);
            stage.put(1, UnitType::Zealot, 1, 30);
            stage.put(2, UnitType::Zealot, 5, 10);  // to the west
            stage.put(3, UnitType::Zealot, 10, 15); // to the north
            QVERIFY(stage.stop());
            QCOMPARE(stage.env->spec().nActions, 6 + 12 + 2);
            QCOMPARE(isBlank(stage, 0, 0), !compat); // behind its back, as everybody looks east at first
            QVERIFY(isBlank(stage, 0, 1));
            QVERIFY(!stage.legal(0, 18 + 1));
            const int own = 4 + 2 * kEnemyWidth + kEnemyWidth;
            COMPARE_VALUES(part(stage.obsOf(0), own + 4, 2), (Values{1, 0}));
            QVERIFY(stage.step({Observer::FirstLook + 3})); // a quarter of a turn
            QVERIFY(isBlank(stage, 0, 0));
            QVERIFY(!isBlank(stage, 0, 1));
            QVERIFY(stage.legal(0, 18 + 1));
            COMPARE_VALUES(part(stage.obsOf(0), own + 4, 2), (Values{0, 1}));
            COMPARE_VALUES(part(stage.state, 5, 2), (Values{0, 1}));
        }
    }

    // Twelve cones of 30 degrees, against the angle between two directions; and where the released test differs.
    void conesAreAsWideAsTheyShouldBe() {
        SmacParams params = defaultsOf(Version::SmacV2);
        params.conicFov = true;
        const Sight mended(params);
        params.compatCone = true;
        const Sight released(params);
        UnitState agent{.type = UnitType::Marine, .position = {16, 16}};
        constexpr double kPi = 3.14159265358979323846;
        for (int look = 0; look < 12; ++look) {
            int more = 0; // bearings that the released code sees beside the cone
            for (int bearing = 0; bearing < 360; ++bearing) {
                const double angle = (bearing + 0.5) * kPi / 180;
                const Vec2 place = agent.position + Vec2{static_cast<float>(5 * std::cos(angle)),
                                                         static_cast<float>(5 * std::sin(angle))};
                const double apart = std::abs(std::remainder(bearing + 0.5 - 30.0 * look, 360.0));
                const Vec2 facing = mended.direction(look);
                QCOMPARE(mended.sees(agent, facing, place), apart < 15.0);
                const bool sees = released.sees(agent, facing, place);
                QVERIFY(sees || apart > 15.0); // none is missed
                more += sees && apart > 15.0 ? 1 : 0;
            }
            // A mirrored cone behind who looks east or west, a wedge of 15 degrees beside the vertical for most others.
            const int expected = look % 6 == 0 ? 30 : look % 3 == 0 ? 0 : 15;
            QVERIFY2(std::abs(more - expected) <= 1, qPrintable(QString("%1: %2").arg(look).arg(more)));
        }
        // As far as sight goes, and no farther; nothing beyond reach can be struck.
        for (const auto& [away, seen] : {std::pair{4.99F, true}, {8.99F, true}, {9.01F, false}}) {
            const Vec2 place = agent.position + Vec2{away, 0};
            QCOMPARE(mended.sees(agent, {1, 0}, place), seen);
            QCOMPARE(mended.reaches(agent, {1, 0}, place), away < 5.F);
        }
    }

    void hiddenTypesAreHiddenOfOthersAlone() {
        const Stage stage = meeting("observe_team = false");
        const Values obs = stage.obsOf(0);
        COMPARE_VALUES(part(obs, 4 + 2 * kEnemyWidth + 6, 3), Values(3));
        COMPARE_VALUES(part(obs, static_cast<int>(obs.size()) - 3, 3), (Values{1, 0, 0}));
    }

    void hiddenLevelsDoNotShowThroughHealth() {
        for (const bool observe : {true, false}) {
            const Stage stage =
                meeting(std::string("health_level = [0.2, 0.2]\nobserve_health = ") + (observe ? "true" : "false"));
            const float left = (0.25F - 0.2F) / 0.8F;
            const int ally = 4 + 2 * kEnemyWidth;
            COMPARE_VALUES(part(stage.obsOf(0), ally + 4, 3), (observe ? Values{left, 1, 0.2F} : Values{0, 1, 0}));
            // Its own, whatever others may see: health, shield, level.
            COMPARE_VALUES(part(stage.obsOf(1), ally + 10, 3), (Values{left, 1, 0.2F}));
            QVERIFY(std::abs(stage.state[9] - left) < 1e-5F); // in the state, too
        }
    }

    void maskedEnemiesShowWhereTheyAre() {
        const Stage stage = meeting("enemy_mask_probability = 0.0");
        COMPARE_VALUES(part(stage.obsOf(0), 4, kEnemyWidth), (Values{1, 0.5F, 0, 0.5F, 0, 0, 0, 0, 0}));
    }

    void theDeadObserveNothingButTheTime() {
        Stage stage("protoss_5_vs_5", kTwo + "obs_timestep_number = true");
        stage.reset();
        stage.unit(0).health = 0;
        QVERIFY(stage.stop());
        Values expected(static_cast<std::size_t>(stage.env->spec().obsDim));
        expected.back() = 1 / 200.F;
        COMPARE_VALUES(stage.obsOf(0), expected);
    }

    void fullObservationsHaveNoLimit() {
        for (const char* scenario : {"protoss_5_vs_5", "protoss_5_vs_5_epo"}) {
            Stage stage(scenario, kTwo + "fully_observable = true");
            stage.reset();
            stage.put(0, UnitType::Stalker, 1, 1);
            stage.put(1, UnitType::Stalker, 31, 1);
            stage.put(2, UnitType::Zealot, 31, 31);
            stage.put(3, UnitType::Zealot, 1, 31);
            QVERIFY(stage.stop());
            for (int agent = 0; agent < 2; ++agent) {
                QVERIFY(!isBlank(stage, agent, 0) && !isBlank(stage, agent, 1));
                QCOMPARE(stage.obsOf(agent)[4 + 2 * kEnemyWidth], 1.F);
            }
        }
    }

    // Both see the enemy; whoever looked first owns it until one of them dies.
    void enemiesBelongToWhoSawThemFirst() {
        Stage stage("protoss_5_vs_5_epo", kTwo);
        stage.reset();
        stage.put(0, UnitType::Stalker, 10, 10);
        stage.put(1, UnitType::Stalker, 10, 12);
        stage.put(2, UnitType::Zealot, 14, 11);
        stage.put(3, UnitType::Zealot, 14, 30);
        QVERIFY(stage.stop());
        const int owner = isBlank(stage, 0, 0) ? 1 : 0;
        QVERIFY(!isBlank(stage, owner, 0) && isBlank(stage, 1 - owner, 0));
        for (int step = 0; step < 10; ++step) {
            QVERIFY(stage.stop());
            QVERIFY(!isBlank(stage, owner, 0) && isBlank(stage, 1 - owner, 0));
        }
        stage.unit(owner).health = 0;
        QVERIFY(stage.stop());
        QVERIFY(!isBlank(stage, 1 - owner, 0));
    }

    void withEveryChanceEverybodyMaySee() {
        Stage stage("protoss_5_vs_5", kTwo + "prob_obs_enemy = 0.9999999");
        stage.reset();
        stage.put(0, UnitType::Stalker, 10, 10);
        stage.put(1, UnitType::Stalker, 10, 12);
        stage.put(2, UnitType::Zealot, 14, 11);
        QVERIFY(stage.stop());
        QVERIFY(!isBlank(stage, 0, 0) && !isBlank(stage, 1, 0));
    }

    // As released: an enemy that nobody has shown to this agent blanks the rows before it, also a dead one, unless its
    // corpse is in somebody's sight.
    void unseenEnemiesBlankThoseBeforeThem() {
        for (const bool compat : {false, true}) {
            Stage stage("protoss_5_vs_5", kTwo + "compat_enemy_wipe = " + (compat ? "true" : "false"));
            stage.engine->onBegin = [&stage]() -> Result<void> {
                stage.put(0, UnitType::Stalker, 10, 10);
                stage.put(1, UnitType::Stalker, 10, 12);
                stage.put(2, UnitType::Zealot, 14, 11);
                stage.put(3, UnitType::Zealot, 30, 30); // in nobody's sight
                return {};
            };
            stage.reset();
            QVERIFY(stage.stop());
            QCOMPARE(isBlank(stage, 0, 0), compat);
            stage.unit(3).position = {12, 11};
            QVERIFY(stage.stop());
            QVERIFY(stage.stop()); // whoever looked after its owner has been shown it now
            QVERIFY(!isBlank(stage, 0, 0) && !isBlank(stage, 0, 1));
            stage.unit(3).health = 0;
            QVERIFY(stage.stop());
            int blank = isBlank(stage, 0, 0) + isBlank(stage, 1, 0);
            QVERIFY(compat ? blank <= 1 : blank == 0); // the second to look, or nobody
            stage.unit(3).position = {30, 30};
            QVERIFY(stage.stop());
            blank = isBlank(stage, 0, 0) + isBlank(stage, 1, 0);
            QCOMPARE(blank, compat ? 2 : 0);
        }
    }

    // One agent sees an enemy before its friend has: the rows of whoever is observed earlier are blank, once.
    void blanksFollowTheOrderOfLooks() {
        int first = 0;
        constexpr int kEpisodes = 400;
        for (std::uint64_t episode = 0; episode < kEpisodes; ++episode) {
            Stage stage("protoss_5_vs_5", kTwo + "compat_enemy_wipe = true");
            stage.engine->onBegin = [&stage]() -> Result<void> {
                stage.put(0, UnitType::Stalker, 10, 10);
                stage.put(1, UnitType::Stalker, 10, 22);
                stage.put(2, UnitType::Zealot, 12, 16); // seen by both
                stage.put(3, UnitType::Zealot, 10, 30); // by agent 1 alone
                return {};
            };
            stage.reset(episode);
            first += isBlank(stage, 0, 0) ? 1 : 0;
            QVERIFY(!isBlank(stage, 1, 0) && !isBlank(stage, 1, 1));
            QVERIFY(stage.stop());
            QVERIFY(!isBlank(stage, 0, 0));
        }
        QVERIFY(std::abs(first - kEpisodes / 2) < 60);
    }

    // Every value has a name, whatever is observed, and the value of that name is what it says.
    void everyValueHasItsName() {
        const char* const options[] = {
            "",
            "obs_own_pos = false\nobs_all_health = false\nobs_own_health = false",
            "obs_pathing_grid = true\nobs_terrain_height = true\nobs_timestep_number = true",
            "conic_fov = true\nobs_last_action = true\nattack_probability = [0.5, 0.9]\nhealth_level = [0.1, 0.2]",
            "obs_starcraft = false\nobs_timestep_number = true",
        };
        for (const char* const more : options) {
            const Stage stage = meeting(more);
            const EnvView view = stage.env->view();
            QCOMPARE(view.featureNames.size(), static_cast<std::size_t>(stage.env->spec().obsDim));
            QVERIFY(std::set<std::string>(view.featureNames.begin(), view.featureNames.end()).size() ==
                    view.featureNames.size());
            const Values obs = stage.obsOf(0);
            const auto value = [&](const char* name, float otherwise) {
                const auto found = std::ranges::find(view.featureNames, name);
                return found == view.featureNames.end()
                           ? otherwise
                           : obs[static_cast<std::size_t>(found - view.featureNames.begin())];
            };
            const auto is = [&](const char* name, float expected) {
                return std::abs(value(name, expected) - expected) < 1e-5F;
            };
            QVERIFY(is("own x", 10.F / 32.F) && is("own y", 10.F / 32.F));
            QVERIFY(is("own stalker", 1.F) && is("own zealot", 0.F));
            QVERIFY(is("own shield", 0.25F) && is("enemy 1 colossus", 1.F));
            const bool looksEast = std::string(more).find("conic") != std::string::npos; // enemy 0 is in the north
            QVERIFY(looksEast || (is("enemy 0 in reach", 1.F) && is("enemy 0 dy", 0.5F) && is("enemy 0 health", 0.5F)));
            QVERIFY(is("enemy 1 in reach", 0.F) && is("enemy 1 dx", 0.9F));
            QVERIFY(looksEast || (is("friend 0 visible", 1.F) && is("friend 0 dx", 0.3F) && is("friend 0 dy", -0.4F)));
            QVERIFY(is("looks to x", 1.F) && is("time", 1.F / 200.F) && is("ground north-east", 1.F));
        }
        for (const Scenario& map : scenarios()) {
            const Stage stage("smac:" + std::string(map.name));
            QCOMPARE(stage.env->view().featureNames.size(), static_cast<std::size_t>(stage.env->spec().obsDim));
            QCOMPARE(stage.env->observer().actionNames().size(), static_cast<std::size_t>(stage.env->spec().nActions));
        }
    }

    void statesCanBeAllObservations() {
        const Stage stage = meeting("obs_instead_of_state = true");
        COMPARE_VALUES(stage.state, stage.obs);
    }

    void withoutAMaskEveryLivingTargetIsLegal() {
        const Stage stage = meeting("action_mask = false");
        QVERIFY(stage.legal(0, 6) && stage.legal(0, 7) && stage.legal(1, 6) && stage.legal(1, 7));
        QCOMPARE(stage.obsOf(0)[4], 1.F);
        QCOMPARE(stage.obsOf(0)[4 + kEnemyWidth], 0.F); // the flag is about the reach all the same
    }
};

QTEST_APPLESS_MAIN(TestSmacObserver)
#include "tst_smac_observer.moc"
