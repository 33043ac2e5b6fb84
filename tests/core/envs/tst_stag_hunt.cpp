// SPDX-License-Identifier: GPL-3.0-or-later
// The rules, one by one, on boards small enough to work out by hand.
#include <QTest>

#include <algorithm>

#include "core/envs/stag_hunt.h"
#include "played.h"

using namespace knife;

namespace {

using Actions = std::vector<std::int32_t>;

// A hunt on a 5x5 grid with what a test needs on top. Prey rest, so that only what the test provokes happens.
class Hunt {
  public:
    Hunt(int agents, int stags, int hares, const std::string& more)
        : environment(paramsOf(agents, stags, hares, more)), sight(environment.spec()) {}

    // Agents and prey stand where they are told; nothing is frozen, all prey live.
    void place(const std::vector<GridCell>& agents, const std::vector<GridCell>& prey, int facing = 0) {
        StagHuntBoard board;
        for (const GridCell& cell : agents) {
            board.agents.push_back({cell, false, facing, -1});
        }
        for (const GridCell& cell : prey) {
            board.prey.push_back({cell, true});
        }
        set(board);
    }
    void set(const StagHuntBoard& board) {
        const auto done = environment.setBoard(board, {1, false, 0}, sight.spans());
        if (!done) {
            qFatal("%s", done.error().message.c_str());
        }
    }
    StepOutcome step(const Actions& actions) {
        const auto outcome = environment.step(actions, sight.spans());
        if (!outcome) {
            qFatal("%s", outcome.error().message.c_str());
        }
        return *outcome;
    }
    std::vector<float> obs(int agent) const {
        const auto width = static_cast<std::size_t>(environment.spec().obsDim);
        const auto begin = sight.obs.begin() + static_cast<std::ptrdiff_t>(width) * agent;
        return {begin, begin + static_cast<std::ptrdiff_t>(width)};
    }
    std::vector<std::uint8_t> avail(int agent) const {
        const int width = environment.spec().nActions;
        return {sight.avail.begin() + agent * width, sight.avail.begin() + (agent + 1) * width};
    }
    const StagHuntBoard& board() const { return environment.board(); }

    StagHunt environment;
    Sight sight;

  private:
    static StagHuntParams paramsOf(int agents, int stags, int hares, const std::string& more) {
        const std::string toml = "name = \"stag_hunt\"\nn_agents = " + std::to_string(agents) +
                                 "\nn_stags = " + std::to_string(stags) + "\nn_hare = " + std::to_string(hares) + "\n" +
                                 more;
        Section base = envSection("world_shape = [5, 5]\nagent_obs = [1, 1]\np_stags_rest = 1\np_hare_rest = 1\n");
        const auto params = readStagHuntParams(base.mergedWith(envSection(toml)));
        if (!params) {
            qFatal("%s", params.error().message.c_str());
        }
        return *params;
    }
};

constexpr std::int32_t kRight = StagHunt::Right;
constexpr std::int32_t kDown = StagHunt::Down;
constexpr std::int32_t kLeft = StagHunt::Left;
constexpr std::int32_t kUp = StagHunt::Up;
constexpr std::int32_t kStay = StagHunt::Stay;
constexpr std::int32_t kCatch = StagHunt::Catch;

} // namespace

class TestStagHunt : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void twoCatchAStag();
    void oneAloneIsPunished();
    void aBystanderDoesNotHelp();
    void oneCatchesAHare();
    void onePunishmentPerPrey();
    void withoutFreezingOneCatchCountsForAllPreyBeside();
    void withFreezingOneCatchCountsOnce();
    void frozenAgentsLeaveTheGridOrStay();
    void hunterShareMultipliesHares();
    void oneHunterAmongTheCatchersIsEnough();
    void huntersAreFixed();
    void hemmedInPreyIsCaptured();
    void preyAloneDoesNotCaptureItself();
    void blockedAgentsStay();
    void stayingCollidesWithOneself();
    void agentsMayShareCellsWhenNothingBlocks();
    void boundedMovesAreMasked();
    void toroidalWorldsWrapMovementOnly();
    void preyFleesToTheOnlyFreeCell();
    void agentsInTheirCellScarePreyOff();
    void orderIsRandom();
    void windowAtACorner();
    void windowWithIdsAndWalls();
    void oneHotWalls();
    void wholeGridObservation();
    void conesLookWhereAgentsFace();
    void lookingTurns();
    void movingTurnsWithoutLookActions();
    void catchReachesOnlyForwardWhenDirected();
    void ghostsChangeTheSign();
    void captureCanEndTheEpisode();
    void limitTruncatesOrTerminates();
    void allFrozenEndsTheEpisode();
    void slopesStopClimbers();
    void mountainSpawnRows();
    void resetPlacesEverybodyOnceAndFollowsTheKey();
    void illegalActionsChangeNothing();
    void impossibleBoardsAreRefused();
    void savedGamesGoOn();
    void damagedSavesAreRefused();
    void viewShowsTheBoard();
    void badParametersAreNamed_data();
    void badParametersAreNamed();
    void presetsAreOverridable();
};

