// SPDX-License-Identifier: GPL-3.0-or-later
// Everything that can be set about the environment "stag_hunt", and the presets of the literature.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/config/section.h"
#include "core/envs/registry.h"

namespace knife {

/// [env] with name = "stag_hunt". The defaults are the preset pred_prey_punish. Pairs are (rows, columns) or (stag,
/// hare).
struct StagHuntParams {
    std::string preset = "pred_prey_punish";
    std::vector<std::int64_t> worldShape = {10, 10};
    std::int64_t nAgents = 8;
    std::int64_t nStags = 8;
    std::int64_t nHare = 0;
    std::int64_t episodeLimit = 200;
    bool truncateEpisodes = true; ///< the limit truncates; otherwise it terminates
    bool toroidal = false;        ///< movement wraps around; what an agent sees does not

    double pStagsRest = 0.0;
    double pHareRest = 0.0;
    std::vector<std::int64_t> agentMoveBlock = {0, 1, 2}; ///< what stops an agent: 0 agents, 1 stags, 2 hares

    std::vector<std::int64_t> captureActionConditions = {2, 1}; ///< catching agents needed
    std::vector<std::int64_t> captureConditions = {0, 1};       ///< without the action: most free cells around the prey
    bool captureAction = true;                                  ///< agents have a catch action
    bool preventCannibalism = true;                             ///< a capture needs an agent beside the prey
    bool captureTerminal = false;
    bool captureFreezes = true;
    bool removeFrozen = true;

    double rewardTime = 0.0;
    double rewardCollision = 0.0;
    double rewardStag = 10.0;
    double rewardHare = 1.0;
    double miscapturePunishment = -2.0;
    std::int64_t nHunts = 0;     ///< agents whose share in a hare's capture multiplies its reward
    std::int64_t hunterSeed = 1; ///< which agents those are
    double hunterMultiplier = 5.0;

    std::vector<std::int64_t> agentObs = {2, 2}; ///< cells seen in each direction
    bool observeWalls = false;
    bool observeIds = false;
    bool observeOneHot = false;
    bool observeState = false;
    bool directedObservations = false;
    bool directedConeNarrow = true;
    bool directedExtraActions = true; ///< looking is an action; otherwise agents look where they go

    bool randomGhosts = false;
    bool randomGhostsIndicator = false; ///< the corner that tells ghosts is drawn in every episode
    double randomGhostsProb = 0.5;
    double randomGhostsMul = -1.0;

    double mountainSlope = 0.0;
    bool mountainSpawn = false;         ///< stags begin in the top row, hares in the bottom row
    std::int64_t mountainAgentRow = -1; ///< row in which agents begin; -1: anywhere
};
void describe(FieldVisitor& visitor, StagHuntParams& params);

[[nodiscard]] const std::vector<EnvPreset>& stagHuntPresets();
/// The preset that the section names (or the default one) with the section's other keys on top. Unknown keys, wrong
/// types and impossible worlds are ErrorCode::Usage with the place.
[[nodiscard]] Result<StagHuntParams> readStagHuntParams(const Section& env);

} // namespace knife
