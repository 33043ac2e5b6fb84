// SPDX-License-Identifier: GPL-3.0-or-later
#include "fake_data.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/types/counter_rng.h"

namespace knife::fake {

namespace {

SiteSnapshot site(const std::string& name, int units, unsigned seed, double phase) {
    CounterRng rng({seed, "site", 0});
    SiteSnapshot snapshot;
    snapshot.name = name;
    snapshot.units = units;
    snapshot.acceptsComposites = true;
    UnitDiagnostic rua{"rua", {}};
    UnitDiagnostic activity{"activity", {}};
    UnitDiagnostic gradient{"grad_norm", {}};
    UnitDiagnostic mean{"activation_mean", {}};
    for (int unit = 0; unit < units; ++unit) {
        const double habit = 1.3 * rng.normal();
        const double value = std::exp(habit - 0.4 + 0.9 * std::sin(0.3 * (1 + unit % 7) * phase + unit));
        rua.values.push_back(static_cast<float>(rng.chance(0.08) ? 0.02 * value : value));
        activity.values.push_back(static_cast<float>(1e-4 * value));
        gradient.values.push_back(static_cast<float>(3e-3 * value * (0.5 + rng.uniform())));
        mean.values.push_back(static_cast<float>(0.4 * rng.normal()));
    }
    if (units > 5) {
        rua.values[5] = std::numeric_limits<float>::quiet_NaN();
    }
    snapshot.diagnostics = {rua, activity, gradient, mean};
    for (int unit = 3; unit < units; unit += 11) {
        snapshot.composites.push_back({unit, 1 + unit % 3, 0.8F, 0.4F, 0.35F, 0.12F});
    }
    return snapshot;
}

} // namespace

std::shared_ptr<const NeuronFrame> neuronFrame(double phase) {
    auto frame = std::make_shared<NeuronFrame>();
    frame->clocks = {{1200}, {48'000}, {960}, 61.5};
    frame->sites = {site("agent.fc1", 64, 1, phase),
                    site("agent.rnn", 64, 2, phase),
                    site("mixer.hyper_w1.hidden", 64, 3, phase),
                    site("mixer.hyper_w2.hidden", 64, 4, phase),
                    site("mixer.hyper_b2.hidden", 32, 5, phase),
                    site("mixer.mixing", 32, 6, phase)};
    for (const std::size_t refused : {1U, 5U}) {
        frame->sites[refused].acceptsComposites = false;
        frame->sites[refused].composites.clear();
    }
    frame->sites[1].refusal = "a recurrent unit feeds itself, so freezing it would change its own input";
    frame->sites[5].refusal = "a compensation with a negative sign would break the monotonicity of the mixer";
    return frame;
}

std::shared_ptr<const NeuronFrame> largeFrame(int units) {
    auto frame = std::make_shared<NeuronFrame>();
    frame->sites = {site("agent.fc1", units / 2, 1, 0.0), site("mixer.hyper_w1.hidden", units - units / 2, 2, 0.0)};
    return frame;
}

EnvView matrixGame() {
    EnvView view;
    view.envName = "matrix";
    view.task = "climbing, shifted optimum";
    view.step = 1;
    view.episodeLimit = 1;
    view.lastReward = 8.F;
    view.episodeReturn = 8.F;
    MatrixView game;
    game.title = "climbing";
    game.shape = {3, 3};
    game.payoff = {8, -12, -12, -12, 0, 0, -12, 0, 0};
    game.learnedQTot = {-3.1F, -3.4F, -3.3F, -3.2F, 0.02F, 0.05F, -3.3F, 0.04F, 0.01F};
    game.learnedQ = {{-1.4F, 0.31F, 0.29F}, {-1.5F, 0.28F, 0.33F}};
    game.lastActions = {1, 2};
    view.scene = game;
    return view;
}

EnvView threeAgentGame() {
    EnvView view = matrixGame();
    MatrixView game;
    game.title = "three agents";
    game.shape = {2, 3, 2};
    for (int i = 0; i < 12; ++i) {
        game.payoff.push_back(static_cast<float>((i * 7) % 12));
        game.learnedQTot.push_back(static_cast<float>((i * 5) % 12));
    }
    game.lastActions = {1, 0, 1};
    view.scene = game;
    return view;
}

EnvView predatorPrey() {
    EnvView view;
    view.envName = "stag_hunt";
    view.task = "pred_prey_punish";
    view.step = 37;
    view.episodeLimit = 200;
    view.lastReward = 10.F;
    view.episodeReturn = 26.F;
    view.greedy = true;
    BoardView board;
    board.rows = board.columns = 10;
    board.sightRadius = 2;
    board.actionNames = {"right", "down", "left", "up", "stay", "catch"};
    CounterRng rng({7, "board", 0});
    std::vector<int> cells(100);
    for (int i = 0; i < 100; ++i) {
        cells[static_cast<std::size_t>(i)] = i;
    }
    rng.shuffle(std::span(cells));
    const auto place = [&](BoardView::Kind kind, int id, int cell, bool active, int action) {
        board.pieces.push_back({kind, id, cell / 10, cell % 10, active, action});
    };
    for (int id = 0; id < 8; ++id) {
        place(BoardView::Kind::Agent, id, cells[static_cast<std::size_t>(id)], id != 6, id == 6 ? -1 : id % 6);
    }
    for (int id = 0; id < 6; ++id) {
        place(BoardView::Kind::Stag, id, cells[static_cast<std::size_t>(10 + id)], id != 4, -1);
    }
    for (int id = 0; id < 3; ++id) {
        place(BoardView::Kind::Hare, id, cells[static_cast<std::size_t>(20 + id)], true, -1);
    }
    for (int id = 0; id < 4; ++id) {
        place(BoardView::Kind::Wall, id, cells[static_cast<std::size_t>(30 + id)], true, -1);
    }
    view.scene = board;
    return view;
}

namespace {

BattleView ground() {
    BattleView battle;
    battle.width = battle.height = 32;
    for (int y = 0; y < battle.height; ++y) {
        for (int x = 0; x < battle.width; ++x) {
            const bool isRim = x == 0 || y < 4 || x == 31 || y > 27;
            const bool isPlateau = x >= 10 && x < 22 && y >= 16 && y < 24;
            const bool isCliff = isPlateau && y == 16;
            battle.ground.push_back(isRim     ? BattleView::Ground::Blocked
                                    : isCliff ? BattleView::Ground::Cliff
                                              : BattleView::Ground::Open);
            battle.heights.push_back(isPlateau ? 0.5F : 0.25F);
        }
    }
    return battle;
}

// A choice among those actions: the last agents explore, the first action is not legal.
ChoiceView choice(std::size_t agent, std::size_t features, std::size_t actions) {
    CounterRng rng({9, "choice", agent});
    ChoiceView result;
    for (std::size_t i = 0; i < features; ++i) {
        result.observation.push_back(rng.chance(0.4) ? 0.F : static_cast<float>(rng.normal()));
    }
    for (std::size_t action = 0; action < actions; ++action) {
        result.values.push_back(static_cast<float>(2.0 + rng.normal()));
        result.legal.push_back(action > 0 ? 1 : 0);
    }
    result.action = static_cast<int>(1 + agent % (actions - 1));
    return result;
}

} // namespace

EnvView battle(int agents, int enemies, float coneAngle) {
    static constexpr struct {
        const char* name;
        float radius;
    } kTypes[] = {{"marine", 0.375F},   {"marauder", 0.5625F},    {"medivac", 0.75F},   {"stalker", 0.625F},
                  {"zealot", 0.5F},     {"colossus", 1.F},        {"zergling", 0.375F}, {"hydralisk", 0.625F},
                  {"baneling", 0.375F}, {"spine_crawler", 1.125F}};
    EnvView view;
    view.envName = "smac";
    view.task = "every unit";
    view.step = 12;
    view.episodeLimit = 120;
    view.lastReward = 0.4F;
    view.episodeReturn = 6.1F;
    BattleView battle = ground();
    battle.coneAngle = coneAngle;
    battle.actionNames = {"no-op", "stop", "north", "south", "east", "west"};
    CounterRng rng({5, "battle", 0});
    for (int i = 0; i < agents + enemies; ++i) {
        const auto& type = kTypes[i % 9 == 8 && i >= agents ? 9 : i % 9];
        const bool ally = i < agents;
        BattleView::Unit unit{.type = type.name, .ally = ally, .flies = std::string(type.name) == "medivac"};
        unit.x = static_cast<float>(rng.uniform(ally ? 3.0 : 16.0, ally ? 16.0 : 29.0));
        unit.y = static_cast<float>(rng.uniform(6.0, 26.0));
        unit.radius = type.radius;
        unit.healthMax = 100.F;
        unit.health = static_cast<float>(rng.uniform(5.0, 100.0));
        unit.shieldMax = i % 3 == 0 ? 50.F : 0.F;
        unit.shield = unit.shieldMax / 2;
        unit.energyMax = unit.flies ? 200.F : 0.F;
        unit.energy = unit.energyMax / 3;
        unit.sight = 9.F;
        unit.reach = 6.F;
        unit.facing = 0.6F;
        unit.action = ally ? 1 + i % 5 : -1;
        battle.units.push_back(unit);
    }
    for (int i = 0; i < agents + enemies; i += 3) {
        BattleView::Unit& unit = battle.units[static_cast<std::size_t>(i)];
        unit.heals = unit.flies;
        unit.struck = unit.heals ? 0 : i < agents ? agents + i % std::max(1, enemies) : i % agents;
    }
    battle.units[static_cast<std::size_t>(agents - 1)].health = 0.F;
    battle.units[static_cast<std::size_t>(agents)].health = 0.F;
    view.featureNames = {"way north", "enemy 0 distance", "enemy 0 health", "own health", "own x", "own y"};
    for (int agent = 0; agent < agents; ++agent) {
        view.choices.push_back(
            choice(static_cast<std::size_t>(agent), view.featureNames.size(), battle.actionNames.size()));
    }
    view.scene = battle;
    return view;
}

EnvView hunt() {
    EnvView view;
    view.envName = "tag";
    view.step = 7;
    view.episodeLimit = 25;
    view.lastReward = 10.F;
    view.episodeReturn = 30.F;
    PlaneView plane;
    plane.sight = 1.5F;
    plane.actionNames = {"none", "east", "north", "west", "south"};
    const auto add = [&plane](PlaneView::Kind kind, int id, float x, float y, float radius) -> PlaneView::Body& {
        return plane.bodies.emplace_back(
            PlaneView::Body{.kind = kind, .id = id, .x = x, .y = y, .radius = radius, .velocityX = -y, .velocityY = x});
    };
    add(PlaneView::Kind::Agent, 0, 0.3F, 0.4F, 0.075F).action = 1;
    add(PlaneView::Kind::Agent, 1, -0.7F, 0.1F, 0.075F).action = 4;
    add(PlaneView::Kind::Agent, 2, 0.1F, -0.8F, 0.075F).action = 0;
    add(PlaneView::Kind::Prey, 0, 0.41F, 0.4F, 0.05F).caught = true;
    add(PlaneView::Kind::Prey, 1, -1.6F, -0.9F, 0.05F);
    for (const float x : {-0.5F, 0.7F}) {
        PlaneView::Body& landmark = add(PlaneView::Kind::Landmark, x > 0 ? 1 : 0, x, -0.3F, 0.2F);
        landmark.velocityX = landmark.velocityY = 0.F;
    }
    view.featureNames = {"own vx", "own vy", "prey 0 dx"};
    for (std::size_t agent = 0; agent < 3; ++agent) {
        view.choices.push_back(choice(agent, view.featureNames.size(), plane.actionNames.size()));
    }
    view.scene = plane;
    return view;
}

std::vector<SurgeryReceipt> receipts() {
    std::vector<SurgeryReceipt> result;
    for (int event = 0; event < 4; ++event) {
        SurgeryReceipt receipt;
        receipt.event = event;
        receipt.clocks = {{400 * (event + 1)}, {16'000 * (event + 1)}, {320 * (event + 1)}, 20.0 * (event + 1)};
        receipt.plan.reason = event == 3 ? "by_hand" : "task_switch";
        receipt.sites = {{"agent.fc1", {3, 14, 25, 36}, "composite", {0.02F, 0.11F, 0.2F, 0.08F}, 640, 320},
                         {"mixer.hyper_w1.hidden", {7, 9}, "composite", {0.1F, 0.05F}, 320, 160}};
        receipt.change.episodes = event == 1 ? 0 : 32;
        receipt.change.q = event == 2 ? 3.2e-7 : 0.0;
        result.push_back(receipt);
    }
    return result;
}

CurveData learningCurve(int points, double end, double top, unsigned seed) {
    CounterRng rng({seed, "curve", 0});
    CurveData curve;
    double level = 0.1 * top;
    for (int i = 0; i < points; ++i) {
        const double share = static_cast<double>(i) / std::max(1, points - 1);
        if (points >= 3 && i > 0 && i % (points / 3) == 0) {
            level *= 0.35;
        }
        level += (top - level) * 9.0 / points;
        curve.x.push_back(share * end);
        curve.y.push_back(level + 0.06 * top * rng.normal());
    }
    return curve;
}

} // namespace knife::fake
