// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/envs/stag_hunt.h"

#include <algorithm>
#include <cassert>
#include <cstdlib>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "core/envs/episode_stream.h"
#include "core/envs/state_bytes.h"

namespace knife {

namespace {

const std::vector<std::string> kActionNames = {"right", "down",       "left",      "up",        "stay",
                                               "catch", "look right", "look down", "look left", "look up"};

StagHuntGrid::Layout layoutOf(const StagHuntParams& p) {
    StagHuntGrid::Layout layout;
    layout.rows = static_cast<int>(p.worldShape[0]);
    layout.columns = static_cast<int>(p.worldShape[1]);
    layout.sightRows = static_cast<int>(p.agentObs[0]);
    layout.sightColumns = static_cast<int>(p.agentObs[1]);
    layout.agents = static_cast<int>(p.nAgents);
    layout.toroidal = p.toroidal;
    layout.walls = p.observeWalls;
    layout.ids = p.observeIds;
    layout.oneHot = p.observeOneHot;
    layout.ghosts = p.randomGhosts;
    return layout;
}

int actionCount(const StagHuntParams& p) {
    if (p.directedObservations && p.directedExtraActions) {
        return 10;
    }
    return p.captureAction ? 6 : 5;
}

int observationSize(const StagHuntParams& p, const StagHuntGrid& grid) {
    if (p.observeState) {
        return grid.wholeSize();
    }
    return p.directedObservations ? grid.coneSize(p.directedConeNarrow) : grid.windowSize();
}

bool adjacent(GridCell a, GridCell b) {
    return std::abs(a.row - b.row) + std::abs(a.column - b.column) == 1;
}

std::vector<std::uint8_t> drawHunters(const StagHuntParams& p) {
    std::vector<int> order(static_cast<std::size_t>(p.nAgents));
    std::iota(order.begin(), order.end(), 0);
    CounterRng random({static_cast<std::uint64_t>(p.hunterSeed), "env.hunters", 0});
    random.shuffle(std::span(order));
    std::vector<std::uint8_t> hunters(order.size(), 0);
    for (std::size_t i = 0; i < static_cast<std::size_t>(p.nHunts); ++i) {
        hunters[static_cast<std::size_t>(order[i])] = 1;
    }
    return hunters;
}

void writeBoard(StateWriter& writer, const StagHuntBoard& board) {
    for (const auto& agent : board.agents) {
        writer.value(agent.cell.row);
        writer.value(agent.cell.column);
        writer.flag(agent.frozen);
        writer.value(agent.facing);
        writer.value(agent.lastAction);
    }
    for (const auto& prey : board.prey) {
        writer.value(prey.cell.row);
        writer.value(prey.cell.column);
        writer.flag(prey.alive);
    }
    writer.flag(board.ghost);
    writer.value(board.ghostCorner);
    writer.value(board.step);
    writer.flag(board.ended);
}

StagHuntBoard readBoard(StateReader& reader, std::size_t agents, std::size_t prey) {
    StagHuntBoard board;
    board.agents.resize(agents);
    board.prey.resize(prey);
    for (auto& agent : board.agents) {
        agent.cell.row = reader.value<int>();
        agent.cell.column = reader.value<int>();
        agent.frozen = reader.flag();
        agent.facing = reader.value<int>();
        agent.lastAction = reader.value<int>();
    }
    for (auto& one : board.prey) {
        one.cell.row = reader.value<int>();
        one.cell.column = reader.value<int>();
        one.alive = reader.flag();
    }
    board.ghost = reader.flag();
    board.ghostCorner = reader.value<int>();
    board.step = reader.value<int>();
    board.ended = reader.flag();
    return board;
}

} // namespace

StagHunt::StagHunt(const StagHuntParams& params)
    : m_params(params),
      m_config(writeSection("env", params).toToml()),
      m_grid(layoutOf(params)),
      m_hunters(drawHunters(params)) {
    m_spec.name = "stag_hunt";
    m_spec.nAgents = static_cast<int>(params.nAgents);
    m_spec.nActions = actionCount(params);
    m_spec.obsDim = observationSize(params, m_grid);
    m_spec.stateDim = static_cast<int>(m_grid.state().size());
    m_spec.episodeLimit = static_cast<int>(params.episodeLimit);
    for (const std::int64_t kind : params.agentMoveBlock) {
        m_blocks[kind] = true;
    }
    m_board.agents.resize(static_cast<std::size_t>(params.nAgents));
    m_board.prey.resize(static_cast<std::size_t>(params.nStags + params.nHare));
    m_board.ended = true; // nothing can be played before the first reset
    m_available.resize(m_board.agents.size() * static_cast<std::size_t>(m_spec.nActions));
    m_agentOrder.resize(m_board.agents.size());
    m_preyOrder.resize(m_board.prey.size());
}

void StagHunt::reset(const EpisodeKey& key, const ObservationSpans& out) {
    CounterRng random = stepStream(key, 0);
    m_key = key;
    m_board.ghost = false;
    m_board.ghostCorner = 0;
    m_board.step = 0;
    m_board.ended = false;
    m_lastReward = 0.F;
    m_return = 0.F;
    placeAll(random);
    for (auto& agent : m_board.agents) {
        agent.facing = static_cast<int>(random.below(4));
    }
    if (m_params.randomGhosts) {
        m_board.ghostCorner = m_params.randomGhostsIndicator ? static_cast<int>(random.below(4)) : 0;
        m_grid.markGhost(ghostCorner(), m_board.ghost);
    }
    write(out);
}

// Kinds with a row of their own go first: whoever may stand anywhere could fill that row.
void StagHunt::placeAll(CounterRng& random) {
    m_grid.clear();
    const std::int64_t agentRow = m_params.mountainAgentRow;
    const std::int64_t stagRow = m_params.mountainSpawn ? 0 : -1;
    const std::int64_t hareRow = m_params.mountainSpawn ? m_params.worldShape[0] - 1 : -1;
    for (const bool inRow : {true, false}) {
        for (std::size_t i = 0; i < m_board.agents.size() && (agentRow >= 0) == inRow; ++i) {
            m_board.agents[i] = {};
            placeOne(random, Occupant::Agent, static_cast<int>(i), m_board.agents[i].cell, agentRow);
        }
        for (std::size_t i = 0; i < m_board.prey.size() && (stagRow >= 0) == inRow; ++i) {
            const auto index = static_cast<int>(i);
            m_board.prey[i] = {};
            placeOne(random, kindOf(index), indexInKind(index), m_board.prey[i].cell,
                     kindOf(index) == Occupant::Stag ? stagRow : hareRow);
        }
    }
}

void StagHunt::placeOne(CounterRng& random, Occupant kind, int index, GridCell& cell, std::int64_t row) {
    do {
        const auto rows = static_cast<std::uint32_t>(m_params.worldShape[0]);
        cell.row = row >= 0 ? static_cast<int>(row) : static_cast<int>(random.below(rows));
        cell.column = static_cast<int>(random.below(static_cast<std::uint32_t>(m_params.worldShape[1])));
    } while (m_grid.holdsAnything(cell));
    m_grid.put(cell, kind, index);
}

GridCell StagHunt::ghostCorner() const {
    return {m_board.ghostCorner < 2 ? 0 : static_cast<int>(m_params.worldShape[0]) - 1,
            m_board.ghostCorner % 2 == 0 ? 0 : static_cast<int>(m_params.worldShape[1]) - 1};
}

Result<void> StagHunt::checkActions(Actions actions) const {
    if (m_board.ended) {
        return fail(ErrorCode::IllegalAction, "stag_hunt: the episode has ended; reset it before the next step");
    }
    if (actions.size() != m_board.agents.size()) {
        return fail(ErrorCode::IllegalAction, fmt::format("stag_hunt: expected an action for each of {} agents, got {}",
                                                          m_board.agents.size(), actions.size()));
    }
    const auto nActions = static_cast<std::size_t>(m_spec.nActions);
    for (std::size_t agent = 0; agent < actions.size(); ++agent) {
        const std::int32_t action = actions[agent];
        if (action < 0 || action >= m_spec.nActions) {
            return fail(ErrorCode::IllegalAction,
                        fmt::format("stag_hunt: agent {}: there is no action {}; expected 0 to {}", agent, action,
                                    m_spec.nActions - 1));
        }
        if (m_available[agent * nActions + static_cast<std::size_t>(action)] == 0) {
            return fail(ErrorCode::IllegalAction,
                        fmt::format("stag_hunt: agent {}: action {} ({}) is not available now", agent, action,
                                    kActionNames[static_cast<std::size_t>(action)]));
        }
    }
    return {};
}

Result<StepOutcome> StagHunt::step(Actions actions, const ObservationSpans& out) {
    if (auto legal = checkActions(actions); !legal) {
        return tl::unexpected(std::move(legal.error()));
    }
    CounterRng random = stepStream(m_key, m_board.step + 1);
    m_captured = false;
    double reward = m_params.rewardTime;
    reward += moveAgents(actions, random);
    reward += moveAllPrey(actions, random);
    if (m_params.randomGhosts) {
        m_board.ghost = !random.chance(m_params.randomGhostsProb);
        m_grid.markGhost(ghostCorner(), m_board.ghost);
    }
    const StepOutcome outcome = conclude(reward);
    write(out);
    return outcome;
}

StepOutcome StagHunt::conclude(double reward) {
    ++m_board.step;
    const bool allCaught =
        std::none_of(m_board.prey.begin(), m_board.prey.end(), [](const auto& one) { return one.alive; });
    const bool allFrozen =
        std::all_of(m_board.agents.begin(), m_board.agents.end(), [](const auto& agent) { return agent.frozen; });
    StepOutcome outcome;
    outcome.reward = static_cast<float>(reward);
    outcome.terminated = allCaught || allFrozen || (m_captured && m_params.captureTerminal);
    if (!outcome.terminated && m_board.step >= m_spec.episodeLimit) {
        outcome.truncated = m_params.truncateEpisodes;
        outcome.terminated = !m_params.truncateEpisodes;
    }
    m_board.ended = outcome.terminated || outcome.truncated;
    m_lastReward = outcome.reward;
    m_return += outcome.reward;
    return outcome;
}

double StagHunt::moveAgents(Actions actions, CounterRng& random) {
    double reward = 0.0;
    std::iota(m_agentOrder.begin(), m_agentOrder.end(), 0);
    random.shuffle(std::span(m_agentOrder));
    for (const int index : m_agentOrder) {
        StagHuntBoard::Agent& agent = m_board.agents[static_cast<std::size_t>(index)];
        const std::int32_t action = actions[static_cast<std::size_t>(index)];
        agent.lastAction = action;
        if (agent.frozen) {
            continue;
        }
        const bool slips = action == Up && m_params.mountainSlope > 0.0 && random.chance(m_params.mountainSlope);
        if (!slips && !moveAgent(index, action)) {
            reward += m_params.rewardCollision;
        }
        turn(agent, action);
    }
    return reward;
}

// False if something is in the way. Whoever stays "moves" to the own cell, which holds the agent itself: where agents
// block, that counts as a collision too, as in the released code.
bool StagHunt::moveAgent(int index, int direction) {
    GridCell& cell = m_board.agents[static_cast<std::size_t>(index)].cell;
    const GridCell to = direction < Stay ? m_grid.neighbour(cell, direction) : cell;
    for (const Occupant kind : {Occupant::Agent, Occupant::Stag, Occupant::Hare}) {
        if (m_blocks[static_cast<std::size_t>(kind)] && m_grid.holds(to, kind)) {
            return false;
        }
    }
    if (to != cell) {
        m_grid.take(cell, Occupant::Agent, index);
        m_grid.put(to, Occupant::Agent, index);
        cell = to;
    }
    return true;
}

void StagHunt::turn(StagHuntBoard::Agent& agent, std::int32_t action) const {
    if (!m_params.directedObservations) {
        return;
    }
    if (m_params.directedExtraActions) {
        agent.facing = action >= LookRight ? action - LookRight : agent.facing;
    } else {
        agent.facing = action < Stay ? action : agent.facing;
    }
}

double StagHunt::moveAllPrey(Actions actions, CounterRng& random) {
    double reward = 0.0;
    std::iota(m_preyOrder.begin(), m_preyOrder.end(), 0);
    random.shuffle(std::span(m_preyOrder));
    for (const int index : m_preyOrder) {
        const StagHuntBoard::Prey& prey = m_board.prey[static_cast<std::size_t>(index)];
        if (!prey.alive) {
            continue;
        }
        const std::size_t kind = kindOf(index) == Occupant::Stag ? 0 : 1;
        const Surroundings around = surroundings(prey.cell);
        bool captured = false;
        if (m_params.captureAction) {
            const int catching = countCatching(prey.cell, actions);
            captured = catching >= m_params.captureActionConditions[kind];
            reward += catching > 0 && !captured ? m_params.miscapturePunishment : 0.0;
        } else {
            captured = around.freeCount <= m_params.captureConditions[kind];
        }
        if (captured && (around.besideAgent || !m_params.preventCannibalism)) {
            reward += capture(index, actions);
        } else {
            movePrey(index, around, random);
        }
    }
    return reward;
}

StagHunt::Surroundings StagHunt::surroundings(GridCell cell) const {
    Surroundings around;
    for (int direction = 0; direction < 4; ++direction) {
        const GridCell to = m_grid.neighbour(cell, direction);
        if (m_grid.holds(to, Occupant::Agent)) {
            around.besideAgent = true;
        } else if (!m_grid.holdsPrey(to)) {
            around.free[around.freeCount++] = direction;
        }
    }
    return around;
}

int StagHunt::countCatching(GridCell cell, Actions actions) const {
    int count = 0;
    for (std::size_t i = 0; i < actions.size(); ++i) {
        const StagHuntBoard::Agent& agent = m_board.agents[i];
        count += actions[i] == Catch && !agent.frozen && adjacent(agent.cell, cell) ? 1 : 0;
    }
    return count;
}

double StagHunt::capture(int index, Actions actions) {
    StagHuntBoard::Prey& prey = m_board.prey[static_cast<std::size_t>(index)];
    const Occupant kind = kindOf(index);
    prey.alive = false;
    m_captured = true;
    m_grid.take(prey.cell, kind, indexInKind(index));
    bool hunter = false;
    for (std::size_t i = 0; i < m_board.agents.size(); ++i) {
        StagHuntBoard::Agent& agent = m_board.agents[i];
        const bool takesPart =
            !agent.frozen && adjacent(agent.cell, prey.cell) && (!m_params.captureAction || actions[i] == Catch);
        if (!takesPart) {
            continue;
        }
        hunter = hunter || m_hunters[i] != 0;
        if (m_params.captureFreezes) {
            agent.frozen = true;
            if (m_params.removeFrozen) {
                m_grid.take(agent.cell, Occupant::Agent, static_cast<int>(i));
            } else {
                m_grid.hideAgent(agent.cell, static_cast<int>(i));
            }
        }
    }
    double reward = kind == Occupant::Stag ? m_params.rewardStag : m_params.rewardHare;
    if (kind == Occupant::Hare && hunter) {
        reward *= m_params.hunterMultiplier;
    }
    return m_params.randomGhosts && m_board.ghost ? reward * m_params.randomGhostsMul : reward;
}

void StagHunt::movePrey(int index, const Surroundings& around, CounterRng& random) {
    if (around.freeCount == 0) {
        return;
    }
    GridCell& cell = m_board.prey[static_cast<std::size_t>(index)].cell;
    const Occupant kind = kindOf(index);
    const double rest = kind == Occupant::Stag ? m_params.pStagsRest : m_params.pHareRest;
    // An agent in the same cell (where prey do not stop agents) scares it off, over any slope.
    const bool scared = m_grid.holds(cell, Occupant::Agent);
    if (!scared && rest > 0.0 && random.chance(rest)) {
        return;
    }
    const int direction = around.free[around.freeCount == 1 ? 0 : random.below(around.freeCount)];
    const bool climbs = direction == (kind == Occupant::Stag ? Down : Up);
    if (climbs && !scared && m_params.mountainSlope > 0.0 && random.chance(m_params.mountainSlope)) {
        return;
    }
    m_grid.take(cell, kind, indexInKind(index));
    cell = m_grid.neighbour(cell, direction);
    m_grid.put(cell, kind, indexInKind(index));
}

void StagHunt::write(const ObservationSpans& out) {
    const auto obsDim = static_cast<std::size_t>(m_spec.obsDim);
    const auto nActions = static_cast<std::size_t>(m_spec.nActions);
    assert(out.obs.size() == m_board.agents.size() * obsDim && out.state.size() == m_grid.state().size() &&
           out.avail.size() == m_available.size());
    for (std::size_t i = 0; i < m_board.agents.size(); ++i) {
        writeObservation(m_board.agents[i], out.obs.data() + i * obsDim);
        writeAvailable(m_board.agents[i], m_available.data() + i * nActions);
    }
    std::copy(m_grid.state().begin(), m_grid.state().end(), out.state.begin());
    std::copy(m_available.begin(), m_available.end(), out.avail.begin());
}

void StagHunt::writeObservation(const StagHuntBoard::Agent& agent, float* out) const {
    if (agent.frozen && m_params.removeFrozen) {
        std::fill_n(out, m_spec.obsDim, 0.F);
    } else if (m_params.observeState) {
        m_grid.copyWhole(agent.cell, out);
    } else if (m_params.directedObservations) {
        m_grid.copyCone(agent.cell, agent.facing, m_params.directedConeNarrow, out);
    } else {
        m_grid.copyWindow(agent.cell, out);
    }
}

void StagHunt::writeAvailable(const StagHuntBoard::Agent& agent, std::uint8_t* out) const {
    std::fill_n(out, m_spec.nActions, std::uint8_t{agent.frozen ? std::uint8_t{0} : std::uint8_t{1}});
    out[Stay] = 1;
    if (agent.frozen) {
        return;
    }
    bool preyInReach = false;
    for (int direction = 0; direction < 4; ++direction) {
        const GridCell to = m_grid.neighbour(agent.cell, direction);
        // Only an edge leads back to the own cell, unless the world is a single row or column wide.
        out[direction] = m_params.toroidal || to != agent.cell ? 1 : 0;
        const bool reaches = !m_params.directedObservations || direction == agent.facing;
        preyInReach = preyInReach || (reaches && m_grid.holdsPrey(to));
    }
    if (m_params.captureAction) {
        out[Catch] = preyInReach ? 1 : 0;
    }
}

EnvView StagHunt::view() const {
    BoardView board;
    board.rows = static_cast<int>(m_params.worldShape[0]);
    board.columns = static_cast<int>(m_params.worldShape[1]);
    board.sightRadius = static_cast<int>(std::max(m_params.agentObs[0], m_params.agentObs[1]));
    board.toroidal = m_params.toroidal;
    board.actionNames.assign(kActionNames.begin(), kActionNames.begin() + m_spec.nActions);
    for (std::size_t i = 0; i < m_board.agents.size(); ++i) {
        const StagHuntBoard::Agent& agent = m_board.agents[i];
        board.pieces.push_back({BoardView::Kind::Agent, static_cast<int>(i), agent.cell.row, agent.cell.column,
                                !agent.frozen, agent.lastAction});
    }
    for (std::size_t i = 0; i < m_board.prey.size(); ++i) {
        const StagHuntBoard::Prey& prey = m_board.prey[i];
        const auto index = static_cast<int>(i);
        const auto kind = kindOf(index) == Occupant::Stag ? BoardView::Kind::Stag : BoardView::Kind::Hare;
        board.pieces.push_back({kind, indexInKind(index), prey.cell.row, prey.cell.column, prey.alive, -1});
    }
    EnvView view;
    view.envName = m_spec.name;
    view.step = m_board.step;
    view.episodeLimit = m_spec.episodeLimit;
    view.lastReward = m_lastReward;
    view.episodeReturn = m_return;
    view.greedy = m_key.greedy;
    view.scene = std::move(board);
    return view;
}

std::vector<std::byte> StagHunt::save() const {
    StateWriter writer;
    writer.text(m_config);
    writer.key(m_key);
    writeBoard(writer, m_board);
    writer.value(m_lastReward);
    writer.value(m_return);
    return writer.take();
}

Result<void> StagHunt::restore(std::span<const std::byte> saved) {
    StateReader reader(saved);
    if (reader.text() != m_config) {
        return fail(ErrorCode::Corrupt, "stag_hunt: the saved state is damaged, or of another configuration");
    }
    const EpisodeKey key = reader.key();
    StagHuntBoard board = readBoard(reader, m_board.agents.size(), m_board.prey.size());
    const auto lastReward = reader.value<float>();
    const auto episodeReturn = reader.value<float>();
    const std::string problem = reader.finished() ? problemOf(board) : "it ends too early or too late";
    if (!problem.empty()) {
        return fail(ErrorCode::Corrupt, fmt::format("stag_hunt: the saved state is damaged: {}", problem));
    }
    m_key = key;
    m_board = std::move(board);
    m_lastReward = lastReward;
    m_return = episodeReturn;
    rebuildGrid();
    return {};
}

Result<void> StagHunt::setBoard(const StagHuntBoard& board, const EpisodeKey& key, const ObservationSpans& out) {
    if (const std::string problem = problemOf(board); !problem.empty()) {
        return fail(ErrorCode::Usage, fmt::format("stag_hunt: this board cannot be: {}", problem));
    }
    m_key = key;
    m_board = board;
    m_lastReward = 0.F;
    m_return = 0.F;
    rebuildGrid();
    write(out);
    return {};
}

std::string StagHunt::problemOf(const StagHuntBoard& board) const {
    if (board.agents.size() != m_board.agents.size() || board.prey.size() != m_board.prey.size()) {
        return fmt::format("expected {} agents and {} prey, got {} and {}", m_board.agents.size(), m_board.prey.size(),
                           board.agents.size(), board.prey.size());
    }
    for (const auto& agent : board.agents) {
        if (!m_grid.inside(agent.cell) || agent.facing < 0 || agent.facing > 3 || agent.lastAction < -1 ||
            agent.lastAction >= m_spec.nActions) {
            return fmt::format("an agent at ({}, {}) facing {} after action {}", agent.cell.row, agent.cell.column,
                               agent.facing, agent.lastAction);
        }
    }
    for (std::size_t i = 0; i < board.prey.size(); ++i) {
        if (!m_grid.inside(board.prey[i].cell)) {
            return fmt::format("prey {} at ({}, {})", i, board.prey[i].cell.row, board.prey[i].cell.column);
        }
        for (std::size_t j = 0; j < i; ++j) {
            if (board.prey[i].alive && board.prey[j].alive && board.prey[i].cell == board.prey[j].cell) {
                return fmt::format("prey {} and {} in one cell", j, i);
            }
        }
    }
    if (board.ghostCorner < 0 || board.ghostCorner > 3 || board.step < 0 || board.step > m_spec.episodeLimit ||
        (board.step == m_spec.episodeLimit && !board.ended)) {
        return fmt::format("step {} of {}, corner {}", board.step, m_spec.episodeLimit, board.ghostCorner);
    }
    return {};
}

void StagHunt::rebuildGrid() {
    m_grid.clear();
    for (std::size_t i = 0; i < m_board.agents.size(); ++i) {
        const StagHuntBoard::Agent& agent = m_board.agents[i];
        const auto index = static_cast<int>(i);
        if (!agent.frozen || !m_params.removeFrozen) {
            m_grid.put(agent.cell, Occupant::Agent, index);
        }
        if (agent.frozen && !m_params.removeFrozen) {
            m_grid.hideAgent(agent.cell, index);
        }
    }
    for (std::size_t i = 0; i < m_board.prey.size(); ++i) {
        const auto index = static_cast<int>(i);
        if (m_board.prey[i].alive) {
            m_grid.put(m_board.prey[i].cell, kindOf(index), indexInKind(index));
        }
    }
    if (m_params.randomGhosts) {
        m_grid.markGhost(ghostCorner(), m_board.ghost);
    }
    const auto nActions = static_cast<std::size_t>(m_spec.nActions);
    for (std::size_t i = 0; i < m_board.agents.size(); ++i) {
        writeAvailable(m_board.agents[i], m_available.data() + i * nActions);
    }
}

Result<std::unique_ptr<Environment>> makeStagHunt(const Section& env) {
    return readStagHuntParams(env).map([](const StagHuntParams& params) -> std::unique_ptr<Environment> {
        return std::make_unique<StagHunt>(params);
    });
}

Result<Section> resolveStagHunt(const Section& env) {
    return readStagHuntParams(env).map([&](const StagHuntParams& params) { return writeSection(env.path(), params); });
}

} // namespace knife
