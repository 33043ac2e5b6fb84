// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/ctl/bench_command.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "app/ctl/output.h"
#include "core/envs/registry.h"
#include "core/session/benchmark.h"
#include "core/session/process_info.h"

namespace knife {

namespace {

struct BenchArguments {
    std::string subject; ///< an environment's name, or an experiment file
    std::vector<std::string> overrides;
    int parallel = 8;
    std::optional<int> threads;
    double seconds = 5.0;
};

void printFigures(const CommandContext& context, const nlohmann::ordered_json& figures) {
    if (context.json) {
        fmt::print("{}\n", figures.dump());
    } else {
        printSummary(figures.dump());
    }
}

double mebibytes(std::uint64_t bytes) {
    return static_cast<double>(bytes) / (1024.0 * 1024.0);
}

int benchEnv(const CommandContext& context, const BenchArguments& arguments) {
    const auto instance = environmentInstance(arguments.subject);
    if (!instance) {
        return failWith(instance.error(), context.json);
    }
    keepLibrariesToOneThread();
    const auto result = benchmarkEnvironment(instance->env, arguments.parallel, arguments.seconds);
    if (!result) {
        return failWith(result.error(), context.json);
    }
    printFigures(context, {{"env", instance->name},
                           {"parallel_envs", arguments.parallel},
                           {"env_steps", result->envSteps},
                           {"seconds", result->seconds},
                           {"env_steps_per_s", result->envStepsPerS}});
    return 0;
}

int benchLearn(const CommandContext& context, const BenchArguments& arguments) {
    std::vector<std::string> overrides = arguments.overrides;
    if (arguments.threads) {
        overrides.push_back(fmt::format("experiment.threads={}", *arguments.threads));
    }
    const auto experiment = loadExperiment(arguments.subject, overrides);
    if (!experiment) {
        return failWith(experiment.error(), context.json);
    }
    keepLibrariesToOneThread();
    if (!context.quiet) {
        fmt::print(stderr, "training for {:.3g} s after a warm-up, then products, diagnostics and composites\n",
                   arguments.seconds);
    }
    const auto result = benchmarkLearning(*experiment, arguments.seconds);
    if (!result) {
        return failWith(result.error(), context.json);
    }
    if (!context.quiet && result->seconds < arguments.seconds / 2.0) {
        fmt::print(stderr,
                   "the experiment ended after {:.2g} s of training, which says little; raise experiment.steps\n",
                   result->seconds);
    }
    printFigures(context, {{"experiment", experiment->name},
                           {"threads", experiment->threads},
                           {"updates", result->updates},
                           {"seconds", result->seconds},
                           {"cpu_seconds", result->cpuSeconds},
                           {"updates_per_s", result->updatesPerS},
                           {"env_steps_per_s", result->envStepsPerS},
                           {"gflop_per_update", result->gflopPerUpdate},
                           {"gflops", result->gflops},
                           {"sgemm_gflops", result->sgemmGflops},
                           {"rollout_share", result->rolloutShare},
                           {"update_share", result->updateShare},
                           {"diagnostics_share", result->diagnosticsShare},
                           {"store_share", result->storeShare},
                           {"diagnostics_cost", result->diagnosticsCost},
                           {"composite_speed", result->compositeSpeed},
                           {"resident_mib_before", mebibytes(result->residentBytesBefore)},
                           {"resident_mib_after", mebibytes(result->residentBytesAfter)},
                           {"replay_kib_per_episode", result->replayBytesPerEpisode / 1024.0}});
    return 0;
}

} // namespace

void addBenchCommand(CLI::App& root, CommandContext& context) {
    auto arguments = std::make_shared<BenchArguments>();
    CLI::App* bench = root.add_subcommand("bench", "Measure speed")->require_subcommand(1);

    CLI::App* env = bench->add_subcommand("env", "Steps per second of an environment under random legal actions");
    env->add_option("NAME", arguments->subject, "A name that `knifectl envs` lists")->required();
    env->add_option("--parallel", arguments->parallel, "Environments in the batch")
        ->capture_default_str()
        ->check(CLI::Range(1, 4096));
    env->add_option("--seconds", arguments->seconds, "How long to measure")
        ->capture_default_str()
        ->check(CLI::Range(0.1, 3600.0));
    env->callback([arguments, &context] {
        context.action = [arguments, &context] {
            return benchEnv(context, *arguments);
        };
    });

    CLI::App* learn = bench->add_subcommand("learn", "Speed of learning, beside the matrix-multiply rate");
    learn->add_option("FILE", arguments->subject, "Experiment file (TOML)")->required();
    learn->add_option("--set", arguments->overrides, "Override a value")->type_name("KEY=VALUE");
    learn->add_option("--threads", arguments->threads, "Threads of the learner, instead of the file's")
        ->check(CLI::Range(1, 256));
    learn
        ->add_option("--seconds", arguments->seconds,
                     "How long to train; the other figures take as long again, or longer")
        ->capture_default_str()
        ->check(CLI::Range(0.1, 3600.0));
    learn->callback([arguments, &context] {
        context.action = [arguments, &context] {
            return benchLearn(context, *arguments);
        };
    });
}

} // namespace knife
