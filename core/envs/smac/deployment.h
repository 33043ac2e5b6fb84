// SPDX-License-Identifier: GPL-3.0-or-later
// Draws the battle of one episode: teams, where they begin, and what each agent is capable of. A function of the
// stream that it is given.
#pragma once

#include <vector>

#include "core/envs/smac/engine.h"
#include "core/envs/smac/smac_params.h"
#include "core/types/counter_rng.h"

namespace knife::smac {

struct Deployment {
    std::vector<Placement> units; ///< agents in the order of their ids, then enemies in the order of theirs
    EnemyPlan plan;
    std::vector<float> attackProbability; ///< per agent; empty: orders never fail
    std::vector<float> healthLevel;       ///< per agent; empty: 0
    /// [agents x enemies], 1: the agent never sees health and type of the enemy; empty: nothing is hidden.
    std::vector<std::uint8_t> hidden;
};

/// Fills `deployment`, whose memory is reused.
void deploy(const SmacSetting& setting, CounterRng& random, Deployment& deployment);

} // namespace knife::smac