void TestStagHunt::twoCatchAStag() {
    Hunt hunt(3, 2, 0, "");
    hunt.place({{2, 1}, {2, 3}, {4, 4}}, {{2, 2}, {0, 4}});
    const StepOutcome outcome = hunt.step({kCatch, kCatch, kStay});
    QCOMPARE(outcome.reward, 10.F);
    QVERIFY(!outcome.terminated);
    QVERIFY(!hunt.board().prey[0].alive);
    QVERIFY(hunt.board().agents[0].frozen && hunt.board().agents[1].frozen && !hunt.board().agents[2].frozen);
    QCOMPARE(hunt.sight.state[(2 * 5 + 2) * 3 + 1], 0.F);
}

void TestStagHunt::oneAloneIsPunished() {
    Hunt hunt(2, 1, 0, "");
    hunt.place({{2, 1}, {4, 4}}, {{2, 2}});
    const StepOutcome outcome = hunt.step({kCatch, kStay});
    QCOMPARE(outcome.reward, -2.F);
    QVERIFY(hunt.board().prey[0].alive);
    QVERIFY(!hunt.board().agents[0].frozen);
}

void TestStagHunt::aBystanderDoesNotHelp() {
    Hunt hunt(2, 1, 0, "miscapture_punishment = -1.5");
    hunt.place({{2, 1}, {2, 3}}, {{2, 2}});
    QCOMPARE(hunt.step({kCatch, kStay}).reward, -1.5F);
    QCOMPARE(hunt.step({kStay, kStay}).reward, 0.F);
    QCOMPARE(hunt.step({kCatch, kCatch}).reward, 10.F);
}

void TestStagHunt::oneCatchesAHare() {
    Hunt hunt(2, 1, 1, "");
    hunt.place({{2, 1}, {4, 4}}, {{0, 4}, {2, 2}});
    QCOMPARE(hunt.step({kCatch, kStay}).reward, 1.F);
    QVERIFY(!hunt.board().prey[1].alive);
    QVERIFY(hunt.board().agents[0].frozen);
}

void TestStagHunt::onePunishmentPerPrey() {
    Hunt hunt(2, 3, 0, "");
    hunt.place({{2, 2}, {4, 4}}, {{2, 1}, {2, 3}, {1, 2}});
    QCOMPARE(hunt.step({kCatch, kStay}).reward, -6.F);
}

void TestStagHunt::withoutFreezingOneCatchCountsForAllPreyBeside() {
    Hunt hunt(2, 1, 2, "capture_freezes = false");
    hunt.place({{2, 2}, {4, 4}}, {{0, 0}, {2, 1}, {2, 3}});
    QCOMPARE(hunt.step({kCatch, kStay}).reward, 2.F);
    QVERIFY(!hunt.board().agents[0].frozen);
}

void TestStagHunt::withFreezingOneCatchCountsOnce() {
    for (const char* more : {"", "remove_frozen = false"}) {
        Hunt hunt(2, 1, 2, more);
        hunt.place({{2, 2}, {4, 4}}, {{0, 0}, {2, 1}, {2, 3}});
        QCOMPARE(hunt.step({kCatch, kStay}).reward, 1.F); // the second hare finds nobody catching any more
        QVERIFY(hunt.board().prey[1].alive != hunt.board().prey[2].alive);
    }
}

void TestStagHunt::frozenAgentsLeaveTheGridOrStay() {
    for (const bool removed : {true, false}) {
        Hunt hunt(2, 1, 1, removed ? "" : "remove_frozen = false");
        hunt.place({{2, 1}, {2, 0}}, {{0, 4}, {2, 2}});
        hunt.step({kCatch, kStay});
        QCOMPARE(hunt.sight.state[(2 * 5 + 1) * 3], removed ? 0.F : 1.F);
        QCOMPARE(hunt.avail(0), (std::vector<std::uint8_t>{0, 0, 0, 0, 1, 0}));
        // Nobody sees it either way; whether it still sees depends on the option.
        QCOMPARE(hunt.obs(1)[(1 * 3 + 2) * 3], 0.F);
        const std::vector<float> own = hunt.obs(0);
        QCOMPARE(std::count(own.begin(), own.end(), 1.F), removed ? 0 : 1);
        // A frozen agent that stays blocks the way.
        hunt.step({kStay, kRight});
        QCOMPARE(hunt.board().agents[1].cell, (removed ? GridCell{2, 1} : GridCell{2, 0}));
    }
}

void TestStagHunt::hunterShareMultipliesHares() {
    Hunt hunt(2, 1, 2, "n_hunts = 2\nreward_hare = 2\n");
    hunt.place({{2, 1}, {0, 1}}, {{2, 2}, {0, 0}, {4, 4}});
    QCOMPARE(hunt.step({kStay, kCatch}).reward, 10.F);
    Hunt plain(2, 1, 2, "n_hunts = 0\nreward_hare = 2\n");
    plain.place({{2, 1}, {0, 1}}, {{2, 2}, {0, 0}, {4, 4}});
    QCOMPARE(plain.step({kStay, kCatch}).reward, 2.F);
    // A stag pays the same, whoever catches it.
    Hunt stag(2, 1, 1, "n_hunts = 2\nhunter_multiplier = 3\n");
    stag.place({{2, 1}, {2, 3}}, {{2, 2}, {4, 4}});
    QCOMPARE(stag.step({kCatch, kCatch}).reward, 10.F);
}

