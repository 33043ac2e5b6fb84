// SPDX-License-Identifier: GPL-3.0-or-later
// Several environments of one kind, stepped as a batch in contiguous memory. Not thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/envs/environment.h"

namespace knife {

/// E environments. An environment is active from its reset to the end of its episode; a batch step leaves the others
/// alone. No call allocates on success.
class VectorEnv {
  public:
    /// At least one environment, all of equal spec (asserted).
    explicit VectorEnv(std::vector<std::unique_ptr<Environment>> environments);

    [[nodiscard]] const EnvSpec& spec() const;
    [[nodiscard]] int size() const;
    [[nodiscard]] const Environment& environment(int index) const;

    /// Begins an episode in one environment.
    void reset(int index, const EpisodeKey& key);
    /// One joint action for every active environment: `actions` [E × nAgents]; entries of inactive ones are ignored.
    /// The first illegal action ends the batch with its error, which names the environment.
    [[nodiscard]] Result<void> step(std::span<const std::int32_t> actions);

    [[nodiscard]] bool isActive(int index) const;
    [[nodiscard]] int activeCount() const;
    /// Of the last step; meaningful for environments that were active in it.
    [[nodiscard]] const StepOutcome& outcome(int index) const;
    // What the agents of one environment see.
    [[nodiscard]] std::span<const float> obs(int index) const;          ///< [nAgents × obsDim]
    [[nodiscard]] std::span<const float> state(int index) const;        ///< [stateDim]
    [[nodiscard]] std::span<const std::uint8_t> avail(int index) const; ///< [nAgents × nActions]

  private:
    [[nodiscard]] ObservationSpans spans(int index);

    std::vector<std::unique_ptr<Environment>> m_environments;
    std::vector<float> m_obs;          ///< [E, nAgents, obsDim]
    std::vector<float> m_state;        ///< [E, stateDim]
    std::vector<std::uint8_t> m_avail; ///< [E, nAgents, nActions]
    std::vector<StepOutcome> m_outcomes;
    std::vector<char> m_active;
};

} // namespace knife
