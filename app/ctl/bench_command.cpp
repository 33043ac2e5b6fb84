// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/ctl/bench_command.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "app/ctl/integer_option.h"
#include "app/ctl/output.h"
#include "core/envs/registry.h"
#include "core/envs/scripted_play.h"
#include "core/session/benchmark.h"
#include "core/session/process_info.h"
#include "core/stats/wilson.h"

namespace knife {

namespace {

struct BenchArguments {
    std::string subject; ///< an environment's name, or an experiment file
    std::vector<std::string> overrides;
    int parallel = 8;
    std::optional<int> threads;
    double seconds = 5.0;
    std::string script; ///< empty: measure speed
    std::optional<std::int64_t> episodes;
    std::optional<std::int64_t> seed;
};

constexpr std::int64_t kEpisodes = 100;

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

// How well a rule plays instead of learned agents.
int benchScript(const CommandContext& context, const BenchArguments& arguments, const EnvInstance& instance) {
    const auto script = arguments.script == "nearest" ? PlayScript::AttackNearest : PlayScript::Random;
    const std::int64_t seed = arguments.seed.value_or(0);
    const auto record =
        playEpisodes(instance.env, script, arguments.episodes.value_or(kEpisodes), static_cast<std::uint64_t>(seed));
    if (!record) {
        return failWith(record.error(), context.json);
    }
    nlohmann::ordered_json figures = {
        {"env", instance.name},           {"script", arguments.script},   {"seed", seed},
        {"set", arguments.overrides},     {"episodes", record->episodes}, {"mean_return", record->meanReturn},
        {"mean_steps", record->meanSteps}};
    if (record->hasWin) {
        const ShareInterval interval = wilsonInterval(record->wins, record->episodes);
        figures["wins"] = record->wins;
        figures["at_limit"] = record->atLimit;
        figures["win_rate"] = static_cast<double>(record->wins) / static_cast<double>(record->episodes);
        figures["win_rate_low"] = interval.low;
        figures["win_rate_high"] = interval.high;
    }
    printFigures(context, figures);
    return 0;
}

int benchEnv(const CommandContext& context, const BenchArguments& arguments) {
    auto instance = environmentInstance(arguments.subject);
    if (!instance) {
        return failWith(instance.error(), context.json);
    }
    for (const std::string& assignment : arguments.overrides) {
        auto changed = instance->env.withAssignment(assignment);
        if (!changed) {
            return failWith(changed.error(), context.json);
        }
        instance->env = std::move(*changed);
    }
    if (!arguments.script.empty()) {
        return benchScript(context, arguments, *instance);
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

    CLI::App* env = bench->add_subcommand(
        "env", "Steps per second of an environment under random legal actions, or how well a script plays it");
    env->add_option("NAME", arguments->subject, "A name that `knifectl envs` lists")->required();
    env->add_option("--set", arguments->overrides, "Set a parameter of the environment")->type_name("KEY=VALUE");
    CLI::Option* parallel = env->add_option("--parallel", arguments->parallel, "Environments in the batch")
                                ->capture_default_str()
                                ->check(CLI::Range(1, 4096));
    CLI::Option* seconds = env->add_option("--seconds", arguments->seconds, "How long to measure")
                               ->capture_default_str()
                               ->check(CLI::Range(0.1, 3600.0));
    CLI::Option* script =
        env->add_option("--script", arguments->script,
                        "Play episodes instead, one after the other: `random`, or in battles `nearest`, by which "
                        "agents attack who is nearest")
            ->check(CLI::IsMember({"random", "nearest"}))
            ->excludes(parallel, seconds);
    addIntegerOption(*env, "--episodes", arguments->episodes, {.low = 1},
                     fmt::format("How many a script plays ({})", kEpisodes));
    addIntegerOption(*env, "--seed", arguments->seed, {}, "Seed of the episodes that a script plays (0)");
    env->get_option("--episodes")->needs(script);
    env->get_option("--seed")->needs(script);
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