void TestStagHunt::oneHunterAmongTheCatchersIsEnough() {
    for (int seed = 0; seed < 8; ++seed) {
        Hunt hunt(2, 1, 1, "n_hunts = 1\nhunter_seed = " + std::to_string(seed));
        hunt.place({{2, 1}, {2, 3}}, {{4, 4}, {2, 2}});
        QCOMPARE(hunt.step({kCatch, kCatch}).reward, 5.F);
    }
}

void TestStagHunt::huntersAreFixed() {
    const std::string more = "n_hunts = 3\nhunter_seed = 4\n";
    const Hunt one(8, 1, 0, more);
    const Hunt two(8, 1, 0, more);
    QCOMPARE(one.environment.hunters(), two.environment.hunters());
    QCOMPARE(std::count(one.environment.hunters().begin(), one.environment.hunters().end(), 1), 3);
}

void TestStagHunt::hemmedInPreyIsCaptured() {
    Hunt hunt(3, 1, 1, "capture_action = false");
    hunt.place({{0, 1}, {1, 1}, {4, 4}}, {{0, 0}, {4, 0}});
    QCOMPARE(hunt.environment.spec().nActions, 5);
    // One way out: a stag needs none left, a hare may have one.
    QCOMPARE(hunt.step({kStay, kStay, kLeft}).reward, 0.F);
    QCOMPARE(hunt.step({kStay, kLeft, kLeft}).reward, 10.F); // (1,1) -> (1,0)
    QVERIFY(hunt.board().agents[0].frozen && hunt.board().agents[1].frozen);
    QCOMPARE(hunt.step({kStay, kStay, kLeft}).reward, 1.F); // (4,4) -> (4,1): the hare at (4,0) can only go up
}

void TestStagHunt::preyAloneDoesNotCaptureItself() {
    const std::vector<GridCell> prey = {{0, 0}, {0, 1}, {1, 0}};
    Hunt careful(2, 3, 0, "capture_action = false");
    careful.place({{4, 4}, {4, 3}}, prey);
    QCOMPARE(careful.step({kStay, kStay}).reward, 0.F);
    Hunt careless(2, 3, 0, "capture_action = false\nprevent_cannibalism = false");
    careless.place({{4, 4}, {4, 3}}, prey);
    QCOMPARE(careless.step({kStay, kStay}).reward, 10.F); // only the one in the corner is hemmed in
}

void TestStagHunt::blockedAgentsStay() {
    Hunt hunt(2, 1, 1, "");
    hunt.place({{2, 1}, {4, 3}}, {{2, 2}, {4, 4}});
    hunt.step({kRight, kRight});
    QCOMPARE(hunt.board().agents[0].cell, (GridCell{2, 1}));
    QCOMPARE(hunt.board().agents[1].cell, (GridCell{4, 3}));
    hunt.place({{2, 1}, {2, 2}}, {{0, 0}, {4, 4}});
    hunt.step({kRight, kStay});
    QCOMPARE(hunt.board().agents[0].cell, (GridCell{2, 1}));
    hunt.step({kUp, kLeft}); // whichever moves first, (2,1) becomes free only if agent 0 went first
    QCOMPARE(hunt.board().agents[0].cell, (GridCell{1, 1}));
}

void TestStagHunt::stayingCollidesWithOneself() {
    Hunt hunt(3, 1, 0, "reward_collision = -1\nreward_time = -0.25\n");
    hunt.place({{0, 0}, {2, 2}, {4, 4}}, {{4, 3}});
    // A free move, a stay (the own cell holds oneself) and a move into prey.
    QCOMPARE(hunt.step({kRight, kStay, kLeft}).reward, -2.25F);
    Hunt open(3, 1, 0, "reward_collision = -1\nagent_move_block = [1]");
    open.place({{0, 0}, {2, 2}, {4, 4}}, {{4, 3}});
    QCOMPARE(open.step({kRight, kStay, kLeft}).reward, -1.F);
}

void TestStagHunt::agentsMayShareCellsWhenNothingBlocks() {
    Hunt hunt(2, 1, 0, "agent_move_block = []\nobserve_ids = true");
    hunt.place({{2, 1}, {2, 3}}, {{2, 2}});
    hunt.step({kRight, kLeft});
    QCOMPARE(hunt.board().agents[0].cell, hunt.board().agents[1].cell);
    // The prey was scared off or stood still; the cell shows the agent with the highest number, and one mark for both.
    QCOMPARE(hunt.obs(0)[4 * 3], 2.F);
    QCOMPARE(hunt.sight.state[(2 * 5 + 2) * 3], 1.F);
    hunt.step({kStay, kUp});
    QCOMPARE(hunt.obs(0)[4 * 3], 1.F);
    QCOMPARE(hunt.sight.state[(2 * 5 + 2) * 3], 1.F);
}

