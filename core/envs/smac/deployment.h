// SPDX-License-Identifier: GPL-3.0-or-later
// Draws the battle of one episode: teams, where they begin, and what each agent is capable of. A function of the
// stream that it is given.
#pragma once

#include <cstdint>
#include <vector>

#include "core/envs/environment.h"
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

/// Draws battles of one setting. Not thread-safe. No allocation after construction.
class Deployer {
  public:
    /// The setting must outlive this.
    explicit Deployer(const SmacSetting& setting);

    /// With memory for everything that draw() puts into it.
    [[nodiscard]] Deployment empty() const;
    /// Fills a deployment that came from empty(). Lists of items are drawn from in training, and gone through in turn
    /// by greedy episodes.
    void draw(const EpisodeKey& key, CounterRng& random, Deployment& deployment);

  private:
    void drawMap(CounterRng& random, Deployment& deployment) const;
    [[nodiscard]] std::size_t drawItem(std::size_t items, CounterRng& random) const;
    void drawTeams(CounterRng& random);
    void drawWeighted(std::size_t count, CounterRng& random);
    void drawAnyTeam(std::size_t count, CounterRng& random);
    void drawPoints(CounterRng& random);
    void reflect(CounterRng& random);
    void surround(CounterRng& random);
    void drawCapabilities(CounterRng& random, Deployment& deployment) const;
    [[nodiscard]] bool hasFighter(std::size_t first) const;

    const SmacSetting& m_setting;
    EpisodeKey m_key; ///< of the episode that is drawn
    std::size_t m_allies;
    std::size_t m_enemies;
    // Drawn so far; enemies mirror allies, and those that are more follow.
    std::vector<UnitType> m_team;
    std::vector<UnitType> m_enemyTeam;
    std::vector<Vec2> m_allyPoints;
    std::vector<Vec2> m_enemyPoints;
    std::vector<std::uint32_t> m_draws; ///< of whatever is drawn at the moment
};

} // namespace knife::smac
