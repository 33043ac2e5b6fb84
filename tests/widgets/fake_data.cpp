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