void TestStagHunt::boundedMovesAreMasked() {
    Hunt hunt(3, 1, 0, "");
    hunt.place({{0, 0}, {4, 4}, {2, 2}}, {{2, 3}});
    QCOMPARE(hunt.avail(0), (std::vector<std::uint8_t>{1, 1, 0, 0, 1, 0}));
    QCOMPARE(hunt.avail(1), (std::vector<std::uint8_t>{0, 0, 1, 1, 1, 0}));
    QCOMPARE(hunt.avail(2), (std::vector<std::uint8_t>{1, 1, 1, 1, 1, 1}));
}

void TestStagHunt::toroidalWorldsWrapMovementOnly() {
    Hunt hunt(2, 1, 0, "toroidal = true");
    hunt.place({{0, 0}, {4, 4}}, {{2, 0}});
    QCOMPARE(hunt.avail(0), (std::vector<std::uint8_t>{1, 1, 1, 1, 1, 0}));
    hunt.step({kStay, kDown}); // (4,4) -> (0,4), beside (0,0) only across the edge
    QCOMPARE(hunt.board().agents[1].cell, (GridCell{0, 4}));
    QCOMPARE(hunt.obs(0)[(1 * 3 + 0) * 3], 0.F); // not seen to the left
    hunt.step({kUp, kStay});
    QCOMPARE(hunt.board().agents[0].cell, (GridCell{4, 0}));
    // Prey across the edge can be tried, but is out of reach: neither captured nor punished.
    hunt.place({{2, 4}, {4, 4}}, {{2, 0}});
    QCOMPARE(hunt.avail(0)[kCatch], std::uint8_t{1});
    QCOMPARE(hunt.step({kCatch, kStay}).reward, 0.F);
}

void TestStagHunt::preyFleesToTheOnlyFreeCell() {
    Hunt hunt(2, 1, 0, "p_stags_rest = 0");
    hunt.place({{0, 1}, {4, 4}}, {{0, 0}});
    hunt.step({kStay, kStay});
    QCOMPARE(hunt.board().prey[0].cell, (GridCell{1, 0}));
    QCOMPARE(hunt.sight.state[(1 * 5 + 0) * 3 + 1], 1.F);
    QCOMPARE(hunt.sight.state[1], 0.F);
}

void TestStagHunt::agentsInTheirCellScarePreyOff() {
    Hunt hunt(2, 1, 0, "agent_move_block = []\nmountain_slope = 1");
    hunt.place({{0, 0}, {0, 1}}, {{0, 0}}); // resting for certain, and the only way leads down a slope
    hunt.step({kStay, kStay});
    QCOMPARE(hunt.board().prey[0].cell, (GridCell{1, 0}));
}

void TestStagHunt::orderIsRandom() {
    Hunt hunt(2, 1, 2, "");
    int firstAgentWon = 0;
    int firstHareWasCaught = 0;
    for (std::uint64_t episode = 0; episode < 100; ++episode) {
        hunt.environment.reset({1, false, episode}, hunt.sight.spans());
        StagHuntBoard board = hunt.board();
        board.agents[0].cell = {2, 1};
        board.agents[1].cell = {2, 3};
        board.prey = {{{4, 4}, true}, {{0, 0}, true}, {{0, 4}, true}};
        QVERIFY(hunt.environment.setBoard(board, {1, false, episode}, hunt.sight.spans()).has_value());
        hunt.step({kRight, kLeft});
        firstAgentWon += hunt.board().agents[0].cell == GridCell{2, 2} ? 1 : 0;
        board.prey = {{{4, 4}, true}, {{1, 1}, true}, {{3, 1}, true}};
        QVERIFY(hunt.environment.setBoard(board, {1, false, episode}, hunt.sight.spans()).has_value());
        hunt.step({kCatch, kStay});
        firstHareWasCaught += hunt.board().prey[1].alive ? 0 : 1;
    }
    QVERIFY2(firstAgentWon > 25 && firstAgentWon < 75, std::to_string(firstAgentWon).c_str());
    QVERIFY2(firstHareWasCaught > 25 && firstHareWasCaught < 75, std::to_string(firstHareWasCaught).c_str());
}

void TestStagHunt::windowAtACorner() {
    Hunt hunt(2, 1, 1, "");
    hunt.place({{0, 0}, {1, 1}}, {{0, 1}, {1, 0}});
    std::vector<float> expected(27, 0.F);
    expected[4 * 3 + 0] = 1.F; // itself in the middle
    expected[5 * 3 + 1] = 1.F; // the stag to the right
    expected[7 * 3 + 2] = 1.F; // the hare below
    expected[8 * 3 + 0] = 1.F; // the other agent
    QCOMPARE(hunt.obs(0), expected);
}

