// SPDX-License-Identifier: GPL-3.0-or-later
#include <cmath>

#include <QTest>

#include "core/envs/scripted_play.h"
#include "tests/core/envs/played.h"

using namespace knife;

class TestScriptedPlay : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    // The mean of the table if every joint action is equally likely: (8 - 4 * 12 + 4 * 0) / 9; its deviation is 7.2.
    void randomPlayIsUniform() {
        const auto record = playEpisodes(envSection("name = 'matrix'\ntable = 'qtran'"), PlayScript::Random, 10'000, 3);
        QVERIFY(record);
        QVERIFY(std::abs(record->meanReturn + 40.0 / 9.0) < 4 * 7.2 / 100.0);
        QCOMPARE(record->meanSteps, 1.0);
        QVERIFY(!record->hasWin);
    }

    void recordsFollowFromTheSeed() {
        const Section battle = envSection("name = 'smacv2'\nscenario = 'zerg_5_vs_5'");
        const auto first = playEpisodes(battle, PlayScript::Random, 20, 7);
        const auto again = playEpisodes(battle, PlayScript::Random, 20, 7);
        const auto other = playEpisodes(battle, PlayScript::Random, 20, 8);
        QVERIFY(first && again && other);
        QCOMPARE(first->meanReturn, again->meanReturn);
        QCOMPARE(first->meanSteps, again->meanSteps);
        QVERIFY(first->meanReturn != other->meanReturn);
    }

    void winsAreCounted() {
        // Who are six against one win, and who is one against six loses. A limit that nobody can win before ends a
        // battle without either.
        const auto play = [](const char* toml, PlayScript script) {
            return playEpisodes(envSection(toml), script, 10, 1).value();
        };
        const char* const many = "name = 'smacv2'\nscenario = 'terran_5_vs_5'\nteam = 'fixed'\n"
                                 "team_items = ['marine marine marine marine marine : marine']\nenemies = 1\n"
                                 "start_positions = 'sides'\n";
        const PlayRecord won = play(many, PlayScript::AttackNearest);
        QVERIFY(won.hasWin);
        QCOMPARE(won.episodes, 10);
        QCOMPARE(won.wins, 10);
        QCOMPARE(won.atLimit, 0);
        const char* const few = "name = 'smacv2'\nscenario = 'terran_5_vs_5'\nteam = 'fixed'\nunits = 1\n"
                                "team_items = ['marine : marine marine marine marine marine marine']\nenemies = 6\n"
                                "start_positions = 'sides'\n";
        const PlayRecord lost = play(few, PlayScript::AttackNearest);
        QCOMPARE(lost.wins, 0);
        QCOMPARE(lost.atLimit, 0);
        const PlayRecord cut = play((std::string(many) + "episode_limit = 3").c_str(), PlayScript::AttackNearest);
        QCOMPARE(cut.wins, 0);
        QCOMPARE(cut.atLimit, 10);
        QCOMPARE(cut.meanSteps, 3.0);
    }

    void attackingNeedsABattle() {
        const auto record =
            playEpisodes(envSection("name = 'matrix'\ntable = 'qtran'"), PlayScript::AttackNearest, 1, 0);
        QVERIFY(!record && record.error().code == ErrorCode::Unsupported);
        const auto unknown = playEpisodes(envSection("name = 'smac'\nscenario = '4m'"), PlayScript::Random, 1, 0);
        QVERIFY(!unknown && unknown.error().code == ErrorCode::Usage);
    }
};

QTEST_APPLESS_MAIN(TestScriptedPlay)
#include "tst_scripted_play.moc"
