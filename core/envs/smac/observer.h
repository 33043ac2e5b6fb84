// SPDX-License-Identifier: GPL-3.0-or-later
// Writes what agents observe, the state, and which actions are legal, in the layout of SMAC and SMACv2. Units are
// agents in the order of their ids, then enemies; slots beyond them hold zeros.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/envs/environment.h"
#include "core/envs/smac/deployment.h"
#include "core/envs/smac/engine.h"
#include "core/envs/smac/sight.h"
#include "core/envs/smac/smac_params.h"

namespace knife::smac {

/// A moment of a battle as the rules see it.
struct Moment {
    std::span<const UnitState> units;
    const Deployment& deployment;
    std::span<const Vec2> facing;              ///< per agent
    std::span<const std::int32_t> lastActions; ///< per agent; -1: none yet
    int step = 0;
    const SightGate& gate;
};

class Observer {
  public:
    /// Actions in front of those that name a target.
    enum Action : std::int32_t { NoOp, Stop, North, South, East, West, FirstLook };

    /// All must outlive this.
    Observer(const SmacSetting& setting, const Sight& sight, const Terrain& terrain);

    [[nodiscard]] int obsDim() const { return m_obsDim; }
    [[nodiscard]] int stateDim() const { return m_stateDim; }
    [[nodiscard]] int actions() const { return m_actions; }
    /// One per action: "stop", "look 3", "target 0", …
    [[nodiscard]] std::vector<std::string> actionNames() const;
    /// One per value that an agent observes: "way north", "enemy 2 distance", "friend 0 marine", …; friends are all
    /// agents but itself. In the order in which values are written: a test holds the two together.
    [[nodiscard]] std::vector<std::string> featureNames() const;
    /// The action that names target 0.
    [[nodiscard]] int firstTarget() const { return m_firstTarget; }
    /// Whether an agent's targets are its own team.
    [[nodiscard]] bool heals(const UnitState& agent) const;
    /// Index into Moment::units of a target; -1: there is none in that slot.
    [[nodiscard]] int targetOf(const UnitState& agent, int slot) const;

    /// All of it, for all slots.
    void write(const Moment& moment, const ObservationSpans& out) const;
    /// Which actions are legal, for all slots: [slots x actions].
    void writeAvailable(const Moment& moment, std::span<std::uint8_t> out) const;
    /// What agents see of no battle at all: zeros, and nothing that they could do.
    void writeNothing(const ObservationSpans& out) const;

  private:
    void nameEnemies(std::vector<std::string>& names) const;
    void nameFriends(std::vector<std::string>& names) const;
    void nameOwn(std::vector<std::string>& names) const;
    void writeAvailable(const Moment& moment, int agent, std::uint8_t* out) const;
    [[nodiscard]] bool canMove(Vec2 from, Vec2 direction) const;
    [[nodiscard]] bool isVisible(const Moment& moment, int agent, Vec2 place) const;
    [[nodiscard]] bool reaches(const Moment& moment, int agent, int slot) const;
    float* writeSurroundings(Vec2 at, float* out) const;
    float* writeEnemies(const Moment& moment, int agent, float* out) const;
    float* writeAllies(const Moment& moment, int agent, float* out) const;
    float* writeOwn(const Moment& moment, int agent, float* out) const;
    void writeObservation(const Moment& moment, int agent, float* out) const;
    void writeState(const Moment& moment, float* out) const;
    float* writeCapabilities(const Moment& moment, int agent, bool hide, float* out) const;
    float* writeLastAction(const Moment& moment, int agent, float* out) const;
    [[nodiscard]] float timeShare(const Moment& moment) const;
    [[nodiscard]] float healthShare(const Moment& moment, int agent) const;
    [[nodiscard]] const UnitState& agentAt(const Moment& moment, int agent) const {
        return moment.units[static_cast<std::size_t>(agent)];
    }
    [[nodiscard]] const UnitState& enemyAt(const Moment& moment, int enemy) const {
        return moment.units[static_cast<std::size_t>(m_setting.allies + enemy)];
    }

    const SmacSetting& m_setting;
    const Sight& m_sight;
    const Terrain& m_terrain;
    bool m_hasAttack;
    bool m_hasHealth;
    int m_enemyWidth; ///< of a row of an observation
    int m_allyWidth;
    int m_enemyRow; ///< of a row of the state
    int m_allyRow;
    int m_firstTarget;
    int m_actions;
    int m_obsDim;
    int m_stateDim;
    int m_ownStateDim; ///< of the layout that is not `obs_instead_of_state`
};

} // namespace knife::smac