void TestStagHunt::windowWithIdsAndWalls() {
    Hunt hunt(2, 2, 2, "observe_ids = true\nobserve_walls = true");
    hunt.place({{0, 0}, {1, 1}}, {{4, 4}, {0, 1}, {4, 3}, {1, 0}});
    std::vector<float> expected(27, 0.F);
    for (const std::size_t wall : {0U, 1U, 2U, 3U, 6U}) {
        expected[wall * 3] = -1.F;
    }
    expected[4 * 3 + 0] = 1.F;
    expected[5 * 3 + 1] = 2.F; // the second stag
    expected[7 * 3 + 2] = 2.F; // the second hare
    expected[8 * 3 + 0] = 2.F;
    QCOMPARE(hunt.obs(0), expected);
    QCOMPARE(hunt.sight.state[1 * 3 + 1], 1.F); // the state never has ids
}

void TestStagHunt::oneHotWalls() {
    Hunt hunt(2, 1, 0, "observe_one_hot = true\nobserve_walls = true");
    QCOMPARE(hunt.environment.spec().obsDim, 45);
    QCOMPARE(hunt.environment.spec().stateDim, 125);
    hunt.place({{0, 0}, {4, 4}}, {{2, 2}});
    const std::vector<float> seen = hunt.obs(0);
    QCOMPARE(seen[0 * 5 + 3], 1.F);
    QCOMPARE(seen[0 * 5 + 0], 0.F);
    QCOMPARE(seen[4 * 5 + 0], 1.F);
    QCOMPARE(std::count(seen.begin(), seen.end(), 1.F), 6);
}

void TestStagHunt::wholeGridObservation() {
    Hunt hunt(2, 1, 0, "observe_state = true");
    QCOMPARE(hunt.environment.spec().obsDim, 5 * 5 * 4);
    hunt.place({{0, 0}, {4, 4}}, {{2, 2}});
    const std::vector<float> seen = hunt.obs(1);
    QCOMPARE(seen[24 * 4 + 3], 1.F);
    QCOMPARE(seen[24 * 4 + 0], 1.F);
    QCOMPARE(seen[0], 1.F);
    QCOMPARE(seen[3], 0.F);
    QCOMPARE(seen[12 * 4 + 1], 1.F);
}

void TestStagHunt::conesLookWhereAgentsFace() {
    // Sight 2, an agent in the middle, a stag two cells ahead in each direction in turn; a hare beside the cone.
    const GridCell ahead[4] = {{2, 4}, {4, 2}, {2, 0}, {0, 2}};
    for (int facing = 0; facing < 4; ++facing) {
        Hunt wide(2, 1, 1, "agent_obs = [2, 2]\ndirected_observations = true\ndirected_cone_narrow = false");
        QCOMPARE(wide.environment.spec().obsDim, 75);
        const GridCell behind = ahead[(facing + 2) % 4];
        wide.place({{2, 2}, {4, 4}}, {ahead[facing], behind}, facing);
        const std::vector<float> seen = wide.obs(0);
        const auto at = [&](GridCell cell, std::size_t feature) {
            return seen[static_cast<std::size_t>(cell.row * 5 + cell.column) * 3 + feature];
        };
        QCOMPARE(at(ahead[facing], 1), 1.F);
        QCOMPARE(at({2, 2}, 0), 1.F);
        QCOMPARE(at(behind, 2), -1.F);
        QCOMPARE(std::count(seen.begin(), seen.end(), -1.F), (25 - 9) * 3);

        Hunt narrow(2, 1, 1, "agent_obs = [2, 2]\ndirected_observations = true");
        QCOMPARE(narrow.environment.spec().obsDim, 27);
        narrow.place({{2, 2}, {4, 4}}, {ahead[facing], behind}, facing);
        const std::vector<float> slim = narrow.obs(0);
        // Three cells two ahead and the one directly ahead; the agent itself is not in it.
        QCOMPARE(std::count(slim.begin(), slim.end(), -1.F), (9 - 4) * 3);
        const GridCell middleOfFar[4] = {{1, 2}, {2, 1}, {1, 0}, {0, 1}};
        const GridCell cell = middleOfFar[facing];
        QCOMPARE(slim[static_cast<std::size_t>(cell.row * 3 + cell.column) * 3 + 1], 1.F);
    }
}

void TestStagHunt::lookingTurns() {
    Hunt hunt(2, 1, 0, "directed_observations = true");
    QCOMPARE(hunt.environment.spec().nActions, 10);
    hunt.place({{2, 2}, {4, 4}}, {{0, 0}}, 0);
    hunt.step({StagHunt::LookUp, kUp});
    QCOMPARE(hunt.board().agents[0].facing, 3);
    QCOMPARE(hunt.board().agents[0].cell, (GridCell{2, 2}));
    QCOMPARE(hunt.board().agents[1].facing, 0); // walking does not turn
    hunt.step({StagHunt::LookLeft, kStay});
    QCOMPARE(hunt.board().agents[0].facing, 2);
}

