// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/envs/payoff_tables.h"

#include <algorithm>
#include <cassert>
#include <functional>
#include <numeric>
#include <utility>

#include <fmt/format.h>

namespace knife {

namespace {

PayoffTable square(std::vector<double> cells) {
    int side = 1;
    while (side * side < static_cast<int>(cells.size())) {
        ++side;
    }
    PayoffTable table{{side, side}, std::move(cells), {}};
    table.high = table.low;
    return table;
}

PayoffTable coins(std::vector<double> low, std::vector<double> high) {
    PayoffTable table = square(std::move(low));
    table.high = std::move(high);
    return table;
}

// The same number of actions for every agent, a cell being a function of the joint action.
PayoffTable cube(const PayoffArguments& arguments, const std::function<double(const std::vector<int>&)>& pay) {
    PayoffTable table;
    table.shape.assign(static_cast<std::size_t>(arguments.agents), arguments.size);
    std::vector<int> joint(table.shape.size(), 0);
    std::size_t position = 0;
    do {
        table.low.push_back(pay(joint));
        for (position = joint.size(); position > 0; --position) { // counts up, the last agent fastest
            if (++joint[position - 1] < arguments.size) {
                break;
            }
            joint[position - 1] = 0;
        }
    } while (position > 0);
    table.high = table.low;
    return table;
}

PayoffTable identity(const PayoffArguments& arguments) {
    return cube(arguments, [](const std::vector<int>& joint) {
        return std::all_of(joint.begin(), joint.end(), [&](int action) { return action == joint.front(); }) ? 1.0 : 0.0;
    });
}

PayoffTable additive(const PayoffArguments& arguments) {
    return cube(arguments, [](const std::vector<int>& joint) {
        return static_cast<double>(std::accumulate(joint.begin(), joint.end(), 0));
    });
}

PayoffTable monotone(const PayoffArguments& arguments) {
    return cube(arguments, [](const std::vector<int>& joint) {
        return std::accumulate(joint.begin(), joint.end(), 1.0,
                               [](double product, int action) { return product * (action + 1); });
    });
}

struct TableEntry {
    NamedTable named;
    PayoffTable (*make)(const PayoffArguments&);
};

using Arguments = const PayoffArguments&;

const std::vector<TableEntry>& tableEntries() {
    static const std::vector<TableEntry> entries = {
        {{"qtran", "QTRAN's table: 8 beside -12, not monotone"},
         [](Arguments) {
             return square({8, -12, -12, -12, 0, 0, -12, 0, 0});
         }},
        {{"qplex3", "QPLEX game 3: 8 beside -12, local optima of 6, not monotone"},
         [](Arguments) {
             return square({8, -12, -12, -12, 6, 0, -12, 0, 6});
         }},
        {{"qplex1", "QPLEX game 1: optimum `weight` beside many tens, not monotone"},
         [](Arguments a) {
             return square({a.weight, 0, 10, 0, 10, 10, 10, 10, 10});
         }},
        {{"one_step_soft", "12 beside -0.1, not monotone but easy"},
         [](Arguments) {
             return square({12, -0.1, -0.1, -0.1, 0, 0, -0.1, 0, 0});
         }},
        {{"one_step_hard", "12 beside -12, not monotone"},
         [](Arguments) {
             return square({12, -12, -12, -12, 0, 0, -12, 0, 0});
         }},
        {{"one_step_weighted", "12 beside zeros and tens, not monotone"},
         [](Arguments) {
             return square({12, 0, 10, 0, 0, 10, 10, 10, 10});
         }},
        {{"coordination", "two agents, two actions: 1 on the diagonal"},
         [](Arguments) {
             return square({1, 0, 0, 1});
         }},
        {{"identity", "1 where all of `agents` choose the same of `size` actions"}, identity},
        {{"additive", "sum of the action numbers; VDN represents it"}, additive},
        {{"monotone", "product of the action numbers, counted from 1; QMIX represents it, VDN does not"}, monotone},
        {{"climbing", "Claus and Boutilier: 11 behind -30, trap of 7, safe 5"},
         [](Arguments) {
             return square({11, -30, 0, -30, 7, 6, 0, 0, 5});
         }},
        {{"penalty", "two optima of 10, `penalty` for mixing them up, safe 2"},
         [](Arguments a) {
             return square({10, 0, a.penalty, 0, 2, 0, a.penalty, 0, 10});
         }},
        {{"climbing_partially_stochastic", "climbing, its centre paying 14 or 0"},
         [](Arguments) {
             return coins({11, -30, 0, -30, 0, 6, 0, 0, 5}, {11, -30, 0, -30, 14, 6, 0, 0, 5});
         }},
        {{"climbing_fully_stochastic", "climbing's means, every cell a coin"},
         [](Arguments) {
             return coins({10, -65, -8, -65, 0, 0, -5, -5, 0}, {12, 5, 8, 5, 14, 12, 5, 5, 10});
         }},
        {{"two_step_left", "QMIX two-step game, table 2A alone: all 7"},
         [](Arguments) {
             return square({7, 7, 7, 7});
         }},
        {{"two_step_right", "QMIX two-step game, table 2B alone: [0 1][1 8]"},
         [](Arguments) {
             return square({0, 1, 1, 8});
         }},
    };
    return entries;
}

// Position of an agent's action in the row-major table: the product of the widths behind it.
std::vector<std::size_t> strides(const std::vector<int>& shape) {
    std::vector<std::size_t> result(shape.size(), 1);
    for (std::size_t agent = shape.size(); agent-- > 1;) {
        result[agent - 1] = result[agent] * static_cast<std::size_t>(shape[agent]);
    }
    return result;
}

// Whether action b is at least as good as a in every situation, and the other way round.
std::pair<bool, bool> compareActions(const PayoffTable& table, std::size_t stride, std::size_t width, std::size_t a,
                                     std::size_t b) {
    bool upwards = true;
    bool downwards = true;
    for (std::size_t cell = 0; cell < table.cells(); ++cell) {
        if ((cell / stride) % width != a) {
            continue;
        }
        const std::size_t other = cell + b * stride - a * stride;
        upwards = upwards && table.mean(other) >= table.mean(cell);
        downwards = downwards && table.mean(other) <= table.mean(cell);
    }
    return {upwards, downwards};
}

GameStage stageOf(std::string title, PayoffTable payoff, std::vector<float> features) {
    GameStage stage;
    stage.title = std::move(title);
    stage.next.assign(payoff.cells(), 0);
    stage.ends.assign(payoff.cells(), 1);
    stage.payoff = std::move(payoff);
    stage.features = std::move(features);
    return stage;
}

std::vector<float> oneHot(std::size_t size, std::size_t index) {
    std::vector<float> features(size, 0.F);
    features[index] = 1.F;
    return features;
}

} // namespace

const std::vector<NamedTable>& namedTables() {
    static const std::vector<NamedTable> tables = [] {
        std::vector<NamedTable> list;
        for (const TableEntry& entry : tableEntries()) {
            list.push_back(entry.named);
        }
        return list;
    }();
    return tables;
}

PayoffTable tableByName(std::string_view name, const PayoffArguments& arguments) {
    const auto& entries = tableEntries();
    const auto found =
        std::find_if(entries.begin(), entries.end(), [&](const auto& entry) { return entry.named.name == name; });
    assert(found != entries.end());
    return found->make(arguments);
}

bool isMonotone(const PayoffTable& table) {
    const std::vector<std::size_t> stride = strides(table.shape);
    for (std::size_t agent = 0; agent < table.shape.size(); ++agent) {
        const auto width = static_cast<std::size_t>(table.shape[agent]);
        for (std::size_t b = 1; b < width; ++b) {
            for (std::size_t a = 0; a < b; ++a) {
                const auto [upwards, downwards] = compareActions(table, stride[agent], width, a, b);
                if (!upwards && !downwards) {
                    return false;
                }
            }
        }
    }
    return true;
}

StageGame oneStepGame(std::string title, PayoffTable table, std::vector<float> features) {
    return {{stageOf(std::move(title), std::move(table), std::move(features))}, 1};
}

StageGame twoStepGame() {
    GameStage choice = stageOf("choose a table", square({0, 0, 0, 0}), oneHot(3, 0));
    choice.next = {1, 1, 2, 2};
    choice.ends = {0, 0, 0, 0};
    return {{std::move(choice), stageOf("2A", tableByName("two_step_left", {}), oneHot(3, 1)),
             stageOf("2B", tableByName("two_step_right", {}), oneHot(3, 2))},
            2};
}

StageGame nStepGame(int steps, int goodBranches) {
    constexpr int kBranches = 4;
    const auto good = [&](int branch) {
        return goodBranches == kBranches || branch == 0 || branch == 3;
    };
    const auto features = [&](int step, int branch) {
        const int size = steps + 1 + (steps > 1 ? kBranches : 0);
        std::vector<float> seen(static_cast<std::size_t>(size), 0.F);
        seen[static_cast<std::size_t>(step)] = 1.F;
        if (steps > 1 && branch >= 0) {
            seen[seen.size() - kBranches + static_cast<std::size_t>(branch)] = 1.F;
        }
        return seen;
    };
    // Stage 0 is the first step; stage 1 + 4 (step - 1) + branch is `step` steps later in that branch. The stages after
    // the last step are never played; they are what is seen at the end.
    StageGame game;
    game.episodeLimit = steps;
    for (int stage = 0; stage < 1 + kBranches * steps; ++stage) {
        const int step = stage == 0 ? 0 : 1 + (stage - 1) / kBranches;
        const int branch = stage == 0 ? -1 : (stage - 1) % kBranches;
        std::vector<double> pays(kBranches);
        std::vector<int> next(kBranches);
        for (int joint = 0; joint < kBranches; ++joint) {
            const bool repeats = branch < 0 || joint == branch;
            pays[static_cast<std::size_t>(joint)] = repeats && good(joint) ? 1.0 : 0.0;
            next[static_cast<std::size_t>(joint)] =
                std::min(1 + kBranches * step + (branch < 0 ? joint : branch), kBranches * steps);
        }
        if (branch == 0 && step == steps - 1) {
            pays = {1, 1, 1, 4};
        }
        GameStage made =
            stageOf(branch < 0 ? fmt::format("step {}", step) : fmt::format("step {}, branch {}", step, branch),
                    square(pays), features(step, branch));
        made.next = std::move(next);
        for (std::size_t joint = 0; joint < pays.size(); ++joint) {
            made.ends[joint] = step == steps - 1 || pays[joint] <= 0.0 ? 1 : 0;
        }
        game.stages.push_back(std::move(made));
    }
    return game;
}

StageGame mmdpGame(double reward, int horizon) {
    GameStage paying = stageOf("paying", square({reward, 0, 0, 0}), oneHot(2, 1));
    paying.next = {0, 0, 0, 1};
    paying.ends.assign(4, 0);
    GameStage absorbed = stageOf("absorbed", square({0, 0, 0, 0}), oneHot(2, 0));
    absorbed.next.assign(4, 1);
    absorbed.ends.assign(4, 0);
    return {{std::move(paying), std::move(absorbed)}, horizon};
}

} // namespace knife
