// SPDX-License-Identifier: GPL-3.0-or-later
// An environment with the memory it writes into, for tests.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/config/section.h"
#include "core/envs/environment.h"
#include "core/envs/registry.h"
#include "core/types/counter_rng.h"

namespace knife {

struct Sight {
    std::vector<float> obs;
    std::vector<float> state;
    std::vector<std::uint8_t> avail;

    explicit Sight(const EnvSpec& spec)
        : obs(static_cast<std::size_t>(spec.nAgents * spec.obsDim)),
          state(static_cast<std::size_t>(spec.stateDim)),
          avail(static_cast<std::size_t>(spec.nAgents * spec.nActions)) {}
    [[nodiscard]] ObservationSpans spans() { return {obs, state, avail}; }
    bool operator==(const Sight&) const = default;
};

inline Section envSection(const std::string& toml) {
    return parseSection(toml, "test.toml", "env").value();
}

/// An environment of one kind that a test steps by hand.
template <typename Game>
struct Played {
    std::unique_ptr<Environment> env;
    Sight seen;

    explicit Played(const std::string& toml)
        : env(std::move(makeEnvironment(envSection(toml)).value())), seen(env->spec()) {}
    [[nodiscard]] Game& game() const { return dynamic_cast<Game&>(*env); }
    [[nodiscard]] ObservationSpans spans() { return seen.spans(); }
    StepOutcome step(const std::vector<std::int32_t>& actions) { return env->step(actions, spans()).value(); }
};

/// Message of the error that making this environment gives; "" if it succeeds.
inline std::string errorOfMaking(const std::string& toml) {
    const auto made = makeEnvironment(envSection(toml));
    return made ? std::string() : made.error().message;
}

/// One legal action per agent, uniformly.
inline std::vector<std::int32_t> legalActions(const EnvSpec& spec, const std::vector<std::uint8_t>& avail,
                                              CounterRng& random) {
    std::vector<std::int32_t> actions;
    for (int agent = 0; agent < spec.nAgents; ++agent) {
        const std::uint8_t* row = avail.data() + agent * spec.nActions;
        std::int32_t action = 0;
        do {
            action = static_cast<std::int32_t>(random.below(static_cast<std::uint32_t>(spec.nActions)));
        } while (row[action] == 0);
        actions.push_back(action);
    }
    return actions;
}

} // namespace knife