void TestStagHunt::movingTurnsWithoutLookActions() {
    Hunt hunt(2, 1, 0, "directed_observations = true\ndirected_extra_actions = false");
    QCOMPARE(hunt.environment.spec().nActions, 6);
    hunt.place({{2, 2}, {4, 4}}, {{0, 0}}, 0);
    hunt.step({kUp, kStay});
    QCOMPARE(hunt.board().agents[0].facing, 3);
    QCOMPARE(hunt.board().agents[1].facing, 0);
}

void TestStagHunt::catchReachesOnlyForwardWhenDirected() {
    Hunt hunt(2, 1, 0, "directed_observations = true");
    hunt.place({{2, 2}, {4, 4}}, {{1, 2}}, 0);
    QCOMPARE(hunt.avail(0)[kCatch], std::uint8_t{0});
    hunt.step({StagHunt::LookUp, kStay});
    QCOMPARE(hunt.avail(0)[kCatch], std::uint8_t{1});
}

void TestStagHunt::ghostsChangeTheSign() {
    Hunt hunt(2, 1, 1, "random_ghosts = true\nrandom_ghosts_prob = 0\nrandom_ghosts_mul = -0.5");
    QCOMPARE(hunt.environment.spec().obsDim, 36);
    hunt.place({{0, 1}, {2, 3}}, {{4, 4}, {2, 2}});
    QCOMPARE(hunt.obs(0)[3 * 4 + 3], 1.F); // top left corner of the world, seen from (0,1)
    hunt.step({kStay, kStay});
    QCOMPARE(hunt.obs(0)[3 * 4 + 3], -1.F);
    QCOMPARE(hunt.sight.state[3], 0.F);
    QCOMPARE(hunt.step({kStay, kCatch}).reward, -0.5F);
    Hunt never(2, 1, 1, "random_ghosts = true\nrandom_ghosts_prob = 1");
    never.place({{0, 1}, {2, 3}}, {{4, 4}, {2, 2}});
    never.step({kStay, kStay});
    QCOMPARE(never.step({kStay, kCatch}).reward, 1.F);
}

void TestStagHunt::captureCanEndTheEpisode() {
    Hunt hunt(2, 2, 0, "capture_terminal = true");
    hunt.place({{2, 1}, {2, 3}}, {{2, 2}, {4, 4}});
    QVERIFY(!hunt.step({kStay, kCatch}).terminated);
    const StepOutcome outcome = hunt.step({kCatch, kCatch});
    QVERIFY(outcome.terminated);
    QVERIFY(!outcome.truncated);
    // And the last prey ends it always.
    Hunt last(2, 1, 0, "capture_freezes = false");
    last.place({{2, 1}, {2, 3}}, {{2, 2}});
    QVERIFY(last.step({kCatch, kCatch}).terminated);
}

void TestStagHunt::limitTruncatesOrTerminates() {
    for (const bool truncate : {true, false}) {
        Hunt hunt(2, 1, 0, std::string("episode_limit = 2\ntruncate_episodes = ") + (truncate ? "true" : "false"));
        hunt.place({{2, 1}, {2, 3}}, {{0, 0}});
        const StepOutcome first = hunt.step({kStay, kStay});
        QVERIFY(!first.terminated && !first.truncated);
        const StepOutcome second = hunt.step({kStay, kStay});
        QCOMPARE(second.truncated, truncate);
        QCOMPARE(second.terminated, !truncate);
    }
    // Whoever wins in the last step has won, not run out of time.
    Hunt late(2, 1, 0, "episode_limit = 1");
    late.place({{2, 1}, {2, 3}}, {{2, 2}});
    const StepOutcome outcome = late.step({kCatch, kCatch});
    QVERIFY(outcome.terminated && !outcome.truncated);
}

void TestStagHunt::allFrozenEndsTheEpisode() {
    Hunt hunt(2, 2, 0, "");
    hunt.place({{2, 1}, {2, 3}}, {{2, 2}, {4, 4}});
    QVERIFY(hunt.step({kCatch, kCatch}).terminated);
    QVERIFY(hunt.board().prey[1].alive);
}

void TestStagHunt::slopesStopClimbers() {
    Hunt hunt(2, 1, 1, "mountain_slope = 1\np_stags_rest = 0\np_hare_rest = 0");
    // The stag's only way leads down and the hare's only way up; neither goes, nor does the agent that goes up.
    hunt.place({{0, 1}, {4, 3}}, {{0, 0}, {4, 4}});
    hunt.step({kStay, kUp});
    QCOMPARE(hunt.board().agents[1].cell, (GridCell{4, 3}));
    QCOMPARE(hunt.board().prey[0].cell, (GridCell{0, 0}));
    QCOMPARE(hunt.board().prey[1].cell, (GridCell{4, 4}));
    hunt.step({kDown, kStay});
    QCOMPARE(hunt.board().agents[0].cell, (GridCell{1, 1}));
}

