// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/envs/vector_env.h"

#include <cassert>
#include <utility>

#include <fmt/format.h>

#include "core/envs/registry.h"

namespace knife {

Result<VectorEnv> VectorEnv::make(const Section& env, int count) {
    assert(count > 0);
    std::vector<std::unique_ptr<Environment>> environments;
    for (int i = 0; i < count; ++i) {
        auto made = makeEnvironment(env);
        if (!made) {
            return tl::unexpected(made.error());
        }
        environments.push_back(std::move(*made));
    }
    return VectorEnv(std::move(environments));
}

VectorEnv::VectorEnv(std::vector<std::unique_ptr<Environment>> environments)
    : m_environments(std::move(environments)), m_spec(m_environments.front()->spec()) {
    const std::size_t count = m_environments.size();
    const auto agents = static_cast<std::size_t>(m_spec.nAgents);
    m_obs.resize(count * agents * static_cast<std::size_t>(m_spec.obsDim));
    m_state.resize(count * static_cast<std::size_t>(m_spec.stateDim));
    m_avail.resize(count * agents * static_cast<std::size_t>(m_spec.nActions));
    m_rewards.resize(count);
    m_terminated.resize(count);
    m_truncated.resize(count);
    m_won.resize(count);
    m_active.resize(count);
}

ObservationSpans VectorEnv::rowsOf(std::size_t index) {
    const std::size_t count = m_environments.size();
    const auto row = [&](auto& all) {
        return std::span(all).subspan(index * (all.size() / count), all.size() / count);
    };
    return {row(m_obs), row(m_state), row(m_avail)};
}

void VectorEnv::reset(int index, const EpisodeKey& key) {
    const auto i = static_cast<std::size_t>(index);
    assert(i < m_environments.size());
    m_environments[i]->reset(key, rowsOf(i));
    m_activeCount += m_active[i] == 0 ? 1 : 0;
    m_active[i] = 1;
    m_rewards[i] = 0.F;
    m_terminated[i] = 0;
    m_truncated[i] = 0;
    m_won[i] = 0;
}

Result<void> VectorEnv::step(std::span<const std::int32_t> actions) {
    const auto agents = static_cast<std::size_t>(m_spec.nAgents);
    if (actions.size() != m_environments.size() * agents) {
        return fail(ErrorCode::IllegalAction,
                    fmt::format("expected {} actions for {} environments, got {}", m_environments.size() * agents,
                                m_environments.size(), actions.size()));
    }
    for (std::size_t i = 0; i < m_environments.size(); ++i) {
        if (m_active[i] == 0) {
            continue;
        }
        auto outcome = m_environments[i]->step(actions.subspan(i * agents, agents), rowsOf(i));
        if (!outcome) {
            return tl::unexpected(std::move(outcome.error()).within(fmt::format("stepping environment {}", i)));
        }
        m_rewards[i] = outcome->reward;
        m_terminated[i] = outcome->terminated ? 1 : 0;
        m_truncated[i] = outcome->truncated ? 1 : 0;
        m_won[i] = outcome->won ? 1 : 0;
        if (outcome->terminated || outcome->truncated) {
            m_active[i] = 0;
            --m_activeCount;
        }
    }
    return {};
}

} // namespace knife
