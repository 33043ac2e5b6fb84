// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/session/benchmark.h"

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

#include <ATen/ATen.h>

#include "core/envs/vector_env.h"
#include "core/learning/learner.h"
#include "core/learning/replay.h"
#include "core/learning/rollout.h"
#include "core/session/net_spec.h"
#include "core/types/counter_rng.h"

namespace knife {

namespace {

using SteadyClock = std::chrono::steady_clock;

double secondsSince(SteadyClock::time_point moment) {
    return std::chrono::duration<double>(SteadyClock::now() - moment).count();
}

// A legal action for every agent; cheap enough not to be what is measured.
void chooseRandomly(const VectorEnv& environments, CounterRng& rng, std::vector<std::int32_t>& actions) {
    const auto nActions = static_cast<std::size_t>(environments.spec().nActions);
    const auto avail = environments.avail();
    for (std::size_t row = 0; row < actions.size(); ++row) {
        const auto legal = avail.subspan(row * nActions, nActions);
        auto action = static_cast<std::size_t>(rng.below(static_cast<std::uint32_t>(nActions)));
        while (legal[action] == 0) {
            action = action + 1 == nActions ? 0 : action + 1;
        }
        actions[row] = static_cast<std::int32_t>(action);
    }
}

double measureSgemm() {
    constexpr std::int64_t kSize = 512;
    constexpr int kRepeats = 40;
    const at::Tensor a = at::rand({kSize, kSize});
    const at::Tensor b = at::rand({kSize, kSize});
    at::Tensor c = at::empty({kSize, kSize});
    double best = 0.0;
    for (int repeat = 0; repeat < kRepeats; ++repeat) {
        const auto began = SteadyClock::now();
        at::mm_out(c, a, b);
        best = std::max(best, 2.0 * static_cast<double>(kSize * kSize * kSize) / secondsSince(began));
    }
    return best / 1e9;
}

double flopPerUpdate(const FactorizedNet& net, const RunPlan& plan, std::int64_t steps) {
    const auto episodes = static_cast<double>(plan.experiment.learning.batchEpisodes);
    const double agentRows = static_cast<double>(steps + 1) * episodes * plan.spec.nAgents;
    const double mixerRows = static_cast<double>(steps) * episodes;
    // Forward online, forward target, backward to the weights, backward to activations but not to raw inputs.
    const auto passes = [](double flops, double inputFlops) {
        return 4.0 * flops - inputFlops;
    };
    return agentRows * passes(net.agentFlopsPerRow(), net.agentInputFlopsPerRow()) +
           mixerRows * passes(net.mixer().flopsPerRow(), net.mixer().inputFlopsPerRow());
}

} // namespace

Result<EnvBenchmark> benchmarkEnvironment(const Section& env, int parallel, double seconds) {
    auto environments = VectorEnv::make(env, parallel);
    if (!environments) {
        return tl::unexpected(environments.error());
    }
    std::uint64_t episode = 0;
    const auto restartFinished = [&] {
        for (int e = 0; e < environments->size(); ++e) {
            if (environments->active()[static_cast<std::size_t>(e)] == 0) {
                environments->reset(e, {.seed = 1, .greedy = false, .episode = episode++});
            }
        }
    };
    CounterRng rng({1, "bench", 0});
    std::vector<std::int32_t> actions(static_cast<std::size_t>(environments->size() * environments->spec().nAgents));
    EnvBenchmark result;
    const auto began = SteadyClock::now();
    while (result.seconds < seconds) {
        for (int i = 0; i < 256; ++i) {
            restartFinished();
            chooseRandomly(*environments, rng, actions);
            if (auto stepped = environments->step(actions); !stepped) {
                return tl::unexpected(stepped.error());
            }
            result.envSteps += environments->size();
        }
        result.seconds = secondsSince(began);
    }
    result.envStepsPerS = static_cast<double>(result.envSteps) / result.seconds;
    return result;
}

Result<LearnBenchmark> benchmarkLearning(const Experiment& experiment, double seconds) {
    const auto plan = planRun(experiment);
    if (!plan) {
        return tl::unexpected(plan.error());
    }
    const LearningConfig& learning = plan->experiment.learning;
    auto learner = Learner::build(makeNetSpec(*plan, 1), learning);
    auto environments = VectorEnv::make(plan->tasks.front().env, static_cast<int>(learning.parallelEnvs));
    if (!learner || !environments) {
        return tl::unexpected(!learner ? learner.error() : environments.error());
    }
    const InputLayout layout(plan->spec, plan->experiment.agent);
    Rollout rollout(std::move(*environments), layout);
    Replay replay(static_cast<std::size_t>(learning.bufferEpisodes));
    Diagnostics diagnostics(plan->experiment.diagnostics, (*learner)->online().sites());
    LearnBenchmark result;
    result.sgemmGflops = measureSgemm();
    const auto batchEpisodes = static_cast<std::size_t>(learning.batchEpisodes);
    std::uint64_t episode = 0;
    std::int64_t envSteps = 0;
    double rolloutS = 0.0;
    double updateS = 0.0;
    double flop = 0.0;
    while (rolloutS + updateS < seconds) {
        const auto collecting = SteadyClock::now();
        std::vector<EpisodeOrigin> origins;
        for (std::int64_t i = 0; i < learning.parallelEnvs; ++i) {
            origins.push_back({.task = 0, .key = {.seed = 1, .greedy = false, .episode = episode++}});
        }
        auto episodes = rollout.play((*learner)->online(), origins, 1.0, {});
        if (!episodes) {
            return tl::unexpected(episodes.error());
        }
        const bool warm = replay.size() >= batchEpisodes;
        for (EpisodeRecord& record : *episodes) {
            envSteps += warm ? record.length : 0;
            replay.add(std::make_shared<const EpisodeRecord>(std::move(record)));
        }
        if (!warm) {
            continue;
        }
        rolloutS += secondsSince(collecting);
        const auto updating = SteadyClock::now();
        for (std::int64_t i = 0; i < learning.updatesPerRollout; ++i) {
            const auto index = static_cast<std::uint64_t>(result.updates);
            const Batch batch =
                makeBatch(replay.sample(batchEpisodes, CounterRng({1, "replay", index})), plan->spec, layout);
            const UpdateStep step{result.updates};
            if (auto updated = (*learner)->update(batch, &diagnostics, diagnostics.wantsActivations(step)); !updated) {
                return tl::unexpected(updated.error());
            }
            if (diagnostics.windowIsFull()) {
                diagnostics.closeWindow();
            }
            flop += flopPerUpdate((*learner)->online(), *plan, batch.steps);
            ++result.updates;
        }
        updateS += secondsSince(updating);
    }
    result.seconds = rolloutS + updateS;
    result.updatesPerS = static_cast<double>(result.updates) / updateS;
    result.envStepsPerS = static_cast<double>(envSteps) / result.seconds;
    result.gflopPerUpdate = flop / static_cast<double>(std::max<std::int64_t>(result.updates, 1)) / 1e9;
    result.gflops = flop / updateS / 1e9;
    result.rolloutShare = rolloutS / result.seconds;
    result.updateShare = updateS / result.seconds;
    return result;
}

} // namespace knife
