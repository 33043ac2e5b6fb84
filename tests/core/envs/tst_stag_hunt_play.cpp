// SPDX-License-Identifier: GPL-3.0-or-later
// Random play in random worlds: what is kept up to date cell by cell must equal what is drawn afresh, slowly, from the
// board; and the promises of every environment hold on the way.
#include <QTest>

#include <rapidcheck.h>

#include <algorithm>
#include <cmath>

#include "core/envs/stag_hunt.h"
#include "played.h"

using namespace knife;

namespace {

StagHuntParams anyParams() {
    StagHuntParams p;
    const auto flag = [] {
        return *rc::gen::arbitrary<bool>();
    };
    p.worldShape = {*rc::gen::inRange<std::int64_t>(3, 9), *rc::gen::inRange<std::int64_t>(3, 9)};
    p.nAgents = *rc::gen::inRange<std::int64_t>(1, 5);
    p.nStags = *rc::gen::inRange<std::int64_t>(0, 3);
    p.nHare = *rc::gen::inRange<std::int64_t>(p.nStags == 0 ? 1 : 0, 3);
    p.toroidal = flag();
    p.episodeLimit = *rc::gen::inRange<std::int64_t>(1, 40);
    p.truncateEpisodes = flag();
    p.pStagsRest = *rc::gen::element(0.0, 0.5, 1.0);
    p.pHareRest = *rc::gen::element(0.0, 0.5, 1.0);
    p.agentMoveBlock = *rc::gen::elementOf(std::vector<std::vector<std::int64_t>>{{}, {0}, {0, 1, 2}, {1}, {2}});
    p.captureAction = flag();
    p.captureConditions = {*rc::gen::inRange<std::int64_t>(0, 3), *rc::gen::inRange<std::int64_t>(0, 3)};
    p.preventCannibalism = flag();
    p.captureTerminal = *rc::gen::weightedElement<bool>({{3, false}, {1, true}});
    p.captureFreezes = flag();
    p.removeFrozen = flag();
    p.nHunts = *rc::gen::inRange<std::int64_t>(0, p.nAgents + 1);
    const auto sight = *rc::gen::inRange<std::int64_t>(1, 4);
    p.directedObservations = flag();
    p.agentObs = {sight, p.directedObservations ? sight : *rc::gen::inRange<std::int64_t>(0, 4)};
    p.directedConeNarrow = flag();
    p.directedExtraActions = flag();
    p.observeWalls = flag();
    p.observeIds = flag();
    p.observeOneHot = flag();
    p.observeState = *rc::gen::weightedElement<bool>({{4, false}, {1, true}});
    p.randomGhosts = flag();
    p.randomGhostsIndicator = flag();
    p.mountainSlope = *rc::gen::element(0.0, 0.5);
    return p;
}

// Draws everything from the board, cell by cell, with no memory of earlier steps.
class SlowPainter {
  public:
    SlowPainter(const StagHuntParams& params, const StagHuntBoard& board) : p(params), b(board) {
        features = (p.observeOneHot ? 5 : 3) + (p.randomGhosts ? 1 : 0);
    }

    std::vector<float> state() const {
        std::vector<float> grid;
        for (int row = 0; row < rows(); ++row) {
            for (int column = 0; column < columns(); ++column) {
                for (int feature = 0; feature < features; ++feature) {
                    grid.push_back(onGrid({row, column}, feature));
                }
            }
        }
        return grid;
    }

    std::vector<float> obs(std::size_t index) const {
        const auto& agent = b.agents[index];
        std::vector<float> seen = p.observeState           ? whole(agent.cell)
                                  : p.directedObservations ? cone(agent)
                                                           : window(agent.cell);
        if (agent.frozen && p.removeFrozen) {
            std::fill(seen.begin(), seen.end(), 0.F);
        }
        return seen;
    }

    std::vector<std::uint8_t> avail(std::size_t index, int nActions) const {
        const auto& agent = b.agents[index];
        std::vector<std::uint8_t> legal(static_cast<std::size_t>(nActions), agent.frozen ? 0 : 1);
        legal[StagHunt::Stay] = 1;
        bool prey = false;
        const GridCell steps[4] = {{0, 1}, {1, 0}, {0, -1}, {-1, 0}};
        for (int direction = 0; direction < 4 && !agent.frozen; ++direction) {
            GridCell to{agent.cell.row + steps[direction].row, agent.cell.column + steps[direction].column};
            const bool outside = to.row < 0 || to.row >= rows() || to.column < 0 || to.column >= columns();
            if (outside && !p.toroidal) {
                legal[static_cast<std::size_t>(direction)] = 0;
                to = agent.cell;
            }
            to = {(to.row + rows()) % rows(), (to.column + columns()) % columns()};
            const bool reaches = !p.directedObservations || agent.facing == direction;
            prey = prey || (reaches && (onGrid(to, 1) > 0.F || onGrid(to, 2) > 0.F));
        }
        if (p.captureAction) {
            legal[StagHunt::Catch] = prey ? 1 : 0;
        }
        return legal;
    }

