// SPDX-License-Identifier: GPL-3.0-or-later
// The environment "stag_hunt": agents hunt stags and hares on a grid. Rules after the lineage DCG, WQMIX, GradPS.
//
// A step: agents move in random order; then prey, in random order, are captured or move. Capture with the catch action
// needs a number of catching agents beside the prey (too few: the team is punished once for that prey); without it,
// prey are captured when hemmed in.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/config/section.h"
#include "core/envs/environment.h"
#include "core/envs/stag_hunt_grid.h"
#include "core/envs/stag_hunt_params.h"
#include "core/types/counter_rng.h"

namespace knife {

/// Where everything is between two steps.
struct StagHuntBoard {
    struct Agent {
        GridCell cell;
        bool frozen = false;
        int facing = 0; ///< 0 right, 1 down, 2 left, 3 up
        int lastAction = -1;
        bool operator==(const Agent&) const = default;
    };
    struct Prey {
        GridCell cell;
        bool alive = true;
        bool operator==(const Prey&) const = default;
    };
    std::vector<Agent> agents;
    std::vector<Prey> prey; ///< stags first, then hares
    bool ghost = false;     ///< the next captures are multiplied by random_ghosts_mul
    int ghostCorner = 0;    ///< 0 top left, 1 top right, 2 bottom left, 3 bottom right
    int step = 0;
    bool ended = false;
    bool operator==(const StagHuntBoard&) const = default;
};

class StagHunt final : public Environment {
  public:
    enum Action : std::int32_t { Right, Down, Left, Up, Stay, Catch, LookRight, LookDown, LookLeft, LookUp };

    /// Requires params as readStagHuntParams() gives them.
    explicit StagHunt(const StagHuntParams& params);

    [[nodiscard]] const EnvSpec& spec() const override { return m_spec; }
    void reset(const EpisodeKey& key, const ObservationSpans& out) override;
    [[nodiscard]] Result<StepOutcome> step(std::span<const std::int32_t> actions, const ObservationSpans& out) override;
    [[nodiscard]] EnvView view() const override;
    [[nodiscard]] std::vector<std::byte> save() const override;
    [[nodiscard]] Result<void> restore(std::span<const std::byte> saved) override;

    [[nodiscard]] const StagHuntBoard& board() const { return m_board; }
    /// Sets the board by hand, in the episode of `key`, and writes what is seen of it. A board that cannot be (wrong
    /// counts, off the grid, prey on prey) is ErrorCode::Usage and changes nothing.
    [[nodiscard]] Result<void> setBoard(const StagHuntBoard& board, const EpisodeKey& key, const ObservationSpans& out);
    /// Per agent: whether its captures of hares pay more.
    [[nodiscard]] const std::vector<std::uint8_t>& hunters() const { return m_hunters; }

  private:
    // What a prey finds around it: the directions in which it can go, and whether an agent is there.
    struct Surroundings {
        int free[4];
        std::uint32_t freeCount = 0;
        bool besideAgent = false;
    };
    using Actions = std::span<const std::int32_t>;

    void placeAll(CounterRng& random);
    void placeOne(CounterRng& random, Occupant kind, int index, GridCell& cell, std::int64_t row);
    void rebuildGrid();
    [[nodiscard]] std::string problemOf(const StagHuntBoard& board) const;
    [[nodiscard]] Result<void> checkActions(Actions actions) const;

    [[nodiscard]] double moveAgents(Actions actions, CounterRng& random);
    [[nodiscard]] bool moveAgent(int index, int direction);
    void turn(StagHuntBoard::Agent& agent, std::int32_t action) const;
    [[nodiscard]] double moveAllPrey(Actions actions, CounterRng& random);
    [[nodiscard]] Surroundings surroundings(GridCell cell) const;
    [[nodiscard]] int countCatching(GridCell cell, Actions actions) const;
    [[nodiscard]] double capture(int index, Actions actions);
    void movePrey(int index, const Surroundings& around, CounterRng& random);
    [[nodiscard]] StepOutcome conclude(double reward);

    void write(const ObservationSpans& out);
    void writeObservation(const StagHuntBoard::Agent& agent, float* out) const;
    void writeAvailable(const StagHuntBoard::Agent& agent, std::uint8_t* out) const;

    [[nodiscard]] Occupant kindOf(int prey) const { return prey < m_params.nStags ? Occupant::Stag : Occupant::Hare; }
    [[nodiscard]] int indexInKind(int prey) const {
        return prey < m_params.nStags ? prey : prey - static_cast<int>(m_params.nStags);
    }
    [[nodiscard]] GridCell ghostCorner() const;

    StagHuntParams m_params;
    EnvSpec m_spec;
    std::string m_config; ///< tells this world from others when a state is restored
    StagHuntGrid m_grid;
    std::vector<std::uint8_t> m_hunters;
    bool m_blocks[3] = {false, false, false}; ///< per Occupant: stops a moving agent

    EpisodeKey m_key;
    StagHuntBoard m_board;
    bool m_captured = false; ///< in the present step
    float m_lastReward = 0.F;
    float m_return = 0.F;

    std::vector<std::uint8_t> m_available; ///< [agents × actions] as last written
    std::vector<int> m_agentOrder;
    std::vector<int> m_preyOrder;
};

[[nodiscard]] Result<std::unique_ptr<Environment>> makeStagHunt(const Section& env);
[[nodiscard]] Result<Section> resolveStagHunt(const Section& env);

} // namespace knife
