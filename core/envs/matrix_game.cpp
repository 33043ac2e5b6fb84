// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/envs/matrix_game.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "core/envs/episode_stream.h"
#include "core/envs/state_bytes.h"

namespace knife {

namespace {

constexpr double kUnbounded = std::numeric_limits<double>::infinity();
constexpr double kLargestPayoff = 1e9;
constexpr double kMostCells = 1e6;
constexpr std::size_t kConstantFeatures = 5; // length of WQMIX's vector of ones

std::vector<std::string> tableChoices() {
    std::vector<std::string> names;
    for (const NamedTable& table : namedTables()) {
        names.push_back(table.name);
    }
    names.insert(names.end(), {"free", "two_step", "nstep", "mmdp"});
    return names;
}

bool severalSteps(const MatrixGameParams& params) {
    return params.table == "two_step" || params.table == "nstep" || params.table == "mmdp";
}

using Status = Result<void>;

Status refuse(const Section& env, const char* key, std::string message) {
    return tl::unexpected(env.errorAt(key, std::move(message)));
}

Status checkValues(const Section& env, const char* key, const std::vector<double>& values) {
    const bool fine = std::all_of(values.begin(), values.end(), [](double v) { return std::abs(v) <= kLargestPayoff; });
    return fine ? Status{} : refuse(env, key, fmt::format("expected payoffs within ±{}", kLargestPayoff));
}

// payoff: rows of equal length, for two agents.
Status checkRows(const Section& env, const MatrixGameParams& params) {
    const std::size_t width = params.payoff.front().size();
    for (std::size_t row = 0; row < params.payoff.size(); ++row) {
        if (params.payoff[row].size() != width || width == 0) {
            return refuse(env, "payoff",
                          fmt::format("row {} has {} entries, row 0 has {}; expected a rectangle", row,
                                      params.payoff[row].size(), width));
        }
        if (auto status = checkValues(env, "payoff", params.payoff[row]); !status) {
            return status;
        }
    }
    return {};
}

Status checkFlat(const Section& env, const MatrixGameParams& params) {
    if (params.shape.size() < 2) {
        return refuse(env, "shape", "payoff_flat needs a shape: the number of actions of each of two or more agents");
    }
    double cells = 1.0;
    for (const std::int64_t actions : params.shape) {
        cells *= static_cast<double>(actions);
    }
    if (cells > kMostCells || cells != static_cast<double>(params.payoffFlat.size())) {
        return refuse(
            env, "payoff_flat",
            fmt::format("expected {} entries (the product of shape), got {}", cells, params.payoffFlat.size()));
    }
    return checkValues(env, "payoff_flat", params.payoffFlat);
}

Status checkParams(const Section& env, const MatrixGameParams& params) {
    const bool rows = !params.payoff.empty();
    const bool flat = !params.payoffFlat.empty();
    if (params.table != "free" && (rows || flat)) {
        return refuse(env, rows ? "payoff" : "payoff_flat", "a table of one's own needs table = \"free\"");
    }
    if (params.taskId >= params.taskCount) {
        return refuse(env, "task_id",
                      fmt::format("expected less than task_count = {}, got {}", params.taskCount, params.taskId));
    }
    if (params.table == "free") {
        if (rows == flat) {
            return refuse(env, "table",
                          "table = \"free\" needs either payoff (rows, two agents) or payoff_flat and shape");
        }
        return rows ? checkRows(env, params) : checkFlat(env, params);
    }
    if (std::pow(static_cast<double>(params.size), static_cast<double>(params.agents)) > kMostCells) {
        return refuse(env, "size",
                      fmt::format("{} agents with {} actions have more than {} joint actions", params.agents,
                                  params.size, kMostCells));
    }
    if (params.goodBranches == 3) {
        return refuse(env, "good_branches", "expected 2 or 4, got 3");
    }
    return {};
}

PayoffTable tableOf(const MatrixGameParams& params) {
    if (params.table != "free") {
        return tableByName(params.table, {params.weight, params.penalty, static_cast<int>(params.agents),
                                          static_cast<int>(params.size)});
    }
    PayoffTable table;
    if (params.payoff.empty()) {
        table.shape.assign(params.shape.begin(), params.shape.end());
        table.low = params.payoffFlat;
    } else {
        table.shape = {static_cast<int>(params.payoff.size()), static_cast<int>(params.payoff.front().size())};
        for (const auto& row : params.payoff) {
            table.low.insert(table.low.end(), row.begin(), row.end());
        }
    }
    table.high = table.low;
    return table;
}

std::vector<float> featuresOf(const MatrixGameParams& params, std::size_t agents) {
    if (params.observation == "zeros") {
        return std::vector<float>(agents, 0.F);
    }
    if (params.observation == "task_id") {
        std::vector<float> features(static_cast<std::size_t>(params.taskCount), 0.F);
        features[static_cast<std::size_t>(params.taskId)] = 1.F;
        return features;
    }
    return std::vector<float>(kConstantFeatures, 1.F);
}

StageGame gameOf(const MatrixGameParams& params) {
    if (params.table == "two_step") {
        return twoStepGame();
    }
    if (params.table == "nstep") {
        return nStepGame(static_cast<int>(params.steps), static_cast<int>(params.goodBranches));
    }
    if (params.table == "mmdp") {
        return mmdpGame(params.mmdpReward, static_cast<int>(params.horizon));
    }
    PayoffTable table = tableOf(params);
    std::vector<float> features = featuresOf(params, table.shape.size());
    return oneStepGame(params.title.empty() ? params.table : params.title, std::move(table), std::move(features));
}

} // namespace

void describe(FieldVisitor& visitor, MatrixGameParams& params) {
    visitor.choice("table", params.table, {"Payoff table, or a game of several steps"}, tableChoices());
    visitor.field("weight", params.weight, {"qplex1: payoff of the optimum"}, {-kLargestPayoff, kLargestPayoff});
    visitor.field("penalty", params.penalty, {"penalty: payoff of the penalised cells"}, {-kLargestPayoff, 0});
    visitor.field("agents", params.agents, {"identity, additive, monotone: number of agents"}, {2, 16});
    visitor.field("size", params.size, {"identity, additive, monotone: actions per agent"}, {1, 1000});
    visitor.field("payoff", params.payoff, {"Free table of two agents, by rows"});
    visitor.field("payoff_flat", params.payoffFlat,
                  {"Free table of any number of agents, the last agent's action fastest"},
                  {-kLargestPayoff, kLargestPayoff});
    visitor.field("shape", params.shape, {"Actions per agent of payoff_flat"}, {1, 1000});
    visitor.field("title", params.title, {"Shown instead of the table's name"});
    visitor.field("noise", params.noise, {"Payoffs v become v + noise or v - noise, with equal probability"},
                  {0, kLargestPayoff});
    visitor.choice("observation", params.observation, {"What one-step tables show"}, {"ones", "zeros", "task_id"});
    visitor.field("task_id", params.taskId, {"Place of the one in the observation task_id"}, {0, 9999});
    visitor.field("task_count", params.taskCount, {"Length of the observation task_id"}, {1, 10000});
    visitor.field("steps", params.steps, {"nstep: length of the game", "env steps"}, {1, 200});
    visitor.field("good_branches", params.goodBranches, {"nstep: 2 or 4 branches that pay"}, {2, 4});
    visitor.field("mmdp_reward", params.mmdpReward, {"mmdp: payoff of (0, 0)"}, {-kLargestPayoff, kLargestPayoff});
    visitor.field("horizon", params.horizon, {"mmdp: longest episode", "env steps"}, {1, kLongestEpisode});
}

Result<MatrixGameParams> readMatrixGameParams(const Section& env) {
    MatrixGameParams params;
    return readSection(env, params, {"name"}).and_then([&] { return checkParams(env, params); }).map([&] {
        return params;
    });
}

Result<PayoffTable> oneStepTable(const MatrixGameParams& params) {
    if (severalSteps(params)) {
        return fail(ErrorCode::Usage, fmt::format("\"{}\" is a game of several steps, not one table", params.table));
    }
    return tableOf(params);
}

Result<std::unique_ptr<Environment>> makeMatrixGame(const Section& env) {
    return readMatrixGameParams(env).map([](const MatrixGameParams& params) -> std::unique_ptr<Environment> {
        return std::make_unique<MatrixGame>(gameOf(params), params.noise, writeSection("env", params).toToml());
    });
}

Result<Section> resolveMatrixGame(const Section& env) {
    return readMatrixGameParams(env).map(
        [&](const MatrixGameParams& params) { return writeSection(env.path(), params); });
}

MatrixGame::MatrixGame(StageGame game, double noise, std::string config)
    : m_game(std::move(game)), m_noise(noise), m_config(std::move(config)) {
    const GameStage& first = m_game.stages.front();
    m_spec.name = "matrix";
    m_spec.nAgents = static_cast<int>(first.payoff.shape.size());
    m_spec.nActions = *std::max_element(first.payoff.shape.begin(), first.payoff.shape.end());
    m_spec.obsDim = static_cast<int>(first.features.size());
    m_spec.stateDim = m_spec.obsDim;
    m_spec.episodeLimit = m_game.episodeLimit;
    m_lastActions.reserve(first.payoff.shape.size());
}

void MatrixGame::reset(const EpisodeKey& key, const ObservationSpans& out) {
    m_key = key;
    m_stage = 0;
    m_step = 0;
    m_ended = false;
    m_lastReward = 0.F;
    m_return = 0.F;
    m_lastActions.clear();
    observe(out);
}

void MatrixGame::observe(const ObservationSpans& out) const {
    const std::vector<float>& features = stage().features;
    const std::vector<int>& shape = stage().payoff.shape;
    const auto nActions = static_cast<std::size_t>(m_spec.nActions);
    assert(out.obs.size() == shape.size() * features.size() && out.state.size() == features.size() &&
           out.avail.size() == shape.size() * nActions);
    for (std::size_t agent = 0; agent < shape.size(); ++agent) {
        std::copy(features.begin(), features.end(), out.obs.data() + agent * features.size());
        for (std::size_t action = 0; action < nActions; ++action) {
            out.avail[agent * nActions + action] = static_cast<int>(action) < shape[agent] ? 1 : 0;
        }
    }
    std::copy(features.begin(), features.end(), out.state.begin());
}

Result<std::size_t> MatrixGame::cellOf(std::span<const std::int32_t> actions) const {
    const std::vector<int>& shape = stage().payoff.shape;
    if (m_ended) {
        return fail(ErrorCode::IllegalAction, "matrix: the episode has ended; reset it before the next step");
    }
    if (actions.size() != shape.size()) {
        return fail(ErrorCode::IllegalAction, fmt::format("matrix: expected an action for each of {} agents, got {}",
                                                          shape.size(), actions.size()));
    }
    std::size_t cell = 0;
    for (std::size_t agent = 0; agent < shape.size(); ++agent) {
        if (actions[agent] < 0 || actions[agent] >= shape[agent]) {
            return fail(ErrorCode::IllegalAction,
                        fmt::format("matrix: agent {}: there is no action {}; expected 0 to {}", agent, actions[agent],
                                    shape[agent] - 1));
        }
        cell = cell * static_cast<std::size_t>(shape[agent]) + static_cast<std::size_t>(actions[agent]);
    }
    return cell;
}

double MatrixGame::pay(std::size_t cell) const {
    const PayoffTable& table = stage().payoff;
    if (table.low[cell] == table.high[cell] && m_noise == 0.0) {
        return table.low[cell];
    }
    CounterRng random = stepStream(m_key, m_step + 1);
    const double value = random.chance(0.5) ? table.high[cell] : table.low[cell];
    return m_noise == 0.0 ? value : value + (random.chance(0.5) ? m_noise : -m_noise);
}

Result<StepOutcome> MatrixGame::step(std::span<const std::int32_t> actions, const ObservationSpans& out) {
    const auto cell = cellOf(actions);
    if (!cell) {
        return tl::unexpected(cell.error());
    }
    StepOutcome outcome;
    outcome.reward = static_cast<float>(pay(*cell));
    outcome.terminated = stage().ends[*cell] != 0;
    m_stage = stage().next[*cell];
    ++m_step;
    outcome.truncated = !outcome.terminated && m_step >= m_spec.episodeLimit;
    m_ended = outcome.terminated || outcome.truncated;
    m_lastReward = outcome.reward;
    m_return += outcome.reward;
    m_lastActions.assign(actions.begin(), actions.end());
    observe(out);
    return outcome;
}

EnvView MatrixGame::view() const {
    MatrixView matrix;
    matrix.title = stage().title;
    matrix.shape = stage().payoff.shape;
    for (std::size_t cell = 0; cell < stage().payoff.cells(); ++cell) {
        matrix.payoff.push_back(static_cast<float>(stage().payoff.mean(cell)));
    }
    matrix.lastActions.assign(m_lastActions.begin(), m_lastActions.end());
    EnvView view;
    view.envName = m_spec.name;
    view.step = m_step;
    view.episodeLimit = m_spec.episodeLimit;
    view.lastReward = m_lastReward;
    view.episodeReturn = m_return;
    view.greedy = m_key.greedy;
    view.scene = std::move(matrix);
    return view;
}

std::vector<std::byte> MatrixGame::save() const {
    StateWriter writer;
    writer.text(m_config);
    writer.key(m_key);
    writer.value(m_stage);
    writer.value(m_step);
    writer.flag(m_ended);
    writer.value(m_lastReward);
    writer.value(m_return);
    writer.list(m_lastActions);
    return writer.take();
}

Result<void> MatrixGame::restore(std::span<const std::byte> saved) {
    StateReader reader(saved);
    if (reader.text() != m_config) {
        return fail(ErrorCode::Corrupt, "matrix: the saved state is damaged, or of another configuration");
    }
    const EpisodeKey key = reader.key();
    const auto stageIndex = reader.value<int>();
    const auto stepIndex = reader.value<int>();
    const bool ended = reader.flag();
    const auto lastReward = reader.value<float>();
    const auto episodeReturn = reader.value<float>();
    const auto lastActions = reader.list<std::int32_t>();
    const bool possible = stageIndex >= 0 && static_cast<std::size_t>(stageIndex) < m_game.stages.size() &&
                          stepIndex >= 0 && stepIndex <= m_spec.episodeLimit &&
                          (ended || stepIndex < m_spec.episodeLimit) &&
                          (lastActions.empty() || lastActions.size() == static_cast<std::size_t>(m_spec.nAgents));
    if (!reader.finished() || !possible) {
        return fail(ErrorCode::Corrupt, "matrix: the saved state is damaged");
    }
    m_key = key;
    m_stage = stageIndex;
    m_step = stepIndex;
    m_ended = ended;
    m_lastReward = lastReward;
    m_return = episodeReturn;
    m_lastActions.assign(lastActions.begin(), lastActions.end());
    return {};
}

} // namespace knife