  private:
    int rows() const { return static_cast<int>(p.worldShape[0]); }
    int columns() const { return static_cast<int>(p.worldShape[1]); }

    float onGrid(GridCell cell, int feature) const {
        for (const auto& agent : b.agents) {
            if (feature == 0 && agent.cell == cell && !(agent.frozen && p.removeFrozen)) {
                return 1.F;
            }
        }
        for (std::size_t i = 0; i < b.prey.size(); ++i) {
            if (feature == (static_cast<std::int64_t>(i) < p.nStags ? 1 : 2) && b.prey[i].alive &&
                b.prey[i].cell == cell) {
                return 1.F;
            }
        }
        return 0.F;
    }

    float seenAt(GridCell cell, int feature) const {
        const bool outside = cell.row < 0 || cell.row >= rows() || cell.column < 0 || cell.column >= columns();
        if (outside) {
            const bool mark = p.observeWalls && feature == (p.observeOneHot ? 3 : 0);
            return !mark ? 0.F : p.observeOneHot ? 1.F : -1.F;
        }
        if (p.randomGhosts && feature == features - 1) {
            const GridCell corner{b.ghostCorner < 2 ? 0 : rows() - 1, b.ghostCorner % 2 == 0 ? 0 : columns() - 1};
            return !(cell == corner) ? 0.F : b.ghost ? -1.F : 1.F;
        }
        float mark = 0.F;
        for (std::size_t i = 0; i < b.agents.size() && feature == 0; ++i) {
            if (b.agents[i].cell == cell && !b.agents[i].frozen) {
                mark = p.observeIds ? static_cast<float>(i + 1) : 1.F;
            }
        }
        for (std::size_t i = 0; i < b.prey.size(); ++i) {
            const bool stag = static_cast<std::int64_t>(i) < p.nStags;
            if (feature == (stag ? 1 : 2) && b.prey[i].alive && b.prey[i].cell == cell) {
                const std::size_t first = stag ? 0 : static_cast<std::size_t>(p.nStags);
                mark = p.observeIds ? static_cast<float>(i - first + 1) : 1.F;
            }
        }
        return mark;
    }

    std::vector<float> window(GridCell centre) const {
        std::vector<float> seen;
        for (auto row = -p.agentObs[0]; row <= p.agentObs[0]; ++row) {
            for (auto column = -p.agentObs[1]; column <= p.agentObs[1]; ++column) {
                for (int feature = 0; feature < features; ++feature) {
                    seen.push_back(seenAt(
                        {centre.row + static_cast<int>(row), centre.column + static_cast<int>(column)}, feature));
                }
            }
        }
        return seen;
    }

    // A cell is in the cone if it lies further ahead than to the side; narrow cones leave the diagonal and the own cell
    // out, and are drawn on a square that is one cell smaller on every side, pushed towards where the agent looks.
    std::vector<float> cone(const StagHuntBoard::Agent& agent) const {
        const int sight = static_cast<int>(p.agentObs[0]);
        const int cut = p.directedConeNarrow ? 1 : 0;
        const GridCell ahead[4] = {{0, 1}, {1, 0}, {0, -1}, {-1, 0}};
        const GridCell facing = ahead[agent.facing];
        std::vector<float> seen;
        for (int row = -(sight - cut); row <= sight - cut; ++row) {
            for (int column = -(sight - cut); column <= sight - cut; ++column) {
                const int depth = row * facing.row + column * facing.column;
                const int side = std::abs(facing.row == 0 ? row : column);
                const GridCell cell{agent.cell.row + row + cut * facing.row,
                                    agent.cell.column + column + cut * facing.column};
                for (int feature = 0; feature < features; ++feature) {
                    seen.push_back(depth >= 0 && side <= depth ? seenAt(cell, feature) : -1.F);
                }
            }
        }
        return seen;
    }

    std::vector<float> whole(GridCell self) const {
        std::vector<float> seen;
        for (int row = 0; row < rows(); ++row) {
            for (int column = 0; column < columns(); ++column) {
                for (int feature = 0; feature < features; ++feature) {
                    seen.push_back(onGrid({row, column}, feature));
                }
                seen.push_back(self == GridCell{row, column} ? 1.F : 0.F);
            }
        }
        return seen;
    }