void TestStagHunt::mountainSpawnRows() {
    Hunt hunt(3, 4, 5, "mountain_spawn = true\nmountain_agent_row = 2\n");
    hunt.environment.reset({3, false, 1}, hunt.sight.spans());
    for (const auto& agent : hunt.board().agents) {
        QCOMPARE(agent.cell.row, 2);
    }
    for (std::size_t i = 0; i < hunt.board().prey.size(); ++i) {
        QCOMPARE(hunt.board().prey[i].cell.row, i < 4 ? 0 : 4);
    }
}

void TestStagHunt::resetPlacesEverybodyOnceAndFollowsTheKey() {
    Hunt hunt(10, 8, 7, ""); // every cell of the world
    Hunt twin(10, 8, 7, "");
    hunt.environment.reset({3, false, 1}, hunt.sight.spans());
    QCOMPARE(std::count(hunt.sight.state.begin(), hunt.sight.state.end(), 1.F), 25);
    twin.environment.reset({3, false, 2}, twin.sight.spans());
    QVERIFY(!(twin.board() == hunt.board()));
    twin.environment.reset({3, true, 1}, twin.sight.spans());
    QVERIFY(!(twin.board() == hunt.board()));
    twin.environment.reset({3, false, 1}, twin.sight.spans());
    QVERIFY(twin.board() == hunt.board());
    QVERIFY(twin.sight == hunt.sight);
}

void TestStagHunt::illegalActionsChangeNothing() {
    Hunt hunt(2, 1, 0, "");
    Sight sight(hunt.environment.spec());
    const auto message = [&](const Actions& actions) {
        const auto outcome = hunt.environment.step(actions, sight.spans());
        return outcome ? std::string("legal") : outcome.error().message;
    };
    QVERIFY(message({kStay, kStay}).find("has ended") != std::string::npos); // before the first reset
    hunt.place({{0, 0}, {2, 2}}, {{4, 4}});
    const std::vector<std::byte> before = hunt.environment.save();
    QCOMPARE(message({kStay, kCatch}), std::string("stag_hunt: agent 1: action 5 (catch) is not available now"));
    QCOMPARE(message({kUp, kStay}), std::string("stag_hunt: agent 0: action 3 (up) is not available now"));
    QCOMPARE(message({kStay, 6}), std::string("stag_hunt: agent 1: there is no action 6; expected 0 to 5"));
    QCOMPARE(message({-1, kStay}), std::string("stag_hunt: agent 0: there is no action -1; expected 0 to 5"));
    QCOMPARE(message({kStay}), std::string("stag_hunt: expected an action for each of 2 agents, got 1"));
    QCOMPARE(hunt.environment.save(), before);
}

void TestStagHunt::impossibleBoardsAreRefused() {
    Hunt hunt(2, 2, 0, "");
    hunt.place({{0, 0}, {2, 2}}, {{4, 4}, {4, 3}});
    const StagHuntBoard good = hunt.board();
    const auto refused = [&](const std::function<void(StagHuntBoard&)>& spoil) {
        StagHuntBoard board = good;
        spoil(board);
        const auto set = hunt.environment.setBoard(board, {}, hunt.sight.spans());
        return !set && set.error().code == ErrorCode::Usage && hunt.board() == good;
    };
    QVERIFY(refused([](StagHuntBoard& b) { b.agents.pop_back(); }));
    QVERIFY(refused([](StagHuntBoard& b) { b.agents[0].cell.row = 5; }));
    QVERIFY(refused([](StagHuntBoard& b) { b.prey[0].cell.column = -1; }));
    QVERIFY(refused([](StagHuntBoard& b) { b.prey[0].cell = b.prey[1].cell; }));
    QVERIFY(refused([](StagHuntBoard& b) { b.agents[1].facing = 4; }));
    QVERIFY(refused([](StagHuntBoard& b) { b.step = 200; }));
    QVERIFY(refused([](StagHuntBoard& b) { b.ghostCorner = 4; }));
}

void TestStagHunt::savedGamesGoOn() {
    Hunt hunt(2, 2, 0, "p_stags_rest = 0.4\nrandom_ghosts = true\n");
    Hunt other(2, 2, 0, "p_stags_rest = 0.4\nrandom_ghosts = true\n");
    hunt.environment.reset({8, true, 77}, hunt.sight.spans());
    for (int step = 0; step < 5; ++step) {
        hunt.step({kStay, kStay});
    }
    QVERIFY(other.environment.restore(hunt.environment.save()).has_value());
    QVERIFY(other.board() == hunt.board());
    QVERIFY(other.environment.view() == hunt.environment.view());
    for (int step = 0; step < 20; ++step) {
        hunt.step({kStay, kStay});
        other.step({kStay, kStay});
        QVERIFY(other.sight == hunt.sight);
        QVERIFY(other.board() == hunt.board());
    }
}

