// SPDX-License-Identifier: GPL-3.0-or-later
#include "apprentice.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "core/learning/joint_values.h"
#include "core/learning/replay.h"

namespace knife::test {

namespace {

constexpr int kParallel = 16;

VectorEnv environmentsOf(const std::string& table) {
    auto made = VectorEnv::make(sectionOf("name = \"matrix\"\ntable = \"" + table + "\"", "env"), kParallel);
    if (!made) {
        throw std::runtime_error(made.error().describe());
    }
    return std::move(*made);
}

Setup setupFor(const Apprenticeship& terms, std::uint64_t seed) {
    Setup setup;
    setup.spec = environmentsOf(terms.table).spec();
    setup.agentKind = "mlp";
    setup.hidden = terms.hidden;
    setup.mixer = terms.mixer;
    setup.seed = seed;
    setup.learning.optimiser = terms.optimiser;
    setup.learning.lr = terms.lr;
    return setup;
}

} // namespace

double furthest(const Table& a, const Table& b) {
    double largest = 0.0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        largest = std::max(largest, std::abs(a[i] - b[i]));
    }
    return largest;
}

Apprentice::Apprentice(const Apprenticeship& terms, std::uint64_t seed)
    : m_terms(terms),
      m_setup(setupFor(terms, seed)),
      m_rollout(environmentsOf(terms.table), m_setup.layout()),
      m_learner(m_setup.learner()) {}

Learned Apprentice::train(int updates) {
    Replay replay(16'384);
    for (int i = 0; i < updates; ++i) {
        for (EpisodeRecord& episode : play(false, 1.0)) {
            replay.add(std::make_shared<const EpisodeRecord>(std::move(episode)));
        }
        if (replay.size() < m_terms.batch) {
            continue;
        }
        const auto sampled =
            replay.sample(m_terms.batch, CounterRng({m_setup.seed, "replay", static_cast<std::uint64_t>(i)}));
        Batch batch = m_setup.batch(sampled);
        batch.number = i; // methods that sample draw anew in every update
        if (auto updated = m_learner->update(batch); !updated) {
            throw std::runtime_error(updated.error().describe());
        }
        if (i % m_terms.copyInterval == 0) {
            m_learner->copyToTarget();
        }
    }
    Learned learned;
    learned.greedyReturn = play(true, 0.0).front().totalReward;
    const Rollout::FirstMoment& first = m_rollout.firstMoment();
    const JointValues values = jointValues(m_learner->online(), m_setup.layout(), first.obs, first.state);
    std::ranges::copy(values.qTot, learned.qTot.begin());
    return learned;
}

std::vector<EpisodeRecord> Apprentice::play(bool greedy, double epsilon) {
    std::vector<EpisodeOrigin> origins;
    for (int e = 0; e < kParallel; ++e) {
        origins.push_back({.task = 0, .key = {.seed = m_setup.seed, .greedy = greedy, .episode = m_episodes++}});
    }
    auto played = m_rollout.play(m_learner->online(), origins, epsilon, nullptr);
    if (!played) {
        throw std::runtime_error(played.error().describe());
    }
    return std::move(*played);
}

} // namespace knife::test
