// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/envs/smac/smac_params.h"

#include <algorithm>
#include <iterator>
#include <ranges>
#include <tuple>

#include <fmt/format.h>

#include "core/config/did_you_mean.h"
#include "core/envs/episode_stream.h"

namespace knife::smac {

namespace {

constexpr Range kShare{0, 1};
constexpr Range kReward{-1e6, 1e6};
constexpr std::int64_t kMostUnits = 120;
constexpr int kSmacV2Limit = 200;
constexpr double kHighestLevel = 0.99;  // of health at which agents die: some is left to lose
constexpr double kLeastFighters = 0.01; // share of units that can stand alone: teams are drawn until there is one

using Status = Result<void>;

Status refuse(const Section& env, const char* key, std::string message) {
    return tl::unexpected(env.errorAt(key, std::move(message)));
}

// "smac:3m" is "3m".
std::string_view withoutPrefix(std::string_view scenario, Version version) {
    const std::string_view prefix = version == Version::Smac ? "smac:" : "smacv2:";
    return scenario.starts_with(prefix) ? scenario.substr(prefix.size()) : scenario;
}

struct Stock {
    const Race* race = nullptr;
    TeamSizes sizes;
    bool partial = false; ///< extended partial observability
};

std::string nameOf(const Stock& stock) {
    return scenarioName(*stock.race, stock.sizes) + (stock.partial ? "_epo" : "");
}

const std::vector<Stock>& stocks() {
    static const std::vector<Stock> all = [] {
        std::vector<Stock> list;
        for (const bool partial : {false, true}) {
            for (const Race& race : races()) {
                for (const TeamSizes sizes : teamSizes()) {
                    list.push_back({&race, sizes, partial});
                }
            }
        }
        return list;
    }();
    return all;
}

std::vector<std::string> scenarioNames(Version version) {
    std::vector<std::string> names;
    if (version == Version::Smac) {
        std::ranges::transform(scenarios(), std::back_inserter(names),
                               [](const Scenario& scenario) { return std::string(scenario.name); });
    } else {
        std::ranges::transform(stocks(), std::back_inserter(names), [](const Stock& stock) { return nameOf(stock); });
    }
    return names;
}

Status checkBounds(const Section& env, const char* key, const std::vector<double>& bounds) {
    if (bounds.empty()) {
        return {};
    }
    const bool sound = bounds.size() == 2 && bounds[0] >= 0.0 && bounds[0] <= bounds[1] && bounds[1] <= 1.0;
    return sound ? Status{} : refuse(env, key, "expected two shares, the lower and the upper bound: [0.7, 1.0]");
}

// Rows of so many numbers between 0 and `most`.
Status checkItems(const Section& env, const char* key, const std::vector<std::vector<double>>& items, int width,
                  double most) {
    for (const std::vector<double>& item : items) {
        const bool sound = static_cast<int>(item.size()) == width &&
                           std::ranges::all_of(item, [most](double value) { return value >= 0.0 && value <= most; });
        if (!sound) {
            return refuse(env, key, fmt::format("expected rows of {} numbers in [0, {}]", width, most));
        }
    }
    return {};
}

Status checkFixed(const Section& env, const SmacSetting& setting) {
    const SmacParams& p = setting.params;
    if ((p.team == "fixed") == p.teamItems.empty()) {
        return refuse(env, "team_items", "needed by team = \"fixed\", and of no use to others");
    }
    if ((p.startPositions == "fixed") == p.positionItems.empty()) {
        return refuse(env, "position_items", "needed by start_positions = \"fixed\", and of no use to others");
    }
    return checkItems(env, "position_items", p.positionItems, 2 * (setting.allies + setting.enemies), kMapSize);
}

// "marine marauder" as types; of no race's: an error.
Result<std::vector<UnitType>> typesIn(const Section& env, const Race& race, std::string_view words) {
    std::vector<UnitType> types;
    for (const auto word : std::views::split(words, ' ')) {
        const std::string_view name(word.begin(), word.end());
        const auto type = std::ranges::find(race.types, name, [](UnitType known) { return nameOf(known); });
        if (type != race.types.end()) {
            types.push_back(*type);
        } else if (!name.empty()) {
            std::vector<std::string> known;
            std::ranges::transform(race.types, std::back_inserter(known),
                                   [](UnitType t) { return std::string(nameOf(t)); });
            return tl::unexpected(env.errorAt("team_items", fmt::format("there is no {} unit '{}'{}", race.name, name,
                                                                        suggestion(std::string(name), known))));
        }
    }
    return types;
}

Result<TeamItem> readTeam(const Section& env, const SmacSetting& setting, std::string_view item) {
    const auto colon = item.find(':');
    auto allies = typesIn(env, *setting.race, item.substr(0, colon));
    auto enemies = colon == std::string_view::npos ? allies : typesIn(env, *setting.race, item.substr(colon + 1));
    if (!allies || !enemies) {
        return tl::unexpected(allies ? enemies.error() : allies.error());
    }
    if (static_cast<int>(allies->size()) != setting.allies || static_cast<int>(enemies->size()) != setting.enemies) {
        return tl::unexpected(env.errorAt(
            "team_items", fmt::format("expected {} agents and {} enemies, got {} and {} in '{}'", setting.allies,
                                      setting.enemies, allies->size(), enemies->size(), item)));
    }
    return TeamItem{std::move(*allies), std::move(*enemies)};
}

Status check(const Section& env, const SmacSetting& setting) {
    const SmacParams& p = setting.params;
    if (setting.version == Version::Smac) {
        const SmacParams own = defaultsOf(Version::Smac);
        for (const auto& [key, isOwn] :
             {std::pair{"units", p.units == own.units},
              {"enemies", p.enemies == own.enemies},
              {"team", p.team == own.team},
              {"team_items", p.teamItems.empty()},
              {"position_items", p.positionItems.empty()},
              {"attack_items", p.attackItems.empty()},
              {"health_items", p.healthItems.empty()},
              {"unit_weights", p.unitWeights.empty()},
              {"start_positions", p.startPositions == own.startPositions},
              {"reflect_probability", p.reflectProbability == own.reflectProbability},
              {"attack_probability", p.attackProbability.empty()},
              {"health_level", p.healthLevel.empty()},
              {"enemy_mask_probability", p.enemyMaskProbability == own.enemyMaskProbability}}) {
            if (!isOwn) {
                return refuse(env, key, "the teams of \"smac\" are those of its map; \"smacv2\" draws teams");
            }
        }
    }
    if (!p.unitWeights.empty() && (p.unitWeights.size() != 3 || *std::ranges::min_element(p.unitWeights) < 0.0 ||
                                   p.unitWeights[0] + p.unitWeights[1] + p.unitWeights[2] <= 0.0)) {
        return refuse(env, "unit_weights", "expected one weight for each of the race's three types, not all of them 0");
    }
    for (const auto& [key, bounds] :
         {std::pair{"attack_probability", &p.attackProbability}, {"health_level", &p.healthLevel}}) {
        if (auto sound = checkBounds(env, key, *bounds); !sound) {
            return sound;
        }
    }
    for (const auto& [key, bounds, items] : {std::tuple{"attack_items", &p.attackProbability, &p.attackItems},
                                             {"health_items", &p.healthLevel, &p.healthItems}}) {
        if (!items->empty() && !bounds->empty()) {
            return refuse(env, key, "give either bounds or items to draw from");
        }
        if (auto sound = checkItems(env, key, *items, setting.allies, 1.0); !sound) {
            return sound;
        }
    }
    const auto isTooHigh = [](double level) {
        return level > kHighestLevel;
    };
    if (std::ranges::any_of(p.healthLevel, isTooHigh) ||
        std::ranges::any_of(p.healthItems, [&](const auto& item) { return std::ranges::any_of(item, isTooHigh); })) {
        return refuse(env, p.healthLevel.empty() ? "health_items" : "health_level",
                      fmt::format("agents that die at more than {} of their health cannot be", kHighestLevel));
    }
    if (setting.hasHealthLevel() && !p.rewardOnlyPositive) {
        return refuse(env, "health_level", "health levels need reward_only_positive = true, as in the released code");
    }
    if (setting.hasHealthLevel() && p.killUnitStepMul > p.stepMul) {
        return refuse(env, "kill_unit_step_mul", fmt::format("a step has only {} loops", p.stepMul));
    }
    if (auto sound = checkFixed(env, setting); !sound) {
        return sound;
    }
    if (p.ruleSet != kRuleSet) {
        return refuse(env, "rule_set", fmt::format("this build has rule set {} alone, not {}", kRuleSet, p.ruleSet));
    }
    if (!p.obsStarcraft && !p.obsTimestepNumber) {
        return refuse(env, "obs_starcraft", "there would be nothing to observe; set obs_timestep_number = true");
    }
    if (setting.allySlots < setting.allies) {
        return refuse(env, "unit_slots", fmt::format("there are {} agents", setting.allies));
    }
    if (setting.enemySlots < setting.enemies) {
        return refuse(env, "enemy_slots", fmt::format("there are {} enemies", setting.enemies));
    }
    return {};
}

// Share of what is drawn by these weights that can stand alone.
double shareOfFighters(const Race& race, const std::vector<double>& weights) {
    double fighters = 0.0;
    double all = 0.0;
    for (std::size_t i = 0; i < race.types.size(); ++i) {
        all += weights[i];
        fighters += std::ranges::find(race.exceptions, race.types[i]) == race.exceptions.end() ? weights[i] : 0.0;
    }
    return fighters / all;
}

Result<void> choose(const Section& env, SmacSetting& setting) {
    const std::string_view wanted = withoutPrefix(setting.params.scenario, setting.version);
    if (setting.version == Version::Smac) {
        const auto found = std::ranges::find(scenarios(), wanted, &Scenario::name);
        if (found != scenarios().end()) {
            setting.map = &*found;
            setting.allies = countOf(found->allies);
            setting.enemies = countOf(found->enemies);
            setting.limit = found->episodeLimit;
            setting.allyTypes = found->allyTypes;
            setting.enemyTypes = found->enemyTypes;
            std::vector<UnitType> allies;
            std::vector<UnitType> enemies;
            std::ranges::transform(found->allies, std::back_inserter(allies), &Group::type);
            std::ranges::transform(found->enemies, std::back_inserter(enemies), &Group::type);
            setting.allyShields = hasShields(allies);
            setting.enemyShields = hasShields(enemies);
            setting.withMedivacs = found->kind == MapKind::WithMedivacs;
            return {};
        }
    } else {
        const auto found = std::ranges::find(stocks(), wanted, [](const Stock& stock) { return nameOf(stock); });
        if (found != stocks().end()) {
            setting.race = found->race;
            setting.allies = static_cast<int>(setting.params.units > 0 ? setting.params.units : found->sizes.allies);
            setting.enemies =
                static_cast<int>(setting.params.enemies > 0 ? setting.params.enemies : found->sizes.enemies);
            setting.limit = kSmacV2Limit;
            setting.allyTypes = found->race->types;
            setting.enemyTypes = found->race->types;
            setting.allyShields = setting.enemyShields = hasShields(found->race->types);
            setting.withMedivacs = found->race->kind == MapKind::WithMedivacs;
            return {};
        }
    }
    return refuse(env, "scenario",
                  fmt::format("there is no scenario '{}'{}", wanted,
                              suggestion(std::string(wanted), scenarioNames(setting.version))));
}

} // namespace

SmacParams defaultsOf(Version version) {
    SmacParams params;
    if (version == Version::SmacV2) {
        params.scenario = "terran_5_vs_5";
        return params;
    }
    params.useUnitRanges = false;
    params.obsOwnPos = false;
    return params;
}

void describe(FieldVisitor& visitor, SmacParams& p) {
    visitor.field("scenario", p.scenario, {"Map of SMAC, or race and sizes of SMACv2"});
    visitor.field("rule_set", p.ruleSet, {"Version of the built-in engine's rules and numbers"}, {1, 1e6});
    visitor.choice("difficulty", p.difficulty, {"Of the game's computer player; the built-in engine has none"},
                   {"1", "2", "3", "4", "5", "6", "7", "8", "9", "A"});
    visitor.field("heuristic_ai", p.heuristicAi, {"Agents go for the nearest enemy, whatever actions they are given"});
    visitor.field("heuristic_rest", p.heuristicRest, {"With heuristic_ai: only by legal actions"});
    visitor.field("units", p.units, {"Agents of smacv2; 0: the scenario's"}, {0, kMostUnits});
    visitor.field("enemies", p.enemies, {"Enemies of smacv2; 0: the scenario's"}, {0, kMostUnits});
    visitor.field("unit_slots", p.unitSlots, {"Places for agents, those too many dead; 0: as many as agents"},
                  {0, kMostUnits});
    visitor.field("enemy_slots", p.enemySlots, {"Places for enemies likewise"}, {0, kMostUnits});
    visitor.choice("team", p.team, {"How teams of smacv2 are drawn"}, {"weighted_teams", "all_teams", "fixed"});
    visitor.field("team_items", p.teamItems, {"Of team = fixed: unit names of both sides, or of agents : enemies"});
    visitor.field("unit_weights", p.unitWeights, {"Of the race's types in weighted_teams; empty: the race's own"},
                  {0, 1e6});
    visitor.field("observe_team", p.observeTeam, {"Agents see the types of others of their team"});
    visitor.choice("start_positions", p.startPositions, {"Where teams of smacv2 begin"},
                   {"surrounded_and_reflect", "surrounded", "reflect", "sides", "fixed"});
    visitor.field("position_items", p.positionItems, {"Of start_positions = fixed: x, y of agents, then of enemies"});
    visitor.field("reflect_probability", p.reflectProbability, {"Of mirrored teams in surrounded_and_reflect"}, kShare);
    visitor.field("attack_probability", p.attackProbability, {"Bounds of each agent's draw; empty: orders never fail"},
                  kShare);
    visitor.field("attack_items", p.attackItems, {"Instead of bounds: one probability per agent, a row is drawn"});
    visitor.field("observe_attack", p.observeAttack, {"Agents see these probabilities of others"});
    visitor.field("health_level", p.healthLevel, {"Bounds of the share of health at which agents die; empty: 0"},
                  kShare);
    visitor.field("health_items", p.healthItems, {"Instead of bounds: one share per agent, a row is drawn"});
    visitor.field("observe_health", p.observeHealth, {"Agents see these levels of others, and their health"});
    visitor.field("enemy_mask_probability", p.enemyMaskProbability,
                  {"That an agent sees health and type of an enemy, by pair and episode"}, kShare);
    visitor.field("episode_limit", p.episodeLimit, {"Longest episode; 0: the scenario's", "env steps"},
                  {0, kLongestEpisode});
    visitor.field("continuing_episode", p.continuingEpisode, {"The limit truncates, so its value is bootstrapped"});
    visitor.field("step_mul", p.stepMul, {"Game loops per env step"}, {1, 1024});
    visitor.field("kill_unit_step_mul", p.killUnitStepMul,
                  {"Of these, loops after agents below their health level have died"}, {0, 1024});
    visitor.field("move_amount", p.moveAmount, {"Length of a move order", "cells"}, {0.1, 32});
    visitor.field("attack_jitter", p.attackJitter, {"Weapons of the built-in engine take one loop less to two more"});
    visitor.field("use_unit_ranges", p.useUnitRanges, {"Sight and range by type; otherwise 9 and 6"});
    visitor.field("min_attack_range", p.minAttackRange, {"Least range with use_unit_ranges", "cells"}, {0, 32});
    visitor.field("conic_fov", p.conicFov, {"Agents see a cone, and turn it by actions"});
    visitor.field("num_fov_actions", p.fovActions, {"Directions of the cone"}, {2, 360});
    visitor.field("prob_obs_enemy", p.probObsEnemy, {"That others may see an enemy that one agent saw first"}, kShare);
    visitor.field("action_mask", p.actionMask, {"Targets out of range are illegal"});
    visitor.field("fully_observable", p.fullyObservable, {"Observations have no limit of sight"});
    visitor.field("obs_starcraft", p.obsStarcraft, {"Agents observe the battle at all"});
    visitor.field("obs_all_health", p.obsAllHealth, {"Health and shields of visible units"});
    visitor.field("obs_own_health", p.obsOwnHealth, {"Health and shield of the agent itself"});
    visitor.field("obs_own_pos", p.obsOwnPos, {"Position of the agent itself"});
    visitor.field("obs_last_action", p.obsLastAction, {"Last actions of visible allies"});
    visitor.field("obs_pathing_grid", p.obsPathingGrid, {"Whether eight places around can be walked on"});
    visitor.field("obs_terrain_height", p.obsTerrainHeight, {"Heights of nine places around"});
    visitor.field("obs_timestep_number", p.obsTimestepNumber, {"Time in the observation"});
    visitor.field("obs_instead_of_state", p.obsInsteadOfState, {"The state is all observations"});
    visitor.field("state_last_action", p.stateLastAction, {"Last actions in the state"});
    visitor.field("state_timestep_number", p.stateTimestepNumber, {"Time in the state"});
    visitor.field("reward_sparse", p.rewardSparse, {"1 for a victory and -1 for a defeat, scaled; nothing else"});
    visitor.field("reward_only_positive", p.rewardOnlyPositive, {"Losses of the own team cost nothing"});
    visitor.field("reward_death_value", p.rewardDeathValue, {"Per unit that dies"}, kReward);
    visitor.field("reward_win", p.rewardWin, {"Of a victory"}, kReward);
    visitor.field("reward_defeat", p.rewardDefeat, {"Of a defeat"}, kReward);
    visitor.field("reward_negative_scale", p.rewardNegativeScale, {"On losses of the own team"}, {0, 1e6});
    visitor.field("reward_scale", p.rewardScale,
                  {"Rewards are scaled so that a victory without losses of time is worth reward_scale_rate"});
    visitor.field("reward_scale_rate", p.rewardScaleRate, {"Return of a perfect episode"}, {1e-6, 1e6});
    visitor.field("compat_enemy_wipe", p.compatEnemyWipe, {"As released: an enemy not seen blanks the rows before it"});
    visitor.field("compat_cone", p.compatCone, {"As released: cones see parts of what is behind them"});
    visitor.field("compat_first_episode_scale", p.compatFirstEpisodeScale,
                  {"As released: rewards are scaled by the enemies of the run's episode 0"});
    visitor.field("compat_absolute_reward", p.compatAbsoluteReward,
                  {"As released in SMAC: shields that enemies regain are rewarded"});
}

std::vector<EnvPreset> presetsOf(Version version) {
    std::vector<EnvPreset> presets;
    if (version == Version::Smac) {
        for (const Scenario& scenario : scenarios()) {
            presets.push_back(
                {fmt::format("smac:{}", scenario.name),
                 fmt::format("{} against {} on a map of SMAC", countOf(scenario.allies), countOf(scenario.enemies))});
        }
        return presets;
    }
    for (const Stock& stock : stocks()) {
        presets.push_back({fmt::format("smacv2:{}", nameOf(stock)),
                           fmt::format("random {} teams, {} against {}{}", stock.race->name, stock.sizes.allies,
                                       stock.sizes.enemies, stock.partial ? ", extended partial observability" : "")});
    }
    return presets;
}

Result<SmacSetting> readSmac(const Section& env, Version version) {
    SmacSetting setting{
        .params = defaultsOf(version), .version = version, .allyTypes = {}, .enemyTypes = {}, .teams = {}};
    SmacParams& p = setting.params;
    const auto wanted = env.text("scenario", p.scenario);
    if (!wanted) {
        return tl::unexpected(wanted.error());
    }
    if (wanted->ends_with("_epo")) {
        p.probObsEnemy = 0.0;
        p.actionMask = false;
    }
    if (auto read = readSection(env, p, {"name"}); !read) {
        return tl::unexpected(read.error());
    }
    p.scenario = withoutPrefix(p.scenario, version);
    if (auto chosen = choose(env, setting); !chosen) {
        return tl::unexpected(chosen.error());
    }
    setting.allySlots = static_cast<int>(p.unitSlots > 0 ? p.unitSlots : setting.allies);
    setting.enemySlots = static_cast<int>(p.enemySlots > 0 ? p.enemySlots : setting.enemies);
    setting.limit = p.episodeLimit > 0 ? static_cast<int>(p.episodeLimit) : setting.limit;
    if (setting.race != nullptr && p.unitWeights.empty()) {
        p.unitWeights = setting.race->weights;
    }
    if (auto sound = check(env, setting); !sound) {
        return tl::unexpected(sound.error());
    }
    if (setting.race != nullptr && shareOfFighters(*setting.race, p.unitWeights) < kLeastFighters) {
        return tl::unexpected(
            env.errorAt("unit_weights", "nearly every team would consist of units that cannot fight alone"));
    }
    for (const std::string& item : p.teamItems) {
        auto team = readTeam(env, setting, item);
        if (!team) {
            return tl::unexpected(std::move(team.error()));
        }
        setting.teams.push_back(std::move(*team));
    }
    return setting;
}

} // namespace knife::smac
