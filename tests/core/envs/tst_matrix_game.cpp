// SPDX-License-Identifier: GPL-3.0-or-later
#include <QTest>

#include <cmath>
#include <map>

#include "core/envs/matrix_game.h"
#include "played.h"

using namespace knife;

namespace {

std::unique_ptr<Environment> make(const std::string& toml) {
    return makeEnvironment(envSection("name = \"matrix\"\n" + toml)).value();
}

float rewardOf(Environment& environment, const std::vector<std::int32_t>& actions, const EpisodeKey& key = {}) {
    Sight sight(environment.spec());
    environment.reset(key, sight.spans());
    return environment.step(actions, sight.spans()).value().reward;
}

} // namespace

class TestMatrixGame : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void oneStepEndsAtOnce();
    void freeTables();
    void agentsWithFewerActionsFindTheRestIllegal();
    void illegalActionsAreNamedAndChangeNothing();
    void observationKinds();
    void coinsFallBothWaysAndFollowTheKey();
    void noiseKeepsTheMean();
    void twoStepIsPlayedThrough();
    void horizonTruncates();
    void viewShowsTheTable();
    void savedGamesGoOn();
    void damagedSavesAreRefused();
    void badParametersAreNamed_data();
    void badParametersAreNamed();
};

void TestMatrixGame::oneStepEndsAtOnce() {
    const auto game = make("table = \"qtran\"");
    const EnvSpec expected{"matrix", 2, 3, 5, 5, 1, false};
    QVERIFY(game->spec() == expected);
    Sight sight(game->spec());
    game->reset({}, sight.spans());
    QCOMPARE(sight.obs, std::vector<float>(10, 1.F));
    QCOMPARE(sight.state, std::vector<float>(5, 1.F));
    QCOMPARE(sight.avail, std::vector<std::uint8_t>(6, 1));
    const auto outcome = game->step(std::vector<std::int32_t>{0, 1}, sight.spans());
    QVERIFY(outcome.has_value());
    QCOMPARE(outcome->reward, -12.F);
    QVERIFY(outcome->terminated);
    QVERIFY(!outcome->truncated);
    QCOMPARE(rewardOf(*game, {0, 0}), 8.F);
    QCOMPARE(rewardOf(*game, {2, 1}), 0.F);
}

void TestMatrixGame::freeTables() {
    const auto two = make("table = \"free\"\npayoff = [[1, 2, 3], [4, 5, 6]]");
    QCOMPARE(two->spec().nActions, 3);
    QCOMPARE(rewardOf(*two, {1, 2}), 6.F);
    const auto three = make("table = \"free\"\nshape = [2, 2, 2]\npayoff_flat = [0, 1, 2, 3, 4, 5, 6, 7]");
    QCOMPARE(three->spec().nAgents, 3);
    QCOMPARE(rewardOf(*three, {1, 0, 1}), 5.F);
    const auto named = make("table = \"monotone\"\nagents = 4\nsize = 2");
    QCOMPARE(named->spec().nAgents, 4);
    QCOMPARE(rewardOf(*named, {1, 1, 1, 1}), 16.F);
}

void TestMatrixGame::agentsWithFewerActionsFindTheRestIllegal() {
    const auto game = make("table = \"free\"\npayoff = [[1, 2, 3], [4, 5, 6]]");
    Sight sight(game->spec());
    game->reset({}, sight.spans());
    QCOMPARE(sight.avail, (std::vector<std::uint8_t>{1, 1, 0, 1, 1, 1}));
    const auto outcome = game->step(std::vector<std::int32_t>{2, 0}, sight.spans());
    QVERIFY(!outcome);
    QCOMPARE(outcome.error().message, std::string("matrix: agent 0: there is no action 2; expected 0 to 1"));
}

void TestMatrixGame::illegalActionsAreNamedAndChangeNothing() {
    const auto game = make("");
    Sight sight(game->spec());
    QVERIFY(!game->step(std::vector<std::int32_t>{0, 0}, sight.spans())); // before the first reset
    game->reset({}, sight.spans());
    const auto negative = game->step(std::vector<std::int32_t>{0, -1}, sight.spans());
    QVERIFY(!negative);
    QVERIFY(negative.error().code == ErrorCode::IllegalAction);
    QCOMPARE(negative.error().message, std::string("matrix: agent 1: there is no action -1; expected 0 to 2"));
    const auto few = game->step(std::vector<std::int32_t>{0}, sight.spans());
    QVERIFY(!few);
    QCOMPARE(few.error().message, std::string("matrix: expected an action for each of 2 agents, got 1"));
    QVERIFY(game->step(std::vector<std::int32_t>{0, 0}, sight.spans()).has_value());
    const auto late = game->step(std::vector<std::int32_t>{0, 0}, sight.spans());
    QVERIFY(!late);
    QVERIFY(late.error().message.find("has ended") != std::string::npos);
}

