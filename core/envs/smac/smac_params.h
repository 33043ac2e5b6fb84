// SPDX-License-Identifier: GPL-3.0-or-later
// Everything that can be set about the environments "smac" and "smacv2". Names are those of the released code where it
// has the setting. Keys that begin with `compat_` bring a known mistake of the released code back.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/config/section.h"
#include "core/envs/registry.h"
#include "core/envs/smac/scenarios.h"
#include "core/envs/smac/unit_table.h"

namespace knife::smac {

enum class Version : std::uint8_t { Smac, SmacV2 };

struct SmacParams {
    std::string scenario = "3m";
    std::int64_t ruleSet = kRuleSet; ///< of the built-in engine
    std::string difficulty = "7";    ///< of the game's computer player, which the built-in engine does not have
    bool heuristicAi = false;        ///< agents follow the script AttackNearest, whatever actions they are given
    bool heuristicRest = false;      ///< of heuristicAi: only by actions that are legal
    // Who fights. 0: as many as the scenario has. Of "smac" only the numbers of slots can be set.
    std::int64_t units = 0;
    std::int64_t enemies = 0;
    std::int64_t unitSlots = 0;          ///< places for agents in observations and actions; those too many are dead
    std::int64_t enemySlots = 0;         ///< likewise
    std::string team = "weighted_teams"; ///< how teams of "smacv2" are drawn: or "all_teams", "fixed"
    std::vector<std::string> teamItems;  ///< of "fixed": "marine marine : zealot zealot", or one team for both sides
    std::vector<double> unitWeights;     ///< of "weighted_teams"; empty: the race's
    bool observeTeam = true;             ///< types of allies; agents know their own
    std::string startPositions = "surrounded_and_reflect"; ///< "surrounded", "reflect", "sides", "fixed"
    std::vector<std::vector<double>> positionItems;        ///< of "fixed": x and y of all agents, then of all enemies
    double reflectProbability = 0.5;                       ///< of "surrounded_and_reflect"
    std::vector<double> attackProbability;        ///< bounds that each agent's is drawn from: low, high; empty: 1
    std::vector<std::vector<double>> attackItems; ///< instead of bounds: one probability per agent
    bool observeAttack = true;
    std::vector<double> healthLevel; ///< likewise: the share of its health at which an agent dies; empty: 0
    std::vector<std::vector<double>> healthItems; ///< instead of bounds: one share per agent
    bool observeHealth = true;                    ///< those of others
    double enemyMaskProbability = 1.0; ///< that an agent may see health and type of an enemy, drawn once per pair

    // How it goes on.
    std::int64_t episodeLimit = 0; ///< 0: the scenario's
    bool continuingEpisode = false;
    std::int64_t stepMul = 8;
    std::int64_t killUnitStepMul = 2; ///< of these, loops after agents below their health level have died
    double moveAmount = 2.0;
    bool attackJitter = true; ///< weapons take from one loop less to two more

    // What agents see.
    bool useUnitRanges = true;
    double minAttackRange = 2.0;
    bool conicFov = false;
    std::int64_t fovActions = 12;
    double probObsEnemy = 1.0;
    bool actionMask = true;
    bool fullyObservable = false;
    bool obsStarcraft = true;
    bool obsAllHealth = true;
    bool obsOwnHealth = true;
    bool obsOwnPos = true;
    bool obsLastAction = false;
    bool obsPathingGrid = false;
    bool obsTerrainHeight = false;
    bool obsTimestepNumber = false;
    bool obsInsteadOfState = false;
    bool stateLastAction = true;
    bool stateTimestepNumber = false;

    // Rewards.
    bool rewardSparse = false;
    bool rewardOnlyPositive = true;
    double rewardDeathValue = 10.0;
    double rewardWin = 200.0;
    double rewardDefeat = 0.0;
    double rewardNegativeScale = 0.5;
    bool rewardScale = true;
    double rewardScaleRate = 20.0;

    bool compatEnemyWipe = false;         ///< an unseen enemy blanks all rows before it
    bool compatCone = false;              ///< cones see things behind them
    bool compatFirstEpisodeScale = false; ///< rewards are scaled by the enemies of the run's episode 0
    bool compatAbsoluteReward = false;    ///< enemies' regained shields are rewarded
};

/// A pair of teams that "fixed" draws.
struct TeamItem {
    std::vector<UnitType> allies;
    std::vector<UnitType> enemies;
};

/// What is fixed once scenario and parameters are known.
struct SmacSetting {
    SmacParams params;
    Version version = Version::Smac;
    const Scenario* map = nullptr; ///< of "smac"
    const Race* race = nullptr;    ///< of "smacv2"
    int allies = 0;
    int enemies = 0;
    int allySlots = 0;
    int enemySlots = 0;
    int limit = 0;
    std::vector<UnitType> allyTypes; ///< of the one-hot; empty: none
    std::vector<UnitType> enemyTypes;
    std::vector<TeamItem> teams; ///< of "fixed"
    bool allyShields = false;
    bool enemyShields = false;
    [[nodiscard]] bool hasAttackProbability() const {
        return !params.attackProbability.empty() || !params.attackItems.empty();
    }
    [[nodiscard]] bool hasHealthLevel() const { return !params.healthLevel.empty() || !params.healthItems.empty(); }
    bool withMedivacs = false; ///< medivacs heal, and have an energy instead of a cooldown
};

/// Parameters with the defaults of one version.
[[nodiscard]] SmacParams defaultsOf(Version version);
void describe(FieldVisitor& visitor, SmacParams& params);
[[nodiscard]] std::vector<EnvPreset> presetsOf(Version version);
/// Unknown scenarios and keys, wrong types and worlds that cannot be are ErrorCode::Usage with the place.
[[nodiscard]] Result<SmacSetting> readSmac(const Section& env, Version version);

} // namespace knife::smac