void TestStagHunt::damagedSavesAreRefused() {
    Hunt hunt(2, 2, 0, "");
    hunt.environment.reset({8, true, 77}, hunt.sight.spans());
    const std::vector<std::byte> saved = hunt.environment.save();
    for (std::size_t length = 0; length < saved.size(); length += 7) {
        const auto restored = hunt.environment.restore(std::span(saved).first(length));
        QVERIFY(!restored && restored.error().code == ErrorCode::Corrupt);
    }
    // Every single wrong byte is refused or gives a board that can be; none crashes.
    for (std::size_t at = 0; at < saved.size(); ++at) {
        std::vector<std::byte> damaged = saved;
        damaged[at] ^= std::byte{0xA5};
        Hunt victim(2, 2, 0, "");
        victim.environment.reset({1, false, 1}, victim.sight.spans());
        if (victim.environment.restore(damaged)) {
            (void)victim.environment.step(Actions{kStay, kStay}, victim.sight.spans());
        }
    }
    QCOMPARE(hunt.environment.save(), saved);
    Hunt different(2, 2, 0, "reward_stag = 9");
    QVERIFY(!different.environment.restore(saved));
}

void TestStagHunt::viewShowsTheBoard() {
    Hunt hunt(2, 1, 1, "");
    hunt.place({{2, 1}, {0, 0}}, {{4, 4}, {2, 2}});
    hunt.step({kCatch, kDown});
    const EnvView view = hunt.environment.view();
    QCOMPARE(view.step, 1);
    QCOMPARE(view.episodeReturn, 1.F);
    QCOMPARE(view.episodeLimit, 200);
    const auto& board = std::get<BoardView>(view.scene);
    QCOMPARE(board.rows, 5);
    QCOMPARE(board.sightRadius, 1);
    QCOMPARE(board.actionNames.size(), std::size_t{6});
    const std::vector<BoardView::Piece> expected = {{BoardView::Kind::Agent, 0, 2, 1, false, kCatch},
                                                    {BoardView::Kind::Agent, 1, 1, 0, true, kDown},
                                                    {BoardView::Kind::Stag, 0, 4, 4, true, -1},
                                                    {BoardView::Kind::Hare, 0, 2, 2, false, -1}};
    QVERIFY(board.pieces == expected);
}

void TestStagHunt::badParametersAreNamed_data() {
    QTest::addColumn<QString>("toml");
    QTest::addColumn<QString>("expected");
    QTest::newRow("preset") << "preset = \"stag_hunt_x\""
                            << "test.toml:2:10: env.preset: expected one of pred_prey_punish";
    QTest::newRow("key") << "n_hares = 3"
                         << "test.toml:2:1: unknown key 'env.n_hares'; did you mean 'n_hare'?";
    QTest::newRow("shape") << "world_shape = [10]"
                           << "env.world_shape: expected two integers, got 1";
    QTest::newRow("crowd") << "world_shape = [3, 3]"
                           << "8 agents, 8 stags and 0 hares do not fit into 9 cells";
    QTest::newRow("nothing to hunt") << "n_stags = 0"
                                     << "there is nothing to hunt";
    QTest::newRow("blocker") << "agent_move_block = [3]"
                             << "env.agent_move_block[0]: expected an integer in [0, 2], got 3";
    QTest::newRow("hunters") << "n_hunts = 9"
                             << "there are only 8 agents";
    QTest::newRow("sight") << "directed_observations = true\nagent_obs = [2, 3]"
                           << "directed observations need equal sight";
    QTest::newRow("row") << "mountain_agent_row = 10"
                         << "the world has only 10 rows";
    QTest::newRow("full row") << "mountain_spawn = true\nmountain_agent_row = 0"
                              << "16 must begin in row 0 of 10 cells";
    QTest::newRow("chance") << "p_stags_rest = 1.5"
                            << "env.p_stags_rest: expected a number in [0, 1], got 1.5";
    QTest::newRow("preset type") << "preset = 3"
                                 << "test.toml:2:10: env.preset: expected text, got 3";
}

void TestStagHunt::badParametersAreNamed() {
    QFETCH(QString, toml);
    QFETCH(QString, expected);
    const std::string error = errorOfMaking("name = \"stag_hunt\"\n" + toml.toStdString());
    QVERIFY2(QString::fromStdString(error).contains(expected), error.c_str());
}

void TestStagHunt::presetsAreOverridable() {
    const auto params =
        readStagHuntParams(envSection("name = \"stag_hunt\"\npreset = \"stag_hunt_m\"\nn_hare = 3")).value();
    QCOMPARE(params.worldShape, (std::vector<std::int64_t>{25, 25}));
    QCOMPARE(params.nHare, std::int64_t{3});
    QCOMPARE(params.nHunts, std::int64_t{3});
    QCOMPARE(params.rewardHare, 2.0);
    QVERIFY(!params.captureFreezes && params.removeFrozen);
    const auto reference = readStagHuntParams(envSection("name = \"stag_hunt\"")).value();
    QCOMPARE(reference.miscapturePunishment, -2.0);
    QVERIFY(reference.captureFreezes && reference.removeFrozen && reference.captureAction);
    QVERIFY(!reference.observeWalls && !reference.captureTerminal && reference.preventCannibalism);
    QCOMPARE(reference.rewardStag, 10.0);
    QCOMPARE(reference.rewardHare, 1.0);
}

QTEST_APPLESS_MAIN(TestStagHunt)
#include "tst_stag_hunt.moc"
