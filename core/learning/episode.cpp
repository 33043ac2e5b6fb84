// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/learning/episode.h"

#include <utility>

namespace knife {

std::size_t EpisodeRecord::bytes() const {
    return sizeof(EpisodeRecord) + obs.bytes() + state.bytes() + avail.capacity() * sizeof(avail[0]) +
           actions.capacity() * sizeof(actions[0]) + reward.capacity() * sizeof(reward[0]);
}

EpisodeRecorder::EpisodeRecorder(const EnvSpec& spec) {
    const auto steps = static_cast<std::size_t>(spec.episodeLimit) + 1;
    m_obs.reserve(steps * static_cast<std::size_t>(spec.nAgents * spec.obsDim));
    m_state.reserve(steps * static_cast<std::size_t>(spec.stateDim));
}

void EpisodeRecorder::begin(const EpisodeOrigin& origin) {
    m_episode = EpisodeRecord{};
    m_episode.origin = origin;
    m_obs.clear();
    m_state.clear();
}

void EpisodeRecorder::observe(std::span<const float> obs, std::span<const float> state,
                              std::span<const std::uint8_t> avail) {
    m_obs.insert(m_obs.end(), obs.begin(), obs.end());
    m_state.insert(m_state.end(), state.begin(), state.end());
    m_episode.avail.insert(m_episode.avail.end(), avail.begin(), avail.end());
}

void EpisodeRecorder::act(std::span<const std::int32_t> actions, const StepOutcome& outcome) {
    for (const std::int32_t action : actions) {
        m_episode.actions.push_back(static_cast<std::int16_t>(action));
    }
    m_episode.reward.push_back(outcome.reward);
    m_episode.totalReward += static_cast<double>(outcome.reward);
    m_episode.terminated = outcome.terminated;
    m_episode.won = m_episode.won || outcome.won;
    ++m_episode.length;
}

EpisodeRecord EpisodeRecorder::finish() {
    m_episode.obs = PackedFloats(m_obs);
    m_episode.state = PackedFloats(m_state);
    // Thousands of episodes are kept: no spare room in any of them.
    m_episode.avail.shrink_to_fit();
    m_episode.actions.shrink_to_fit();
    m_episode.reward.shrink_to_fit();
    return std::exchange(m_episode, EpisodeRecord{});
}

} // namespace knife
