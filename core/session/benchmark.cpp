// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/session/benchmark.h"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include <ATen/ATen.h>
#include <fmt/format.h>

#include "core/envs/vector_env.h"
#include "core/learning/learner.h"
#include "core/learning/rollout.h"
#include "core/nets/kernels/worker_pool.h"
#include "core/plasticity/diagnostics.h"
#include "core/plasticity/surgeon.h"
#include "core/session/net_spec.h"
#include "core/session/process_info.h"
#include "core/session/trainer.h"
#include "core/store/workspace.h"
#include "core/types/counter_rng.h"

namespace knife {

namespace {

using SteadyClock = std::chrono::steady_clock;
constexpr std::int64_t kWarmUpdates = 5;

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

// The rate of sgemm at 512³ on as many threads as training has, each with matrices of its own: the median over the
// repeats, because a short burst can run at a clock that nothing sustains.
double measureSgemm(int threads) {
    constexpr std::int64_t kSize = 512;
    constexpr int kRepeats = 60;
    struct Matrices {
        at::Tensor a = at::rand({kSize, kSize});
        at::Tensor b = at::rand({kSize, kSize});
        at::Tensor c = at::empty({kSize, kSize});
    };
    std::vector<Matrices> matrices(static_cast<std::size_t>(threads));
    WorkerPool pool(threads);
    std::vector<double> seconds;
    for (int repeat = 0; repeat < kRepeats; ++repeat) {
        const auto began = SteadyClock::now();
        pool.run(threads, [&](int thread) {
            const at::NoGradGuard noGrad;
            Matrices& mine = matrices[static_cast<std::size_t>(thread)];
            at::mm_out(mine.c, mine.a, mine.b);
        });
        seconds.push_back(secondsSince(began));
    }
    std::ranges::nth_element(seconds, seconds.begin() + kRepeats / 2);
    return 2.0 * static_cast<double>(threads * kSize * kSize * kSize) / seconds[kRepeats / 2] / 1e9;
}

double cpuSeconds() {
    timespec now{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// A workspace that nobody will look at, removed at the end.
class ScratchWorkspace {
  public:
    ScratchWorkspace()
        : m_folder(std::filesystem::temp_directory_path() / fmt::format("knife-bench-{}", makeRunId().value)) {}
    ~ScratchWorkspace() {
        std::error_code ignored;
        std::filesystem::remove_all(m_folder, ignored);
    }
    ScratchWorkspace(const ScratchWorkspace&) = delete;
    ScratchWorkspace& operator=(const ScratchWorkspace&) = delete;
    [[nodiscard]] const std::filesystem::path& folder() const { return m_folder; }

  private:
    std::filesystem::path m_folder;
};

// Processor seconds that a few updates took on batches in turn: what else a machine does takes none of them.
class UpdateBlock {
  public:
    UpdateBlock(Learner& learner, const std::vector<Batch>& batches, std::int64_t updates)
        : m_learner(learner), m_batches(batches), m_updates(updates) {}

    Result<double> run(Diagnostics* diagnostics) {
        const UpdateListeners listeners = diagnostics != nullptr ? UpdateListeners{diagnostics} : UpdateListeners{};
        const double began = cpuSeconds();
        for (std::int64_t i = 0; i < m_updates; ++i) {
            Batch batch = m_batches[static_cast<std::size_t>(m_next++) % m_batches.size()];
            batch.number = i;
            if (auto updated = m_learner.update(batch, listeners); !updated) {
                return tl::unexpected(updated.error());
            }
        }
        if (diagnostics != nullptr && diagnostics->windowIsFull()) {
            diagnostics->closeWindow();
        }
        return cpuSeconds() - began;
    }

  private:
    Learner& m_learner;
    const std::vector<Batch>& m_batches;
    std::int64_t m_updates;
    std::int64_t m_next = 0;
};

// Median of the ratio of two measurements that are taken in turn, so that a clock that changes changes both alike.
template <typename First, typename Second>
Result<double> medianRatio(double seconds, First first, Second second) {
    constexpr std::size_t kFewest = 5;
    std::vector<double> ratios;
    const auto began = SteadyClock::now();
    while (ratios.size() < kFewest || secondsSince(began) < seconds) {
        const Result<double> a = first();
        const Result<double> b = second();
        if (!a || !b) {
            return tl::unexpected(!a ? a.error() : b.error());
        }
        ratios.push_back(*a / *b);
    }
    std::ranges::nth_element(ratios, ratios.begin() + static_cast<std::ptrdiff_t>(ratios.size() / 2));
    return ratios[ratios.size() / 2];
}

// Share of an update's time that the diagnostics of every update cost. A block holds one update that records
// activations.
Result<double> measureDiagnosticsCost(const RunPlan& plan, const std::vector<Batch>& batches, double seconds) {
    auto learner = Learner::build(makeNetSpec(plan, 1), plan.experiment.learning);
    if (!learner) {
        return tl::unexpected(learner.error());
    }
    Diagnostics diagnostics(plan.experiment.diagnostics, (*learner)->online().sites(), plan.spec.nAgents);
    UpdateBlock block(**learner, batches, plan.experiment.diagnostics.activationInterval);
    return medianRatio(
               seconds, [&] { return block.run(nullptr); }, [&] { return block.run(&diagnostics); })
        .map([](double withoutOverWith) { return 1.0 - withoutOverWith; });
}

// Composites at every sixteenth unit of every site that accepts them, from `first` on.
SurgeryPlan everySixteenth(const SiteList& sites, int first) {
    SurgeryPlan plan;
    for (const Site& site : sites.all()) {
        std::vector<int> units;
        for (int unit = first; unit < site.units; unit += 16) {
            units.push_back(unit);
        }
        if (site.composite != nullptr && !units.empty()) {
            plan.operations.push_back({site.name, std::move(units)});
        }
    }
    return plan;
}

// Speed of updates when every fourth unit of every site that accepts it is a composite, by four surgeries with updates
// between them, over that of none.
Result<double> measureCompositeSpeed(const RunPlan& plan, const std::vector<Batch>& batches, double seconds) {
    auto plain = Learner::build(makeNetSpec(plan, 1), plan.experiment.learning);
    auto operated = Learner::build(makeNetSpec(plan, 1), plan.experiment.learning);
    if (!plain || !operated) {
        return tl::unexpected(!plain ? plain.error() : operated.error());
    }
    constexpr std::int64_t kUpdates = 5;
    UpdateBlock plainBlock(**plain, batches, kUpdates);
    UpdateBlock operatedBlock(**operated, batches, kUpdates);
    Surgeon surgeon((*operated)->online(), (*operated)->target(), 1);
    for (int event = 0; event < 4; ++event) {
        auto done = surgeon.apply(everySixteenth((*operated)->online().sites(), 4 * event), event);
        auto trained = operatedBlock.run(nullptr);
        if (!done || !trained) {
            return tl::unexpected(!done ? done.error() : trained.error());
        }
    }
    return medianRatio(
        seconds, [&] { return plainBlock.run(nullptr); }, [&] { return operatedBlock.run(nullptr); });
}

// Batches of random play.
Result<std::vector<Batch>> collectBatches(const RunPlan& plan, int count) {
    auto net = FactorizedNet::build(makeNetSpec(plan, 1));
    auto environments = VectorEnv::make(plan.tasks.front().env, 16);
    if (!net || !environments) {
        return tl::unexpected(!net ? net.error() : environments.error());
    }
    const InputLayout layout = inputLayout(plan);
    Rollout rollout(std::move(*environments), layout);
    std::vector<Batch> batches;
    std::uint64_t number = 0;
    for (int i = 0; i < count; ++i) {
        std::vector<std::shared_ptr<const EpisodeRecord>> episodes;
        while (episodes.size() < static_cast<std::size_t>(plan.experiment.learning.batchEpisodes)) {
            auto played = rollout.play(**net, {{.task = 0, .key = {.seed = 1, .greedy = false, .episode = number++}}},
                                       /*epsilon=*/1.0, {});
            if (!played) {
                return tl::unexpected(played.error());
            }
            episodes.push_back(std::make_shared<const EpisodeRecord>(std::move(played->front())));
        }
        batches.push_back(makeBatch(episodes, plan.spec, layout));
    }
    return batches;
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
    Experiment endless = experiment;
    endless.evaluation.interval = std::numeric_limits<std::int64_t>::max() / 2;
    const auto plan = planRun(endless);
    if (!plan) {
        return tl::unexpected(plan.error());
    }
    const auto threads = static_cast<int>(plan->experiment.threads);
    const ScratchWorkspace scratch;
    if (auto prepared = prepareWorkspace(scratch.folder()); !prepared) {
        return tl::unexpected(prepared.error());
    }
    auto store = RunWriter::create(scratch.folder(), {.id = {},
                                                      .experiment = experiment.name,
                                                      .seed = 1,
                                                      .configToml = toToml(plan->experiment),
                                                      .totalEnvSteps = plan->experiment.steps,
                                                      .build = {}});
    if (!store) {
        return tl::unexpected(store.error());
    }
    auto trainer = Trainer::build(*plan, 1, **store, {});
    if (!trainer) {
        return tl::unexpected(trainer.error());
    }
    const auto advance = [&] {
        return (*trainer)->isDone() ? fail(ErrorCode::Usage, "the experiment's budget ended before it could be "
                                                             "measured; raise it with --set experiment.steps=…")
                                    : (*trainer)->advance();
    };
    LearnBenchmark result;
    const double sgemmBefore = measureSgemm(threads);
    // A few updates more than the first: buffers are allocated and code is generated in these.
    while ((*trainer)->clocks().update.value < kWarmUpdates) {
        if (auto advanced = advance(); !advanced) {
            return tl::unexpected(advanced.error());
        }
    }
    const Clocks first = (*trainer)->clocks();
    result.residentBytesBefore = residentBytes();
    const TrainingTimes before = (*trainer)->times();
    const double cpuBefore = cpuSeconds();
    const auto began = SteadyClock::now();
    while (result.seconds < seconds && !(*trainer)->isDone()) {
        if (auto advanced = (*trainer)->advance(); !advanced) {
            return tl::unexpected(advanced.error());
        }
        result.seconds = secondsSince(began);
    }
    const Clocks last = (*trainer)->clocks();
    result.residentBytesAfter = residentBytes();
    result.replayBytesPerEpisode = (*trainer)->replayBytesPerEpisode();
    const TrainingTimes after = (*trainer)->times();
    result.cpuSeconds = cpuSeconds() - cpuBefore;
    result.sgemmGflops = (sgemmBefore + measureSgemm(threads)) / 2.0;
    result.updates = last.update.value - first.update.value;
    const double diagnosticsS = after.diagnosticsS - before.diagnosticsS;
    const double updateS = after.updateS - before.updateS + diagnosticsS;
    const double flop = after.updateFlop - before.updateFlop;
    result.updatesPerS = static_cast<double>(result.updates) / updateS;
    result.envStepsPerS = static_cast<double>(last.envStep.value - first.envStep.value) / result.seconds;
    result.gflopPerUpdate = flop / static_cast<double>(std::max<std::int64_t>(result.updates, 1)) / 1e9;
    result.gflops = flop / updateS / 1e9;
    result.rolloutShare = (after.rolloutS - before.rolloutS) / result.seconds;
    result.updateShare = (after.updateS - before.updateS) / result.seconds;
    result.diagnosticsShare = diagnosticsS / result.seconds;
    result.storeShare = (after.storeS - before.storeS) / result.seconds;
    const auto batches = collectBatches(*plan, 4);
    if (!batches) {
        return tl::unexpected(batches.error());
    }
    const auto cost = measureDiagnosticsCost(*plan, *batches, seconds / 4.0);
    const auto composites = measureCompositeSpeed(*plan, *batches, seconds / 4.0);
    if (!cost || !composites) {
        return tl::unexpected(!cost ? cost.error() : composites.error());
    }
    result.diagnosticsCost = *cost;
    result.compositeSpeed = *composites;
    return result;
}

} // namespace knife
