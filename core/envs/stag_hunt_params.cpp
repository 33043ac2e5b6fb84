// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/envs/stag_hunt_params.h"

#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "core/envs/episode_stream.h"

namespace knife {

namespace {

constexpr double kUnbounded = std::numeric_limits<double>::infinity();
constexpr double kLargestReward = 1e6;
constexpr Range kReward{-kLargestReward, kLargestReward};
constexpr Range kShare{0, 1};
constexpr std::int64_t kLongestSide = 256;

struct NamedPreset {
    EnvPreset preset;
    void (*apply)(StagHuntParams&);
};

// The three worlds of GradPS differ only in their size.
void gradPs(StagHuntParams& params, std::int64_t side, std::int64_t each, std::int64_t hunters) {
    params.worldShape = {side, side};
    params.nAgents = each;
    params.nStags = each;
    params.nHare = each;
    params.agentObs = {3, 3};
    params.miscapturePunishment = 0.0;
    params.rewardHare = 2.0;
    params.captureFreezes = false;
    params.episodeLimit = 150;
    params.nHunts = hunters;
}

// What the released code does where a configuration is silent; sizes, which it demands, are those of the reference.
void releasedDefaults(StagHuntParams& params) {
    params.rewardTime = -0.1;
    params.rewardStag = 2.0;
    params.miscapturePunishment = -2.0;
    params.captureTerminal = true;
    params.removeFrozen = false;
    params.captureAction = false;
    params.agentMoveBlock = {0};
    params.observeWalls = true;
}

const std::vector<NamedPreset>& namedPresets() {
    static const std::vector<NamedPreset> presets = {
        {{"pred_prey_punish", "10x10, 8 agents, 8 stags, two must catch, miscapture is punished"},
         [](StagHuntParams&) {
         }},
        {{"stag_hunt_s", "20x20, 6 agents, 6 stags, 6 hares, 2 hunters"},
         [](StagHuntParams& p) {
             gradPs(p, 20, 6, 2);
         }},
        {{"stag_hunt_m", "25x25, 10 agents, 10 stags, 10 hares, 3 hunters"},
         [](StagHuntParams& p) {
             gradPs(p, 25, 10, 3);
         }},
        {{"stag_hunt_l", "30x30, 15 agents, 15 stags, 15 hares, 5 hunters"},
         [](StagHuntParams& p) {
             gradPs(p, 30, 15, 5);
         }},
        {{"released_defaults", "the released code's defaults: capture by hemming in, which ends the episode"},
         releasedDefaults},
    };
    return presets;
}

using Status = Result<void>;

Status refuse(const Section& env, const char* key, std::string message) {
    return tl::unexpected(env.errorAt(key, std::move(message)));
}

Status checkPair(const Section& env, const char* key, const std::vector<std::int64_t>& pair) {
    return pair.size() == 2 ? Status{} : refuse(env, key, fmt::format("expected two integers, got {}", pair.size()));
}

// Kinds that begin in a row of their own must fit into it together.
Status checkRows(const Section& env, const StagHuntParams& p) {
    const std::int64_t rows = p.worldShape[0];
    const std::int64_t columns = p.worldShape[1];
    if (p.mountainAgentRow >= rows) {
        return refuse(env, "mountain_agent_row", fmt::format("the world has only {} rows", rows));
    }
    for (const std::int64_t row : {std::int64_t{0}, rows - 1}) {
        std::int64_t wanted = p.mountainAgentRow == row ? p.nAgents : 0;
        wanted += p.mountainSpawn && row == 0 ? p.nStags : 0;
        wanted += p.mountainSpawn && row == rows - 1 ? p.nHare : 0;
        if (wanted > columns) {
            return refuse(env, "mountain_spawn",
                          fmt::format("{} must begin in row {} of {} cells", wanted, row, columns));
        }
    }
    if (p.mountainAgentRow >= 0 && p.nAgents > columns) {
        return refuse(env, "mountain_agent_row",
                      fmt::format("{} agents do not fit into a row of {}", p.nAgents, columns));
    }
    return {};
}

Status checkWorld(const Section& env, const StagHuntParams& p) {
    for (const auto& [key, pair] : {std::pair{"world_shape", &p.worldShape},
                                    {"agent_obs", &p.agentObs},
                                    {"capture_conditions", &p.captureConditions},
                                    {"capture_action_conditions", &p.captureActionConditions}}) {
        if (auto status = checkPair(env, key, *pair); !status) {
            return status;
        }
    }
    if (std::any_of(p.worldShape.begin(), p.worldShape.end(),
                    [](auto side) { return side < 1 || side > kLongestSide; })) {
        return refuse(env, "world_shape", fmt::format("expected sides in [1, {}]", kLongestSide));
    }
    if (p.nStags + p.nHare < 1) {
        return refuse(env, "n_stags", "there is nothing to hunt; set n_stags or n_hare");
    }
    const std::int64_t cells = p.worldShape[0] * p.worldShape[1];
    if (p.nAgents + p.nStags + p.nHare > cells) {
        return refuse(env, "world_shape",
                      fmt::format("{} agents, {} stags and {} hares do not fit into {} cells", p.nAgents, p.nStags,
                                  p.nHare, cells));
    }
    if (p.nHunts > p.nAgents) {
        return refuse(env, "n_hunts", fmt::format("there are only {} agents", p.nAgents));
    }
    if (p.directedObservations && p.agentObs[0] != p.agentObs[1]) {
        return refuse(env, "agent_obs", "directed observations need equal sight in both directions");
    }
    if (p.directedObservations && p.directedConeNarrow && p.agentObs[0] < 1) {
        return refuse(env, "agent_obs", "a narrow cone needs a sight of at least 1");
    }
    return checkRows(env, p);
}

} // namespace

void describe(FieldVisitor& visitor, StagHuntParams& p) {
    std::vector<std::string> presets;
    for (const EnvPreset& preset : stagHuntPresets()) {
        presets.push_back(preset.name);
    }
    visitor.choice("preset", p.preset, {"Values of all keys that are not given"}, presets);
    visitor.field("world_shape", p.worldShape, {"Rows and columns", "cells"}, {1, kLongestSide});
    visitor.field("toroidal", p.toroidal, {"Movement wraps around the edges; sight does not"});
    visitor.field("n_agents", p.nAgents, {"Hunting agents"}, {1, 250});
    visitor.field("n_stags", p.nStags, {"Stags"}, {0, 10'000});
    visitor.field("n_hare", p.nHare, {"Hares"}, {0, 10'000});
    visitor.field("episode_limit", p.episodeLimit, {"Longest episode", "env steps"}, {1, kLongestEpisode});
    visitor.field("truncate_episodes", p.truncateEpisodes, {"The limit truncates, so its value is bootstrapped"});
    visitor.field("p_stags_rest", p.pStagsRest, {"Probability that a stag stays"}, kShare);
    visitor.field("p_hare_rest", p.pHareRest, {"Probability that a hare stays"}, kShare);
    visitor.field("agent_move_block", p.agentMoveBlock, {"What stops a moving agent: 0 agents, 1 stags, 2 hares"},
                  {0, 2});
    visitor.field("capture_action", p.captureAction, {"Agents have a catch action"});
    visitor.field("capture_action_conditions", p.captureActionConditions,
                  {"Catching agents that a stag and a hare take"}, {1, 250});
    visitor.field("capture_conditions", p.captureConditions,
                  {"Without the catch action: most free cells around a stag and a hare"}, {0, 4});
    visitor.field("prevent_cannibalism", p.preventCannibalism, {"A capture needs an agent beside the prey"});
    visitor.field("capture_terminal", p.captureTerminal, {"A capture ends the episode"});
    visitor.field("capture_freezes", p.captureFreezes, {"Capturing agents do not act again"});
    visitor.field("remove_frozen", p.removeFrozen, {"Frozen agents leave the grid"});
    visitor.field("reward_time", p.rewardTime, {"Per env step"}, kReward);
    visitor.field("reward_collision", p.rewardCollision, {"Per blocked move"}, kReward);
    visitor.field("reward_stag", p.rewardStag, {"Per captured stag"}, kReward);
    visitor.field("reward_hare", p.rewardHare, {"Per captured hare"}, kReward);
    visitor.field("miscapture_punishment", p.miscapturePunishment, {"Per prey that too few tried to catch"}, kReward);
    visitor.field("n_hunts", p.nHunts, {"Agents that are special hunters of hares"}, {0, 250});
    visitor.field("hunter_seed", p.hunterSeed, {"Which agents are special hunters"}, {0, kUnbounded});
    visitor.field("hunter_multiplier", p.hunterMultiplier, {"On the reward of a hare that a special hunter caught"},
                  kReward);
    visitor.field("agent_obs", p.agentObs, {"Sight in rows and columns", "cells"}, {0, 32});
    visitor.field("observe_walls", p.observeWalls, {"Cells beyond the edge are marked"});
    visitor.field("observe_ids", p.observeIds, {"Marks are index + 1 instead of 1"});
    visitor.field("observe_one_hot", p.observeOneHot, {"Features of their own for walls and unknown cells"});
    visitor.field("observe_state", p.observeState, {"Agents see the whole grid and where they are"});
    visitor.field("directed_observations", p.directedObservations, {"Agents see a cone in front of them"});
    visitor.field("directed_cone_narrow", p.directedConeNarrow, {"The cone leaves out its diagonals"});
    visitor.field("directed_extra_actions", p.directedExtraActions,
                  {"Looking is an action; otherwise it follows moves"});
    visitor.field("random_ghosts", p.randomGhosts, {"Captures change sign at random, announced in a corner"});
    visitor.field("random_ghosts_prob", p.randomGhostsProb, {"Probability that prey are not ghosts"}, kShare);
    visitor.field("random_ghosts_mul", p.randomGhostsMul, {"On the reward of a ghost"}, kReward);
    visitor.field("random_ghosts_indicator", p.randomGhostsIndicator, {"The announcing corner is drawn per episode"});
    visitor.field("mountain_slope", p.mountainSlope, {"Probability that a climb fails"}, kShare);
    visitor.field("mountain_spawn", p.mountainSpawn, {"Stags begin in the top row, hares in the bottom row"});
    visitor.field("mountain_agent_row", p.mountainAgentRow, {"Row in which agents begin; -1: anywhere"}, {-1, 255});
}

const std::vector<EnvPreset>& stagHuntPresets() {
    static const std::vector<EnvPreset> presets = [] {
        std::vector<EnvPreset> list;
        for (const NamedPreset& named : namedPresets()) {
            list.push_back(named.preset);
        }
        return list;
    }();
    return presets;
}

Result<StagHuntParams> readStagHuntParams(const Section& env) {
    StagHuntParams params;
    const auto wanted = env.text("preset", params.preset);
    if (!wanted) {
        return tl::unexpected(wanted.error());
    }
    // An unknown preset is refused below, where the choice is read.
    for (const NamedPreset& named : namedPresets()) {
        if (named.preset.name == *wanted) {
            named.apply(params);
        }
    }
    return readSection(env, params, {"name"}).and_then([&] { return checkWorld(env, params); }).map([&] {
        return params;
    });
}

} // namespace knife