void TestMatrixGame::observationKinds() {
    const auto zeros = make("observation = \"zeros\"");
    QCOMPARE(zeros->spec().obsDim, 2);
    const auto task = make("observation = \"task_id\"\ntask_id = 2\ntask_count = 4");
    Sight sight(task->spec());
    task->reset({}, sight.spans());
    QCOMPARE(sight.state, (std::vector<float>{0, 0, 1, 0}));
    QCOMPARE(sight.obs, (std::vector<float>{0, 0, 1, 0, 0, 0, 1, 0}));
}

void TestMatrixGame::coinsFallBothWaysAndFollowTheKey() {
    const auto game = make("table = \"climbing_partially_stochastic\"");
    const auto twin = make("table = \"climbing_partially_stochastic\"");
    std::map<float, int> seen;
    int differentWhenGreedy = 0;
    for (std::uint64_t episode = 0; episode < 2000; ++episode) {
        const float reward = rewardOf(*game, {1, 1}, {5, false, episode});
        QCOMPARE(rewardOf(*twin, {1, 1}, {5, false, episode}), reward);
        differentWhenGreedy += rewardOf(*twin, {1, 1}, {5, true, episode}) != reward ? 1 : 0;
        ++seen[reward];
    }
    QCOMPARE(seen.size(), std::size_t{2});
    QVERIFY(std::abs(seen[14.F] - 1000) < 120); // five standard deviations
    QVERIFY(std::abs(differentWhenGreedy - 1000) < 120);
}

void TestMatrixGame::noiseKeepsTheMean() {
    const auto game = make("table = \"qtran\"\nnoise = 2.5");
    double sum = 0.0;
    for (std::uint64_t episode = 0; episode < 4000; ++episode) {
        const float reward = rewardOf(*game, {0, 0}, {5, false, episode});
        QVERIFY(reward == 5.5F || reward == 10.5F);
        sum += static_cast<double>(reward);
    }
    QVERIFY(std::abs(sum / 4000 - 8.0) < 0.2);
    // Each step tosses its own coin.
    const auto longer = make("table = \"mmdp\"\nnoise = 1.0");
    Sight sight(longer->spec());
    longer->reset({}, sight.spans());
    int up = 0;
    for (int step = 0; step < 100; ++step) {
        up += longer->step(std::vector<std::int32_t>{0, 0}, sight.spans())->reward > 1.F ? 1 : 0;
    }
    QVERIFY(up > 25 && up < 75);
}

void TestMatrixGame::twoStepIsPlayedThrough() {
    const auto game = make("table = \"two_step\"");
    Sight sight(game->spec());
    game->reset({}, sight.spans());
    QCOMPARE(sight.state, (std::vector<float>{1, 0, 0}));
    auto outcome = game->step(std::vector<std::int32_t>{1, 0}, sight.spans());
    QVERIFY(outcome.has_value());
    QCOMPARE(outcome->reward, 0.F);
    QVERIFY(!outcome->terminated);
    QCOMPARE(sight.state, (std::vector<float>{0, 0, 1}));
    outcome = game->step(std::vector<std::int32_t>{1, 1}, sight.spans());
    QCOMPARE(outcome->reward, 8.F);
    QVERIFY(outcome->terminated);
    QCOMPARE(game->view().episodeReturn, 8.F);
}

void TestMatrixGame::horizonTruncates() {
    const auto game = make("table = \"mmdp\"\nhorizon = 3");
    Sight sight(game->spec());
    game->reset({}, sight.spans());
    for (int step = 0; step < 3; ++step) {
        const auto outcome = game->step(std::vector<std::int32_t>{0, 0}, sight.spans());
        QVERIFY(outcome.has_value());
        QCOMPARE(outcome->truncated, step == 2);
        QVERIFY(!outcome->terminated);
    }
}

void TestMatrixGame::viewShowsTheTable() {
    const auto game = make("table = \"penalty\"\npenalty = -4\ntitle = \"steep\"");
    Sight sight(game->spec());
    game->reset({1, true, 3}, sight.spans());
    QVERIFY(game->step(std::vector<std::int32_t>{2, 2}, sight.spans()).has_value());
    const EnvView view = game->view();
    QCOMPARE(view.envName, std::string("matrix"));
    QVERIFY(view.greedy);
    QCOMPARE(view.step, 1);
    QCOMPARE(view.lastReward, 10.F);
    const auto& matrix = std::get<MatrixView>(view.scene);
    QCOMPARE(matrix.title, std::string("steep"));
    QCOMPARE(matrix.shape, (std::vector<int>{3, 3}));
    QCOMPARE(matrix.payoff, (std::vector<float>{10, 0, -4, 0, 2, 0, -4, 0, 10}));
    QCOMPARE(matrix.lastActions, (std::vector<int>{2, 2}));
}

