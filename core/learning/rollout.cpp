// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/learning/rollout.h"

#include <algorithm>
#include <limits>
#include <utility>

#include <ATen/ATen.h>

#include "core/envs/random_action.h"

namespace knife {

namespace {

// Environment e's rows of a batch buffer.
template <typename T>
std::span<const T> rowsOf(std::span<const T> buffer, int e, int environments) {
    const std::size_t width = buffer.size() / static_cast<std::size_t>(environments);
    return buffer.subspan(static_cast<std::size_t>(e) * width, width);
}

StepOutcome outcomeOf(const VectorEnv& environments, int e) {
    const auto index = static_cast<std::size_t>(e);
    return {.reward = environments.rewards()[index],
            .terminated = environments.terminated()[index] != 0,
            .truncated = environments.truncated()[index] != 0,
            .won = environments.won()[index] != 0};
}

void recordObservation(EpisodeRecorder& recorder, const VectorEnv& environments, int e) {
    const int count = environments.size();
    recorder.observe(rowsOf(environments.obs(), e, count), rowsOf(environments.state(), e, count),
                     rowsOf(environments.avail(), e, count));
}

// Of the agents of one environment; rows of each span are theirs in order.
std::vector<ChoiceView> choiceViews(std::span<const float> obs, std::span<const float> q,
                                    std::span<const std::uint8_t> avail, std::span<const std::int32_t> actions) {
    std::vector<ChoiceView> choices(actions.size());
    const auto row = [&choices](auto rows, std::size_t agent, auto& out) {
        const std::size_t width = rows.size() / choices.size();
        const auto mine = rows.subspan(agent * width, width);
        out.assign(mine.begin(), mine.end());
    };
    for (std::size_t agent = 0; agent < choices.size(); ++agent) {
        row(obs, agent, choices[agent].observation);
        row(q, agent, choices[agent].values);
        row(avail, agent, choices[agent].legal);
        choices[agent].action = actions[agent];
    }
    return choices;
}

int greedyAction(const float* values, std::span<const std::uint8_t> avail) {
    int best = -1;
    float bestValue = -std::numeric_limits<float>::infinity();
    for (std::size_t action = 0; action < avail.size(); ++action) {
        if (avail[action] != 0 && (best < 0 || values[action] > bestValue)) {
            best = static_cast<int>(action);
            bestValue = values[action];
        }
    }
    return best;
}

} // namespace

Rollout::Rollout(VectorEnv environments, const InputLayout& layout)
    : m_environments(std::move(environments)), m_layout(layout) {
    const auto count = static_cast<std::size_t>(m_environments.size());
    for (std::size_t e = 0; e < count; ++e) {
        m_recorders.emplace_back(m_environments.spec());
    }
    const auto rows = count * static_cast<std::size_t>(m_environments.spec().nAgents);
    m_inputs = at::zeros({static_cast<std::int64_t>(rows), m_layout.width()});
    m_tasks.resize(count);
    m_wasActive.resize(count);
    m_actions.resize(rows);
    m_previousActions.resize(rows);
}

bool Rollout::isActive(int e) const {
    return m_environments.active()[static_cast<std::size_t>(e)] != 0;
}

void Rollout::fillInputs() {
    const EnvSpec& spec = m_environments.spec();
    float* inputs = m_inputs.data_ptr<float>();
    for (int e = 0; e < m_environments.size(); ++e) {
        const float* obs = rowsOf(m_environments.obs(), e, m_environments.size()).data();
        for (int a = 0; a < spec.nAgents; ++a) {
            const int row = e * spec.nAgents + a;
            m_layout.write(obs + a * spec.obsDim, m_tasks[static_cast<std::size_t>(e)], a,
                           m_previousActions[static_cast<std::size_t>(row)], inputs + row * m_layout.width());
        }
    }
}

void Rollout::chooseActions(const at::Tensor& q, double epsilon) {
    const EnvSpec& spec = m_environments.spec();
    const auto nActions = static_cast<std::size_t>(spec.nActions);
    const float* values = q.data_ptr<float>();
    for (int e = 0; e < m_environments.size(); ++e) {
        if (!isActive(e)) {
            continue;
        }
        CounterRng& rng = m_explorers[static_cast<std::size_t>(e)];
        const auto avail = rowsOf(m_environments.avail(), e, m_environments.size());
        for (int a = 0; a < spec.nAgents; ++a) {
            const auto legal = avail.subspan(static_cast<std::size_t>(a) * nActions, nActions);
            const int row = e * spec.nAgents + a;
            // The coin is tossed even for epsilon 0, so that a schedule never shifts the stream.
            const bool explore = rng.chance(epsilon);
            m_actions[static_cast<std::size_t>(row)] =
                explore ? randomAction(legal, rng) : greedyAction(values + row * spec.nActions, legal);
        }
    }
}

// Before the step that overwrites what they saw.
void Rollout::keepChoices(const at::Tensor& q) {
    if (!isActive(0)) {
        return;
    }
    const auto keep = [this](auto rows, auto& kept) {
        const auto first = rowsOf(rows, 0, m_environments.size());
        kept.assign(first.begin(), first.end());
    };
    keep(m_environments.obs(), m_choices.obs);
    keep(std::span<const float>(q.data_ptr<float>(), static_cast<std::size_t>(q.numel())), m_choices.q);
    keep(m_environments.avail(), m_choices.avail);
    keep(std::span<const std::int32_t>(m_actions), m_choices.actions);
}

std::vector<ChoiceView> Rollout::lastChoices() const {
    return choiceViews(m_choices.obs, m_choices.q, m_choices.avail, m_choices.actions);
}

std::vector<ChoiceView> Rollout::choicesOf(int e, const at::Tensor& q) const {
    const int count = m_environments.size();
    const std::span<const float> values(q.data_ptr<float>(), static_cast<std::size_t>(q.numel()));
    return choiceViews(rowsOf(m_environments.obs(), e, count), rowsOf(values, e, count),
                       rowsOf(m_environments.avail(), e, count),
                       rowsOf(std::span<const std::int32_t>(m_actions), e, count));
}

Rollout::FirstMoment Rollout::firstMomentOf(int e) const {
    const auto obs = rowsOf(m_environments.obs(), e, m_environments.size());
    const auto state = rowsOf(m_environments.state(), e, m_environments.size());
    return {{obs.begin(), obs.end()}, {state.begin(), state.end()}};
}

void Rollout::addMoment(Film& film, int e, std::vector<ChoiceView> choices) const {
    film.moments.push_back(m_environments.environment(e).view());
    film.moments.back().choices = std::move(choices);
}

Result<std::vector<EpisodeRecord>> Rollout::play(const FactorizedNet& net, const std::vector<EpisodeOrigin>& origins,
                                                 double epsilon, const StepHook& afterStep, std::span<Film> films) {
    const at::NoGradGuard noGrad;
    const auto count = static_cast<int>(origins.size());
    const auto nAgents = static_cast<std::size_t>(m_environments.spec().nAgents);
    m_explorers.clear();
    m_choices.actions.clear();
    std::ranges::fill(m_previousActions, -1);
    for (int e = 0; e < count; ++e) {
        const EpisodeOrigin& origin = origins[static_cast<std::size_t>(e)];
        m_environments.reset(e, origin.key);
        m_tasks[static_cast<std::size_t>(e)] = origin.task;
        m_explorers.emplace_back(
            StreamKey{origin.key.seed, origin.key.greedy ? "explore/greedy" : "explore", origin.key.episode});
        EpisodeRecorder& recorder = m_recorders[static_cast<std::size_t>(e)];
        recorder.begin(origin);
        recordObservation(recorder, m_environments, e);
    }
    if (count > 0) {
        m_first = firstMomentOf(0);
    }
    films = films.first(std::min(films.size(), origins.size()));
    for (std::size_t e = 0; e < films.size(); ++e) {
        films[e] = {.first = firstMomentOf(static_cast<int>(e)), .moments = {}};
        addMoment(films[e], static_cast<int>(e), {});
    }
    std::vector<std::vector<ChoiceView>> choices(films.size()); // before the step that overwrites what they saw
    std::vector<EpisodeRecord> episodes(static_cast<std::size_t>(count));
    ActMemory memory = net.initialMemory(m_inputs.size(0));
    while (m_environments.activeCount() > 0) {
        fillInputs();
        const at::Tensor q = net.act(m_inputs.to(net.device()), memory).cpu().contiguous();
        chooseActions(q, epsilon);
        keepChoices(q);
        for (std::size_t e = 0; e < films.size(); ++e) {
            choices[e] = choicesOf(static_cast<int>(e), q);
        }
        std::ranges::copy(m_environments.active(), m_wasActive.begin());
        if (auto stepped = m_environments.step(m_actions); !stepped) {
            return tl::unexpected(std::move(stepped.error()).within("collecting an episode"));
        }
        m_previousActions = m_actions;
        for (int e = 0; e < count; ++e) {
            const auto index = static_cast<std::size_t>(e);
            if (m_wasActive[index] == 0) {
                continue;
            }
            EpisodeRecorder& recorder = m_recorders[index];
            recorder.act(std::span(m_actions).subspan(index * nAgents, nAgents), outcomeOf(m_environments, e));
            recordObservation(recorder, m_environments, e);
            if (index < films.size()) {
                addMoment(films[index], e, std::move(choices[index]));
            }
            if (!isActive(e)) {
                episodes[index] = recorder.finish();
            }
        }
        if (afterStep) {
            afterStep();
        }
    }
    return episodes;
}

Result<EpisodeRecord> replayEpisode(Environment& environment, const EpisodeOrigin& origin,
                                    const std::vector<std::int16_t>& actions) {
    const EnvSpec& spec = environment.spec();
    const auto nAgents = static_cast<std::size_t>(spec.nAgents);
    std::vector<float> obs(nAgents * static_cast<std::size_t>(spec.obsDim));
    std::vector<float> state(static_cast<std::size_t>(spec.stateDim));
    std::vector<std::uint8_t> avail(nAgents * static_cast<std::size_t>(spec.nActions));
    const ObservationSpans spans{obs, state, avail};
    EpisodeRecorder recorder(spec);
    recorder.begin(origin);
    environment.reset(origin.key, spans);
    recorder.observe(obs, state, avail);
    std::vector<std::int32_t> joint(nAgents);
    for (std::size_t first = 0; first + nAgents <= actions.size(); first += nAgents) {
        std::copy_n(actions.begin() + static_cast<std::ptrdiff_t>(first), nAgents, joint.begin());
        const auto outcome = environment.step(joint, spans);
        if (!outcome) {
            return tl::unexpected(outcome.error());
        }
        recorder.act(joint, *outcome);
        recorder.observe(obs, state, avail);
    }
    return recorder.finish();
}

} // namespace knife
