// SPDX-License-Identifier: GPL-3.0-or-later
// The contract between games and everything that plays them.
//
// The caller owns all memory: every call writes into spans of a preallocated batch, and no call allocates on success.
// An environment holds no generator: all randomness comes from counter-based streams keyed by (seed, stream, episode),
// so an episode is a function of its key and of the actions taken. Not thread-safe; one thread per environment.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/types/env_view.h"
#include "core/types/error.h"

namespace knife {

struct EnvSpec {
    std::string name;
    int nAgents = 0;
    int nActions = 0;
    int obsDim = 0; ///< per agent
    int stateDim = 0;
    int episodeLimit = 0; ///< env steps
    bool hasWin = false;  ///< whether StepOutcome::won means anything
    bool operator==(const EnvSpec&) const = default;
};

/// Which episode to play. Equal keys give equal episodes, whatever else runs beside them.
struct EpisodeKey {
    std::uint64_t seed = 0;
    bool greedy = false;       ///< evaluation episodes draw from streams of their own
    std::uint64_t episode = 0; ///< serial number within the run
};

/// Where an environment writes what the agents see next.
struct ObservationSpans {
    std::span<float> obs;          ///< [nAgents × obsDim], row-major
    std::span<float> state;        ///< [stateDim]
    std::span<std::uint8_t> avail; ///< [nAgents × nActions], 1: legal
};

struct StepOutcome {
    float reward = 0.F;      ///< shared by the team
    bool terminated = false; ///< the game ended; no value follows
    bool truncated = false;  ///< the step limit cut the episode; its value is bootstrapped
    bool won = false;
};

class Environment {
  public:
    Environment() = default;
    Environment(const Environment&) = delete;
    Environment& operator=(const Environment&) = delete;
    virtual ~Environment() = default;

    /// Constant for the lifetime of the object.
    [[nodiscard]] virtual const EnvSpec& spec() const = 0;
    /// Begins an episode, whatever state the last one was left in.
    virtual void reset(const EpisodeKey& key, const ObservationSpans& out) = 0;
    /// One joint action, one entry per agent. An illegal action, a wrong size or a step past the end is
    /// ErrorCode::IllegalAction naming agent and value; the episode is then unchanged.
    [[nodiscard]] virtual Result<StepOutcome> step(std::span<const std::int32_t> actions,
                                                   const ObservationSpans& out) = 0;
    /// The present moment as a value that a widget can draw. May allocate; not for the hot path.
    [[nodiscard]] virtual EnvView view() const = 0;
    /// Everything needed to go on from this moment in another process.
    [[nodiscard]] virtual std::vector<std::byte> save() const = 0;
    /// Takes back what save() of an equally configured environment gave; otherwise ErrorCode::Corrupt, state unchanged.
    [[nodiscard]] virtual Result<void> restore(std::span<const std::byte> saved) = 0;
};

} // namespace knife