void TestMatrixGame::savedGamesGoOn() {
    const std::string config = "table = \"nstep\"\nsteps = 5\nnoise = 1.0";
    const auto game = make(config);
    const auto other = make(config);
    Sight sight(game->spec());
    Sight otherSight(game->spec());
    game->reset({9, false, 4}, sight.spans());
    QVERIFY(game->step(std::vector<std::int32_t>{0, 0}, sight.spans()).has_value());
    const std::vector<std::byte> saved = game->save();
    QVERIFY(other->restore(saved).has_value());
    QVERIFY(other->view() == game->view());
    QCOMPARE(other->save(), saved);
    for (int step = 1; step < 5; ++step) {
        const auto a = game->step(std::vector<std::int32_t>{0, 0}, sight.spans());
        const auto b = other->step(std::vector<std::int32_t>{0, 0}, otherSight.spans());
        QCOMPARE(a->reward, b->reward);
        QVERIFY(sight == otherSight);
    }
}

void TestMatrixGame::damagedSavesAreRefused() {
    const auto game = make("table = \"nstep\"");
    Sight sight(game->spec());
    game->reset({9, false, 4}, sight.spans());
    const std::vector<std::byte> saved = game->save();
    for (std::size_t length = 0; length < saved.size(); ++length) {
        const auto restored = game->restore(std::span(saved).first(length));
        QVERIFY(!restored);
        QVERIFY(restored.error().code == ErrorCode::Corrupt);
    }
    QVERIFY(!make("table = \"nstep\"\nsteps = 7")->restore(saved));
    std::vector<std::byte> longer = saved;
    longer.push_back(std::byte{0});
    QVERIFY(!game->restore(longer));
    QCOMPARE(game->save(), saved);
}

void TestMatrixGame::badParametersAreNamed_data() {
    QTest::addColumn<QString>("toml");
    QTest::addColumn<QString>("expected");
    QTest::newRow("unknown table") << "table = \"qtrna\""
                                   << "test.toml:2:9: env.table: expected one of qtran";
    QTest::newRow("did you mean") << "table = \"qtrna\""
                                  << "did you mean 'qtran'?";
    QTest::newRow("unknown key") << "tabel = \"qtran\""
                                 << "test.toml:2:1: unknown key 'env.tabel'; did you mean 'table'?";
    QTest::newRow("free without payoff") << "table = \"free\""
                                         << "test.toml:2:9: env.table: table = \"free\" needs either payoff";
    QTest::newRow("payoff without free") << "payoff = [[1]]"
                                         << "test.toml:2:10: env.payoff: a table of one's own needs table";
    QTest::newRow("ragged") << "table = \"free\"\npayoff = [[1, 2], [3]]"
                            << "row 1 has 1 entries, row 0 has 2";
    QTest::newRow("empty row") << "table = \"free\"\npayoff = [[]]"
                               << "expected a rectangle";
    QTest::newRow("infinite") << "table = \"free\"\npayoff = [[1, inf]]"
                              << "expected payoffs within";
    QTest::newRow("nan") << "table = \"free\"\npayoff = [[1, nan]]"
                         << "expected a number, got nan";
    QTest::newRow("no shape") << "table = \"free\"\npayoff_flat = [1, 2]"
                              << "payoff_flat needs a shape";
    QTest::newRow("wrong shape") << "table = \"free\"\nshape = [2, 2]\npayoff_flat = [1, 2]"
                                 << "expected 4 entries (the product of shape), got 2";
    QTest::newRow("huge") << "table = \"additive\"\nagents = 16\nsize = 9"
                          << "have more than";
    QTest::newRow("task id") << "task_id = 1"
                             << "expected less than task_count = 1, got 1";
    QTest::newRow("branches") << "table = \"nstep\"\ngood_branches = 3"
                              << "expected 2 or 4, got 3";
    QTest::newRow("noise") << "noise = -1"
                           << "env.noise: expected a number in [0, 1";
}

void TestMatrixGame::badParametersAreNamed() {
    QFETCH(QString, toml);
    QFETCH(QString, expected);
    const std::string error = errorOfMaking("name = \"matrix\"\n" + toml.toStdString());
    QVERIFY2(QString::fromStdString(error).contains(expected), error.c_str());
}

QTEST_APPLESS_MAIN(TestMatrixGame)
#include "tst_matrix_game.moc"
