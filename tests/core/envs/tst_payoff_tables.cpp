// SPDX-License-Identifier: GPL-3.0-or-later
#include <QTest>

#include <algorithm>

#include "core/envs/payoff_tables.h"

using namespace knife;

using Cells = std::vector<double>;
Q_DECLARE_METATYPE(Cells)

namespace {

Cells meansOf(const PayoffTable& table) {
    Cells means;
    for (std::size_t cell = 0; cell < table.cells(); ++cell) {
        means.push_back(table.mean(cell));
    }
    return means;
}

// Best return from a stage on, by trying everything.
double optimum(const StageGame& game, int stage, int stepsLeft) {
    const GameStage& here = game.stages[static_cast<std::size_t>(stage)];
    double best = -1e9;
    for (std::size_t cell = 0; cell < here.payoff.cells(); ++cell) {
        const bool goesOn = here.ends[cell] == 0 && stepsLeft > 1;
        best = std::max(best, here.payoff.mean(cell) + (goesOn ? optimum(game, here.next[cell], stepsLeft - 1) : 0.0));
    }
    return best;
}

} // namespace

class TestPayoffTables : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void tablesAreThoseOfTheLiterature_data();
    void tablesAreThoseOfTheLiterature();
    void everyNamedTableIsInTheTest();
    void coinsAreOnlyInTheStochasticTables();
    void moreAgentsAndActions();
    void isMonotoneNeedsNoReversal_data();
    void isMonotoneNeedsNoReversal();
    void twoStepGameIsQmix();
    void nStepGame_data();
    void nStepGame();
    void nStepRewardsByHand();
    void mmdpPaysUntilItIsLeft();
};

void TestPayoffTables::tablesAreThoseOfTheLiterature_data() {
    QTest::addColumn<Cells>("cells");
    QTest::addColumn<bool>("monotone");
    QTest::newRow("qtran") << Cells{8, -12, -12, -12, 0, 0, -12, 0, 0} << false;
    QTest::newRow("qplex3") << Cells{8, -12, -12, -12, 6, 0, -12, 0, 6} << false;
    QTest::newRow("qplex1") << Cells{10.4, 0, 10, 0, 10, 10, 10, 10, 10} << false;
    QTest::newRow("one_step_soft") << Cells{12, -0.1, -0.1, -0.1, 0, 0, -0.1, 0, 0} << false;
    QTest::newRow("one_step_hard") << Cells{12, -12, -12, -12, 0, 0, -12, 0, 0} << false;
    QTest::newRow("one_step_weighted") << Cells{12, 0, 10, 0, 0, 10, 10, 10, 10} << false;
    QTest::newRow("coordination") << Cells{1, 0, 0, 1} << false;
    QTest::newRow("identity") << Cells{1, 0, 0, 0, 1, 0, 0, 0, 1} << false;
    QTest::newRow("additive") << Cells{0, 1, 2, 1, 2, 3, 2, 3, 4} << true;
    QTest::newRow("monotone") << Cells{1, 2, 3, 2, 4, 6, 3, 6, 9} << true;
    QTest::newRow("climbing") << Cells{11, -30, 0, -30, 7, 6, 0, 0, 5} << false;
    QTest::newRow("penalty") << Cells{10, 0, -30, 0, 2, 0, -30, 0, 10} << false;
    QTest::newRow("climbing_partially_stochastic") << Cells{11, -30, 0, -30, 7, 6, 0, 0, 5} << false;
    QTest::newRow("climbing_fully_stochastic") << Cells{11, -30, 0, -30, 7, 6, 0, 0, 5} << false;
    QTest::newRow("two_step_left") << Cells{7, 7, 7, 7} << true;
    QTest::newRow("two_step_right") << Cells{0, 1, 1, 8} << true;
}

void TestPayoffTables::tablesAreThoseOfTheLiterature() {
    QFETCH(Cells, cells);
    QFETCH(bool, monotone);
    const PayoffTable table = tableByName(QTest::currentDataTag(), {});
    QCOMPARE(meansOf(table), cells);
    QCOMPARE(static_cast<std::size_t>(table.shape[0] * table.shape[1]), table.cells());
    QCOMPARE(isMonotone(table), monotone);
}

void TestPayoffTables::everyNamedTableIsInTheTest() {
    QCOMPARE(namedTables().size(), std::size_t{16});
    QCOMPARE(meansOf(tableByName("qplex1", {.weight = 13})).front(), 13.0);
    QCOMPARE(meansOf(tableByName("penalty", {.penalty = -5}))[2], -5.0);
}

void TestPayoffTables::coinsAreOnlyInTheStochasticTables() {
    for (const NamedTable& named : namedTables()) {
        QCOMPARE(tableByName(named.name, {}).stochastic(), named.name.find("stochastic") != std::string::npos);
    }
    const PayoffTable partly = tableByName("climbing_partially_stochastic", {});
    QCOMPARE(partly.low[4], 0.0);
    QCOMPARE(partly.high[4], 14.0);
    const PayoffTable fully = tableByName("climbing_fully_stochastic", {});
    QCOMPARE(fully.low, (Cells{10, -65, -8, -65, 0, 0, -5, -5, 0}));
    QCOMPARE(fully.high, (Cells{12, 5, 8, 5, 14, 12, 5, 5, 10}));
}