    const StagHuntParams& p;
    const StagHuntBoard& b;
    int features;
};

void compareWithPainter(const StagHuntParams& params, const StagHunt& hunt, const Sight& sight) {
    const SlowPainter painter(params, hunt.board());
    const EnvSpec& spec = hunt.spec();
    RC_ASSERT(sight.state == painter.state());
    for (int agent = 0; agent < spec.nAgents; ++agent) {
        const auto index = static_cast<std::size_t>(agent);
        const auto obs = sight.obs.begin() + agent * spec.obsDim;
        const auto avail = sight.avail.begin() + agent * spec.nActions;
        RC_ASSERT(std::vector<float>(obs, obs + spec.obsDim) == painter.obs(index));
        RC_ASSERT(std::vector<std::uint8_t>(avail, avail + spec.nActions) == painter.avail(index, spec.nActions));
    }
}

// What a step may and may not change.
void checkStep(const StagHuntParams& params, const StagHuntBoard& before, const StagHuntBoard& after,
               const StepOutcome& outcome) {
    RC_ASSERT(std::isfinite(outcome.reward));
    RC_ASSERT(after.step == before.step + 1);
    RC_ASSERT(!(outcome.terminated && outcome.truncated));
    RC_ASSERT(after.ended == (outcome.terminated || outcome.truncated));
    RC_ASSERT(after.ended || after.step < params.episodeLimit);
    const auto near = [&](GridCell a, GridCell b) {
        const auto distance = [&](int x, int y, std::int64_t size) {
            const std::int64_t plain = std::abs(x - y);
            return params.toroidal ? std::min(plain, size - plain) : plain;
        };
        return distance(a.row, b.row, params.worldShape[0]) + distance(a.column, b.column, params.worldShape[1]) <= 1;
    };
    for (std::size_t i = 0; i < after.agents.size(); ++i) {
        RC_ASSERT(near(before.agents[i].cell, after.agents[i].cell));
        RC_ASSERT(!before.agents[i].frozen ||
                  (after.agents[i].frozen && before.agents[i].cell == after.agents[i].cell));
    }
    for (std::size_t i = 0; i < after.prey.size(); ++i) {
        RC_ASSERT(near(before.prey[i].cell, after.prey[i].cell));
        RC_ASSERT(before.prey[i].alive || !after.prey[i].alive);
        for (std::size_t j = 0; j < i; ++j) {
            RC_ASSERT(!after.prey[i].alive || !after.prey[j].alive || !(after.prey[i].cell == after.prey[j].cell));
        }
    }
}

} // namespace

class TestStagHuntPlay : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void pictureEqualsTheSlowOneAllTheTime();
    void goingOnFromAnyStepIsTheSameEpisode();
    void parametersSurviveTheirOwnText();
};

void TestStagHuntPlay::pictureEqualsTheSlowOneAllTheTime() {
    const bool holds = rc::check([] {
        const StagHuntParams params = anyParams();
        RC_PRE(params.nAgents + params.nStags + params.nHare <= params.worldShape[0] * params.worldShape[1]);
        StagHunt hunt(params);
        Sight sight(hunt.spec());
        CounterRng random({*rc::gen::arbitrary<std::uint64_t>(), "actions", 0});
        for (std::uint64_t episode = 0; episode < 3; ++episode) {
            hunt.reset({random.next(), false, episode}, sight.spans());
            compareWithPainter(params, hunt, sight);
            while (!hunt.board().ended) {
                const StagHuntBoard before = hunt.board();
                const auto outcome = hunt.step(legalActions(hunt.spec(), sight.avail, random), sight.spans());
                RC_ASSERT(outcome.has_value());
                checkStep(params, before, hunt.board(), *outcome);
                compareWithPainter(params, hunt, sight);
            }
        }
    });
    QVERIFY(holds);
}

void TestStagHuntPlay::goingOnFromAnyStepIsTheSameEpisode() {
    const bool holds = rc::check([] {
        const StagHuntParams params = anyParams();
        RC_PRE(params.nAgents + params.nStags + params.nHare <= params.worldShape[0] * params.worldShape[1]);
        StagHunt hunt(params);
        StagHunt other(params);
        Sight sight(hunt.spec());
        Sight otherSight(hunt.spec());
        CounterRng random({*rc::gen::arbitrary<std::uint64_t>(), "actions", 0});
        hunt.reset({random.next(), true, 5}, sight.spans());
        while (!hunt.board().ended) {
            RC_ASSERT(other.restore(hunt.save()).has_value());
            RC_ASSERT(other.save() == hunt.save());
            const auto actions = legalActions(hunt.spec(), sight.avail, random);
            const auto one = hunt.step(actions, sight.spans());
            const auto two = other.step(actions, otherSight.spans());
            RC_ASSERT(one->reward == two->reward);
            RC_ASSERT(sight == otherSight);
            RC_ASSERT(hunt.board() == other.board());
        }
    });
    QVERIFY(holds);
}

void TestStagHuntPlay::parametersSurviveTheirOwnText() {
    const bool holds = rc::check([] {
        const StagHuntParams params = anyParams();
        RC_PRE(params.nAgents + params.nStags + params.nHare <= params.worldShape[0] * params.worldShape[1]);
        const Section written = writeSection("env", params);
        const auto read = readStagHuntParams(parseSection(written.toToml(), "written", "env").value());
        RC_ASSERT(read.has_value());
        RC_ASSERT(writeSection("env", *read) == written);
    });
    QVERIFY(holds);
}

QTEST_APPLESS_MAIN(TestStagHuntPlay)
#include "tst_stag_hunt_play.moc"
