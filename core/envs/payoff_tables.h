// SPDX-License-Identifier: GPL-3.0-or-later
// Matrix games as data: payoff tables by name, and multi-step games as a few stages with a table each.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/types/error.h"

namespace knife {

/// A payoff for every joint action, row-major: the last agent's action runs fastest. A cell pays `low` or `high` with
/// probability 1/2 each; equal values make it certain.
struct PayoffTable {
    std::vector<int> shape; ///< actions per agent
    std::vector<double> low;
    std::vector<double> high;

    [[nodiscard]] std::size_t cells() const { return low.size(); }
    [[nodiscard]] double mean(std::size_t cell) const { return 0.5 * (low[cell] + high[cell]); }
    [[nodiscard]] bool stochastic() const { return low != high; }
    bool operator==(const PayoffTable&) const = default;
};

/// One state of a game. `next` and `ends` say for every joint action where it leads and whether the episode ends there.
struct GameStage {
    std::string title;
    PayoffTable payoff;
    std::vector<int> next;
    std::vector<std::uint8_t> ends;
    std::vector<float> features; ///< what agents and state see of this stage; of equal length in all stages
};

struct StageGame {
    std::vector<GameStage> stages; ///< play begins in the first
    int episodeLimit = 1;
};

/// What a table's name may depend on.
struct PayoffArguments {
    double weight = 10.4; ///< qplex1: payoff of the optimum
    double penalty = -30; ///< penalty: payoff of the two penalised cells
    int agents = 2;       ///< identity, additive, monotone
    int size = 3;         ///< identity, additive, monotone: actions per agent
};

struct NamedTable {
    std::string name;
    std::string help; ///< one line, no full stop
};

/// All tables that tableByName() knows, in the order a list should show them.
[[nodiscard]] const std::vector<NamedTable>& namedTables();
/// Requires a name out of namedTables().
[[nodiscard]] PayoffTable tableByName(std::string_view name, const PayoffArguments& arguments);

/// Whether every agent has one ordering of its actions that is right whatever the others do: no pair of actions of
/// which the first pays more in one situation and the second in another (ties reverse nothing). These are the tables
/// that a mixer which is monotone in every agent's utility can represent. Judged on mean payoffs.
[[nodiscard]] bool isMonotone(const PayoffTable& table);

/// A game of one step. The features are what every episode shows.
[[nodiscard]] StageGame oneStepGame(std::string title, PayoffTable table, std::vector<float> features);
/// QMIX's two-step game: the first agent's first action chooses between a safe table of sevens and [0 1][1 8].
[[nodiscard]] StageGame twoStepGame();
/// The k-step game of two agents and two actions. The first joint action chooses one of four branches; repeating it
/// pays 1 a step in a good branch (all four, or the first and the last); the last step of branch 0 pays 4 for (1, 1).
/// Optimum: steps + 3 for steps > 1.
[[nodiscard]] StageGame nStepGame(int steps, int goodBranches);
/// QPLEX's endless game: joint action (0, 0) pays `reward` and stays, (1, 1) leads to a state that pays nothing.
[[nodiscard]] StageGame mmdpGame(double reward, int horizon);

} // namespace knife
