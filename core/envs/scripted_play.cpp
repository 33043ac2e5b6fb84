// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/envs/scripted_play.h"

#include <memory>
#include <span>
#include <vector>

#include "core/envs/environment.h"
#include "core/envs/random_action.h"
#include "core/envs/registry.h"
#include "core/envs/smac/smac_env.h"
#include "core/types/counter_rng.h"

namespace knife {

Result<PlayRecord> playEpisodes(const Section& env, PlayScript script, std::int64_t episodes, std::uint64_t seed) {
    auto made = makeEnvironment(env);
    if (!made) {
        return tl::unexpected(std::move(made.error()));
    }
    Environment& environment = **made;
    const auto* battle = dynamic_cast<const smac::SmacEnv*>(made->get());
    const EnvSpec& spec = environment.spec();
    if (script == PlayScript::AttackNearest && battle == nullptr) {
        return fail(ErrorCode::Unsupported, spec.name + " is no battle: there is nobody to attack");
    }
    const auto agents = static_cast<std::size_t>(spec.nAgents);
    std::vector<float> obs(agents * static_cast<std::size_t>(spec.obsDim));
    std::vector<float> state(static_cast<std::size_t>(spec.stateDim));
    std::vector<std::uint8_t> avail(agents * static_cast<std::size_t>(spec.nActions));
    std::vector<std::int32_t> actions(agents);
    const ObservationSpans seen{obs, state, avail};
    PlayRecord record{.episodes = episodes, .hasWin = spec.hasWin};
    double rewards = 0.0;
    std::int64_t steps = 0;
    for (std::int64_t episode = 0; episode < episodes; ++episode) {
        const auto number = static_cast<std::uint64_t>(episode);
        CounterRng random({seed, "script", number});
        environment.reset({.seed = seed, .episode = number}, seen);
        StepOutcome outcome;
        int length = 0;
        while (!outcome.terminated && !outcome.truncated) {
            if (script == PlayScript::AttackNearest) {
                battle->attackNearest(actions);
            } else {
                for (std::size_t agent = 0; agent < agents; ++agent) {
                    const auto nActions = static_cast<std::size_t>(spec.nActions);
                    actions[agent] = randomAction(std::span(avail).subspan(agent * nActions, nActions), random);
                }
            }
            auto stepped = environment.step(actions, seen);
            if (!stepped) {
                return tl::unexpected(std::move(stepped.error()));
            }
            outcome = *stepped;
            rewards += static_cast<double>(outcome.reward);
            ++length;
        }
        steps += length;
        record.wins += outcome.won ? 1 : 0;
        record.atLimit += !outcome.won && length == spec.episodeLimit ? 1 : 0;
    }
    record.meanReturn = rewards / static_cast<double>(episodes);
    record.meanSteps = static_cast<double>(steps) / static_cast<double>(episodes);
    return record;
}

} // namespace knife