void TestPayoffTables::moreAgentsAndActions() {
    const PayoffTable sum = tableByName("additive", {.agents = 3, .size = 2});
    QCOMPARE(sum.shape, (std::vector<int>{2, 2, 2}));
    QCOMPARE(sum.low, (Cells{0, 1, 1, 2, 1, 2, 2, 3}));
    QVERIFY(isMonotone(sum));
    const PayoffTable product = tableByName("monotone", {.agents = 3, .size = 2});
    QCOMPARE(product.low, (Cells{1, 2, 2, 4, 2, 4, 4, 8}));
    QVERIFY(isMonotone(product));
    const PayoffTable same = tableByName("identity", {.agents = 3, .size = 2});
    QCOMPARE(same.low, (Cells{1, 0, 0, 0, 0, 0, 0, 1}));
    QVERIFY(!isMonotone(same));
}

void TestPayoffTables::isMonotoneNeedsNoReversal_data() {
    QTest::addColumn<Cells>("cells");
    QTest::addColumn<bool>("monotone");
    QTest::newRow("constant") << Cells{3, 3, 3, 3} << true;
    QTest::newRow("ties reverse nothing") << Cells{0, 0, 0, 1} << true;
    QTest::newRow("decreasing") << Cells{4, 2, 3, 1} << true;
    QTest::newRow("row order flips") << Cells{1, 2, 2, 1} << false;
    QTest::newRow("only the second agent flips") << Cells{1, 2, 6, 5} << false;
}

void TestPayoffTables::isMonotoneNeedsNoReversal() {
    QFETCH(Cells, cells);
    QFETCH(bool, monotone);
    QCOMPARE(isMonotone({{2, 2}, cells, cells}), monotone);
}

void TestPayoffTables::twoStepGameIsQmix() {
    const StageGame game = twoStepGame();
    QCOMPARE(game.episodeLimit, 2);
    QCOMPARE(optimum(game, 0, 2), 8.0);
    // The first agent alone decides.
    QCOMPARE(game.stages[0].next, (std::vector<int>{1, 1, 2, 2}));
    QCOMPARE(meansOf(game.stages[1].payoff), (Cells{7, 7, 7, 7}));
    QCOMPARE(meansOf(game.stages[2].payoff), (Cells{0, 1, 1, 8}));
}

void TestPayoffTables::nStepGame_data() {
    QTest::addColumn<int>("steps");
    QTest::addColumn<int>("goodBranches");
    QTest::addColumn<double>("best");
    QTest::newRow("k 1") << 1 << 4 << 1.0;
    QTest::newRow("k 2") << 2 << 4 << 5.0;
    QTest::newRow("k 4") << 4 << 4 << 7.0;
    QTest::newRow("k 4, two good") << 4 << 2 << 7.0;
    QTest::newRow("k 10, two good") << 10 << 2 << 13.0;
}

void TestPayoffTables::nStepGame() {
    QFETCH(int, steps);
    QFETCH(int, goodBranches);
    QFETCH(double, best);
    const StageGame game = knife::nStepGame(steps, goodBranches);
    QCOMPARE(game.episodeLimit, steps);
    QCOMPARE(optimum(game, 0, steps), best);
    for (const GameStage& stage : game.stages) {
        QCOMPARE(stage.features.size(), static_cast<std::size_t>(steps == 1 ? 2 : steps + 5));
        for (const int next : stage.next) {
            QVERIFY(next >= 0 && next < static_cast<int>(game.stages.size()));
        }
    }
}

void TestPayoffTables::nStepRewardsByHand() {
    const StageGame game = knife::nStepGame(3, 2);
    QCOMPARE(meansOf(game.stages[0].payoff), (Cells{1, 0, 0, 1})); // branches 1 and 2 are bad
    QCOMPARE(game.stages[0].ends, (std::vector<std::uint8_t>{0, 1, 1, 0}));
    const int second = game.stages[0].next[3]; // step 1 of branch 3
    QCOMPARE(meansOf(game.stages[static_cast<std::size_t>(second)].payoff), (Cells{0, 0, 0, 1}));
    QCOMPARE(game.stages[static_cast<std::size_t>(second)].features, (std::vector<float>{0, 1, 0, 0, 0, 0, 0, 1}));
    const int first = game.stages[0].next[0]; // step 1 of branch 0
    const int last = game.stages[static_cast<std::size_t>(first)].next[0];
    QCOMPARE(meansOf(game.stages[static_cast<std::size_t>(last)].payoff), (Cells{1, 1, 1, 4}));
    QCOMPARE(game.stages[static_cast<std::size_t>(last)].ends, (std::vector<std::uint8_t>{1, 1, 1, 1}));
}

void TestPayoffTables::mmdpPaysUntilItIsLeft() {
    const StageGame game = mmdpGame(1.0, 6);
    QCOMPARE(optimum(game, 0, 6), 6.0);
    QCOMPARE(game.stages[0].next, (std::vector<int>{0, 0, 0, 1}));
    QCOMPARE(optimum(game, 1, 6), 0.0);
}

QTEST_APPLESS_MAIN(TestPayoffTables)
#include "tst_payoff_tables.moc"
