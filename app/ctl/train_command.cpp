// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/ctl/train_command.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "app/ctl/integer_option.h"
#include "app/ctl/output.h"
#include "app/ctl/progress_line.h"
#include "app/ctl/version.h"
#include "core/config/experiment.h"
#include "core/session/process_info.h"
#include "core/session/run_host.h"
#include "core/store/run_reader.h"

namespace knife {

namespace {

struct TrainArguments {
    std::string file;
    std::vector<std::string> overrides;
    std::optional<std::int64_t> seed;
    std::optional<std::int64_t> steps;
    std::optional<std::int64_t> threads;
    std::string runId;
    bool startPaused = false;
};

struct ResumeArguments {
    std::string run;
    std::optional<std::int64_t> steps;
    std::optional<std::int64_t> threads;
    bool startPaused = false;
};

SessionOptions sessionOptions(const CommandContext& context, bool startPaused) {
    return {.workspace = context.workspace,
            .id = {},
            .startPaused = startPaused,
            .build = fmt::format("{}, {}", kProgram, engineVersion())};
}

int host(const CommandContext& context, Session& session) {
    ProgressLine line(context.quiet ? ProgressLine::Mode::Silent : ProgressLine::Mode::Stderr, session.totalEnvSteps());
    const RunOutcome outcome =
        hostSession(session, kProgram, [&line](const Clocks& clocks, double speed) { line.show(clocks, speed); });
    line.finish();
    if (outcome.error) {
        printError(*outcome.error);
    }
    if (context.json) {
        fmt::print("{}\n", outcome.summaryJson);
    } else {
        printSummary(outcome.summaryJson);
    }
    if (outcome.state == RunState::Interrupted) {
        constexpr int kInterrupted = 130;
        return kInterrupted;
    }
    return outcome.error ? exitCode(*outcome.error) : 0;
}

int train(const CommandContext& context, const TrainArguments& arguments) {
    std::vector<std::string> overrides = arguments.overrides;
    if (arguments.steps) {
        overrides.push_back(fmt::format("experiment.steps={}", *arguments.steps));
    }
    if (arguments.threads) {
        overrides.push_back(fmt::format("experiment.threads={}", *arguments.threads));
    }
    const auto experiment = loadExperiment(arguments.file, overrides);
    if (!experiment) {
        return failWith(experiment.error(), context.json);
    }
    SessionOptions options = sessionOptions(context, arguments.startPaused);
    if (!arguments.runId.empty()) {
        options.id = RunId{arguments.runId};
    }
    const std::uint64_t seed = arguments.seed ? static_cast<std::uint64_t>(*arguments.seed) : experiment->seeds.front();
    auto session = Session::start(*experiment, seed, options);
    if (!session) {
        return failWith(session.error(), context.json);
    }
    return host(context, **session);
}

int resume(const CommandContext& context, const ResumeArguments& arguments) {
    const auto reader = RunReader::open(context.workspace);
    if (!reader) {
        return failWith(reader.error(), context.json);
    }
    const auto run = (*reader)->resolve(arguments.run);
    if (!run) {
        return failWith(run.error(), context.json);
    }
    auto session =
        Session::resume(*run, arguments.steps, arguments.threads, sessionOptions(context, arguments.startPaused));
    if (!session) {
        return failWith(session.error(), context.json);
    }
    return host(context, **session);
}

void addCommon(CLI::App& command, std::optional<std::int64_t>& steps, std::optional<std::int64_t>& threads,
               bool& startPaused) {
    addIntegerOption(command, "--steps", steps, {.low = 1}, "Budget in env steps, instead of experiment.steps");
    addIntegerOption(command, "--threads", threads, {.low = 1, .high = 256}, "Threads of one run");
    command.add_flag("--start-paused", startPaused, "Wait for a window's Start before the first update");
}

} // namespace

void addTrainCommand(CLI::App& root, CommandContext& context) {
    auto arguments = std::make_shared<TrainArguments>();
    CLI::App* command = root.add_subcommand("train", "Train one seed of an experiment");
    command->add_option("FILE", arguments->file, "Experiment file (TOML)")->required();
    command->add_option("--set", arguments->overrides, "Override a value, for example learning.lr=1e-3")
        ->type_name("KEY=VALUE")
        ->allow_extra_args(false);
    addIntegerOption(*command, "--seed", arguments->seed, {}, "Seed, instead of the first of experiment.seeds");
    command->add_option("--run-id", arguments->runId, "Identity of the new run, chosen by the caller");
    addCommon(*command, arguments->steps, arguments->threads, arguments->startPaused);
    command->callback([arguments, &context] {
        context.action = [arguments, &context] {
            return train(context, *arguments);
        };
    });
}

void addResumeCommand(CLI::App& root, CommandContext& context) {
    auto arguments = std::make_shared<ResumeArguments>();
    CLI::App* command = root.add_subcommand("resume", "Go on with a run from its newest checkpoint");
    command->add_option("RUN", arguments->run, "Run id, the beginning of one, or \"last\"")->required();
    addCommon(*command, arguments->steps, arguments->threads, arguments->startPaused);
    command->callback([arguments, &context] {
        context.action = [arguments, &context] {
            return resume(context, *arguments);
        };
    });
}

} // namespace knife
