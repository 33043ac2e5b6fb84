// SPDX-License-Identifier: GPL-3.0-or-later
// The environment "matrix": games that are payoff tables.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/config/section.h"
#include "core/envs/environment.h"
#include "core/envs/payoff_tables.h"

namespace knife {

/// [env] with name = "matrix".
struct MatrixGameParams {
    std::string table = "qtran"; ///< a named table, "free", "two_step", "nstep" or "mmdp"
    double weight = 10.4;
    double penalty = -30.0;
    std::int64_t agents = 2;
    std::int64_t size = 3;
    std::vector<std::vector<double>> payoff; ///< free table of two agents, by rows
    std::vector<double> payoffFlat;          ///< free table of any number of agents; needs shape
    std::vector<std::int64_t> shape;         ///< actions per agent of payoffFlat
    std::string title;                       ///< shown instead of the table's name
    double noise = 0.0;                      ///< every payoff v becomes v ± noise, with probability 1/2 each
    std::string observation = "ones";        ///< one-step tables: "ones", "zeros", "task_id"
    std::int64_t taskId = 0;
    std::int64_t taskCount = 1;
    std::int64_t steps = 4;        ///< nstep
    std::int64_t goodBranches = 4; ///< nstep: 2 or 4
    double mmdpReward = 1.0;
    std::int64_t horizon = 100; ///< mmdp
};
void describe(FieldVisitor& visitor, MatrixGameParams& params);

/// Reads and checks the section; errors are ErrorCode::Usage with the place.
[[nodiscard]] Result<MatrixGameParams> readMatrixGameParams(const Section& env);
/// The table of a one-step game. ErrorCode::Usage if params.table names a game of several steps.
[[nodiscard]] Result<PayoffTable> oneStepTable(const MatrixGameParams& params);

[[nodiscard]] Result<std::unique_ptr<Environment>> makeMatrixGame(const Section& env);
[[nodiscard]] Result<Section> resolveMatrixGame(const Section& env);

/// Plays a stage game. Agents with fewer actions than the widest one find the rest illegal. Every agent observes the
/// stage's features, and the state is the same vector.
class MatrixGame final : public Environment {
  public:
    /// `config` is the text that tells this game from others when a state is restored.
    MatrixGame(StageGame game, double noise, std::string config);

    [[nodiscard]] const EnvSpec& spec() const override { return m_spec; }
    void reset(const EpisodeKey& key, const ObservationSpans& out) override;
    [[nodiscard]] Result<StepOutcome> step(std::span<const std::int32_t> actions, const ObservationSpans& out) override;
    [[nodiscard]] EnvView view() const override;
    [[nodiscard]] std::vector<std::byte> save() const override;
    [[nodiscard]] Result<void> restore(std::span<const std::byte> saved) override;

  private:
    [[nodiscard]] const GameStage& stage() const { return m_game.stages[static_cast<std::size_t>(m_stage)]; }
    [[nodiscard]] Result<std::size_t> cellOf(std::span<const std::int32_t> actions) const;
    [[nodiscard]] double pay(std::size_t cell) const;
    void observe(const ObservationSpans& out) const;

    StageGame m_game;
    double m_noise;
    std::string m_config;
    EnvSpec m_spec;

    EpisodeKey m_key;
    int m_stage = 0;
    int m_step = 0;
    bool m_ended = true; ///< nothing can be played before the first reset
    float m_lastReward = 0.F;
    float m_return = 0.F;
    std::vector<std::int32_t> m_lastActions; ///< capacity for all agents; empty before the first step
};

} // namespace knife
