// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/learning/batch.h"

#include <algorithm>
#include <utility>

#include <ATen/ATen.h>

namespace knife {

InputLayout::InputLayout(const EnvSpec& spec, const AgentConfig& config, std::vector<int> ids)
    : agents(spec.nAgents),
      actions(spec.nActions),
      obs(spec.obsDim),
      lastAction(config.lastAction),
      agentId(config.agentId),
      taskIds(std::move(ids)),
      tasks(taskIds.empty() ? 0 : 1 + *std::ranges::max_element(taskIds)) {}

void InputLayout::write(const float* observation, int task, int agent, int lastActionTaken, float* out) const {
    out = std::copy_n(observation, obs, out);
    if (lastAction) {
        std::fill_n(out, actions, 0.F);
        if (lastActionTaken >= 0) {
            out[lastActionTaken] = 1.F;
        }
        out += actions;
    }
    if (agentId) {
        std::fill_n(out, agents, 0.F);
        out[agent] = 1.F;
        out += agents;
    }
    if (tasks > 0) {
        std::fill_n(out, tasks, 0.F);
        out[taskIds[static_cast<std::size_t>(task)]] = 1.F;
    }
}

namespace {

// Copies one episode into column b of the batch.
class ColumnWriter {
  public:
    ColumnWriter(Batch& batch, const EnvSpec& spec, const InputLayout& layout)
        : m_batch(batch), m_spec(spec), m_layout(layout), m_obs(static_cast<std::size_t>(spec.nAgents * spec.obsDim)) {}

    void write(const EpisodeRecord& episode, std::int64_t b) {
        for (int t = 0; t <= episode.length; ++t) {
            writeObservation(episode, t, b);
        }
        for (int t = 0; t < episode.length; ++t) {
            writeTransition(episode, t, b);
        }
    }

  private:
    void writeObservation(const EpisodeRecord& episode, int t, std::int64_t b) {
        const auto step = static_cast<std::size_t>(t);
        episode.obs.copyTo(step * m_obs.size(), m_obs);
        const std::int64_t row = (t * m_batch.episodes + b) * m_batch.agents;
        float* inputs = m_batch.inputs.data_ptr<float>() + row * m_layout.width();
        for (int a = 0; a < m_spec.nAgents; ++a) {
            const int last = t == 0 ? -1 : episode.actions[(step - 1) * agents() + static_cast<std::size_t>(a)];
            m_layout.write(m_obs.data() + a * m_spec.obsDim, episode.origin.task, a, last,
                           inputs + a * m_layout.width());
        }
        float* state = m_batch.state.data_ptr<float>() + (t * m_batch.episodes + b) * m_spec.stateDim;
        const auto width = static_cast<std::size_t>(m_spec.stateDim);
        episode.state.copyTo(step * width, {state, width});
        const std::size_t perStep = agents() * static_cast<std::size_t>(m_spec.nActions);
        bool* unavailable = m_batch.unavailable.data_ptr<bool>() + row * m_spec.nActions;
        for (std::size_t i = 0; i < perStep; ++i) {
            unavailable[i] = episode.avail[step * perStep + i] == 0;
        }
    }

    void writeTransition(const EpisodeRecord& episode, int t, std::int64_t b) {
        const std::int64_t row = t * m_batch.episodes + b;
        std::int64_t* actions = m_batch.actions.data_ptr<std::int64_t>() + row * m_batch.agents;
        for (std::size_t a = 0; a < agents(); ++a) {
            actions[a] = episode.actions[static_cast<std::size_t>(t) * agents() + a];
        }
        m_batch.valid.data_ptr<float>()[row] = 1.F;
        m_batch.reward[static_cast<std::size_t>(row)] = episode.reward[static_cast<std::size_t>(t)];
    }

    [[nodiscard]] std::size_t agents() const { return static_cast<std::size_t>(m_spec.nAgents); }

    Batch& m_batch;
    const EnvSpec& m_spec;
    const InputLayout& m_layout;
    std::vector<float> m_obs;
};

} // namespace

Batch onDevice(Batch batch, at::Device device) {
    for (at::Tensor* tensor : {&batch.inputs, &batch.state, &batch.unavailable, &batch.actions, &batch.valid}) {
        *tensor = tensor->to(device);
    }
    return batch;
}

Batch makeBatch(const std::vector<std::shared_ptr<const EpisodeRecord>>& episodes, const EnvSpec& spec,
                const InputLayout& layout) {
    Batch batch;
    batch.episodes = static_cast<std::int64_t>(episodes.size());
    batch.agents = spec.nAgents;
    for (const auto& episode : episodes) {
        batch.steps = std::max<std::int64_t>(batch.steps, episode->length);
        batch.lengths.push_back(episode->length);
        batch.terminated.push_back(episode->terminated ? 1 : 0);
    }
    const std::int64_t observed = batch.steps + 1;
    batch.inputs = at::zeros({observed, batch.episodes * batch.agents, layout.width()});
    batch.state = at::zeros({observed, batch.episodes, spec.stateDim});
    batch.unavailable = at::zeros({observed, batch.episodes, batch.agents, spec.nActions}, at::kBool);
    batch.actions = at::zeros({batch.steps, batch.episodes, batch.agents}, at::kLong);
    batch.valid = at::zeros({batch.steps, batch.episodes});
    batch.reward.assign(static_cast<std::size_t>(batch.steps * batch.episodes), 0.F);
    ColumnWriter writer(batch, spec, layout);
    for (std::int64_t b = 0; b < batch.episodes; ++b) {
        writer.write(*episodes[static_cast<std::size_t>(b)], b);
    }
    return batch;
}

} // namespace knife
