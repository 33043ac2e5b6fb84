// SPDX-License-Identifier: GPL-3.0-or-later
// Env steps per second on one core, with observations, state and legal actions written and random legal play.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <vector>

#include "core/envs/registry.h"
#include "core/envs/vector_env.h"
#include "core/types/counter_rng.h"

using namespace knife;

namespace {

// One legal action per agent, uniformly. A cheap generator: the figure is the environment's.
void drawActions(const VectorEnv& batch, std::uint32_t& state, std::vector<std::int32_t>& actions) {
    const auto nActions = static_cast<std::size_t>(batch.spec().nActions);
    for (std::size_t row = 0; row < actions.size(); ++row) {
        const auto avail = batch.avail().subspan(row * nActions, nActions);
        do {
            state = state * 1664525U + 1013904223U;
            actions[row] = static_cast<std::int32_t>((std::uint64_t{state} * nActions) >> 32U);
        } while (avail[static_cast<std::size_t>(actions[row])] == 0);
    }
}

void benchEnvironment(benchmark::State& state, const char* name, int count) {
    const auto instance = environmentInstance(name);
    auto batch = VectorEnv::make(instance->env, count);
    std::vector<std::int32_t> actions(static_cast<std::size_t>(count * batch->spec().nAgents));
    std::uint32_t generator = 1;
    std::uint64_t episode = 0;
    std::int64_t steps = 0;
    for (auto _ : state) {
        for (int e = 0; e < count; ++e) {
            if (batch->active()[static_cast<std::size_t>(e)] == 0) {
                batch->reset(e, {1, false, episode++});
            }
        }
        drawActions(*batch, generator, actions);
        if (!batch->step(actions)) {
            state.SkipWithError("illegal action");
            break;
        }
        steps += count;
    }
    state.SetItemsProcessed(steps);
    benchmark::DoNotOptimize(batch->obs().data());
}

} // namespace

BENCHMARK_CAPTURE(benchEnvironment, pred_prey_punish, "pred_prey_punish", 1);
BENCHMARK_CAPTURE(benchEnvironment, pred_prey_punish_batch_of_8, "pred_prey_punish", 8);
BENCHMARK_CAPTURE(benchEnvironment, stag_hunt_l, "stag_hunt_l", 1);
BENCHMARK_CAPTURE(benchEnvironment, qtran, "qtran", 1);
BENCHMARK_CAPTURE(benchEnvironment, nstep, "nstep", 8);
