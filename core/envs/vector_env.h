// SPDX-License-Identifier: GPL-3.0-or-later
// Equal environments that step as one batch into contiguous memory of the batch's own.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/config/section.h"
#include "core/envs/environment.h"

namespace knife {

/// E environments side by side. An environment is active from its reset() until its episode ends; step() leaves the
/// others and their rows alone. No call but make() allocates. Not thread-safe.
class VectorEnv {
  public:
    /// Errors are those of makeEnvironment(). Requires count > 0.
    [[nodiscard]] static Result<VectorEnv> make(const Section& env, int count);
    /// From environments made elsewhere: at least one, all with equal specs.
    explicit VectorEnv(std::vector<std::unique_ptr<Environment>> environments);

    [[nodiscard]] const EnvSpec& spec() const { return m_spec; }
    [[nodiscard]] int size() const { return static_cast<int>(m_environments.size()); }
    [[nodiscard]] int activeCount() const { return m_activeCount; }

    /// Begins an episode in environment `index`: its rows of obs, state and avail are the first moment; reward and the
    /// end flags become 0.
    void reset(int index, const EpisodeKey& key);
    /// Steps every active environment by its row of `actions` [E × nAgents] and writes its rows. Those that end become
    /// inactive. On ErrorCode::IllegalAction (which names the environment) the batch needs a reset() of all.
    [[nodiscard]] Result<void> step(std::span<const std::int32_t> actions);

    [[nodiscard]] std::span<const float> obs() const { return m_obs; }            ///< [E × nAgents × obsDim]
    [[nodiscard]] std::span<const float> state() const { return m_state; }        ///< [E × stateDim]
    [[nodiscard]] std::span<const std::uint8_t> avail() const { return m_avail; } ///< [E × nAgents × nActions]
    [[nodiscard]] std::span<const float> rewards() const { return m_rewards; }    ///< [E], of the last step
    [[nodiscard]] std::span<const std::uint8_t> terminated() const { return m_terminated; } ///< [E]
    [[nodiscard]] std::span<const std::uint8_t> truncated() const { return m_truncated; }   ///< [E]
    [[nodiscard]] std::span<const std::uint8_t> won() const { return m_won; }               ///< [E]
    [[nodiscard]] std::span<const std::uint8_t> active() const { return m_active; }         ///< [E]

    [[nodiscard]] Environment& environment(int index) { return *m_environments[static_cast<std::size_t>(index)]; }
    [[nodiscard]] const Environment& environment(int index) const {
        return *m_environments[static_cast<std::size_t>(index)];
    }

  private:
    [[nodiscard]] ObservationSpans rowsOf(std::size_t index);

    std::vector<std::unique_ptr<Environment>> m_environments;
    EnvSpec m_spec;
    int m_activeCount = 0;
    std::vector<float> m_obs;
    std::vector<float> m_state;
    std::vector<std::uint8_t> m_avail;
    std::vector<float> m_rewards;
    std::vector<std::uint8_t> m_terminated;
    std::vector<std::uint8_t> m_truncated;
    std::vector<std::uint8_t> m_won;
    std::vector<std::uint8_t> m_active;
};

} // namespace knife
