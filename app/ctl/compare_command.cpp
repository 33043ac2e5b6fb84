// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/ctl/compare_command.h"

#include <charconv>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "app/ctl/compare_json.h"
#include "app/ctl/compare_runs.h"
#include "app/ctl/compare_study.h"
#include "app/ctl/compare_tables.h"
#include "app/ctl/integer_option.h"
#include "app/ctl/output.h"

namespace knife {

namespace {

struct CompareArguments {
    RunChoice choice;
    StudyOptions study;
    std::string score = "aulc";
    std::string resample = "runs";
    bool resampleTasks = false;
    bool unpaired = false;
    std::string scale;
    std::optional<std::int64_t> reps;
    std::optional<std::int64_t> seed;
};

std::optional<double> parseNumber(std::string_view text) {
    double value = 0.0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
    return problem == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

/// "ZERO:ONE" or "ZERO:fresh".
Result<StudyOptions::Scale> parseScale(const std::string& text) {
    const auto colon = text.find(':');
    const auto zero = parseNumber(std::string_view(text).substr(0, colon));
    const std::string_view one = colon == std::string::npos ? "" : std::string_view(text).substr(colon + 1);
    const auto number = parseNumber(one);
    if (!zero || (!number && one != "fresh")) {
        return fail(ErrorCode::Usage,
                    fmt::format("--scale {}: expected two scores as ZERO:ONE, or ZERO:fresh, for example 0:8", text));
    }
    return StudyOptions::Scale{*zero, number};
}

Result<StudyOptions> studyOptions(const CompareArguments& arguments) {
    StudyOptions options = arguments.study;
    options.finalScores = arguments.score == "final";
    options.bootstrap.reps = arguments.reps.value_or(kTableReps);
    options.bootstrap.seed = static_cast<std::uint64_t>(arguments.seed.value_or(0));
    options.bootstrap.resampling = arguments.resample == "runs" ? Resampling::Clustered : Resampling::Stratified;
    options.bootstrap.tasks = arguments.resampleTasks ? TaskResampling::Resampled : TaskResampling::Fixed;
    options.bootstrap.pairing = arguments.unpaired ? Pairing::Independent : Pairing::Rows;
    if (!arguments.scale.empty()) {
        const auto scale = parseScale(arguments.scale);
        if (!scale) {
            return tl::unexpected(scale.error());
        }
        options.scale = *scale;
        if (!options.scale->one && options.fresh.empty()) {
            return fail(ErrorCode::Usage, "--scale ZERO:fresh needs --fresh");
        }
    }
    return options;
}

Result<Study> studyOf(const CommandContext& context, const CompareArguments& arguments) {
    const RunChoice& choice = arguments.choice;
    if (choice.runs.empty() && choice.experiments.empty() && !choice.all) {
        return fail(ErrorCode::Usage, "nothing to compare: give runs, --name EXPERIMENT or --all");
    }
    const auto options = studyOptions(arguments);
    if (!options) {
        return tl::unexpected(options.error());
    }
    auto runs = readRuns(context.workspace, choice, options->metric);
    return runs ? makeStudy(std::move(*runs), *options) : tl::unexpected(runs.error());
}

int compare(const CommandContext& context, const CompareArguments& arguments) {
    const Result<Study> study = studyOf(context, arguments);
    if (!study) {
        return failWith(study.error(), context.json);
    }
    if (context.json) {
        printJson(toJson(*study));
    } else {
        printStudy(*study);
    }
    return 0;
}

void addOptions(CLI::App& command, CompareArguments& arguments) {
    command.add_option("run", arguments.choice.runs, "Ids of runs, beginnings of them, or \"last\"")->type_name("RUN");
    command
        .add_option("--name", arguments.choice.experiments, "Every run of an experiment; may be given several times")
        ->type_name("EXPERIMENT")
        ->allow_extra_args(false);
    command.add_flag("--all", arguments.choice.all, "Every run of the workspace");
    command.add_option("--metric", arguments.study.metric, "Evaluations to compare")
        ->type_name("METRIC")
        ->capture_default_str();
    command
        .add_option("--score", arguments.score,
                    "Score of a run on a task: area under the learning curve, or mean of its last tenth")
        ->check(CLI::IsMember({"aulc", "final"}))
        ->capture_default_str();
    command.add_option("--by", arguments.study.by, "Arms by one setting, or by \"experiment\", not by all settings")
        ->type_name("KEY");
    command.add_option("--fresh", arguments.study.fresh, "Arm of fresh networks: experiment, KEY=VALUE or arm")
        ->type_name("SELECTOR");
    command
        .add_option("--baseline", arguments.study.baseline,
                    "Arm to compare with: experiment, KEY=VALUE or arm; otherwise the one without interventions")
        ->type_name("SELECTOR");
    command.add_option("--scale", arguments.scale, "Scale scores: ZERO:ONE, or ZERO:fresh for the best fresh run")
        ->type_name("ZERO:ONE");
    command.add_option("--resample", arguments.resample, "Whole runs, or cells: runs within each task independently")
        ->check(CLI::IsMember({"runs", "cells"}))
        ->capture_default_str();
    command.add_flag("--resample-tasks", arguments.resampleTasks, "Resample tasks, too");
    command.add_flag("--unpaired", arguments.unpaired,
                     "Resample the arms of a difference independently, also where they ran the same seeds");
    command.add_option("--level", arguments.study.bootstrap.level, "Confidence of the intervals")
        ->check(CLI::Range(0.5, 0.999))
        ->capture_default_str();
    addIntegerOption(command, "--reps", arguments.reps, {100, 10'000'000}, "Resamples (50000)");
    addIntegerOption(command, "--seed", arguments.seed, {}, "Seed of the resamples (0)");
}

} // namespace

void addCompareCommand(CLI::App& root, CommandContext& context) {
    CLI::App* command = root.add_subcommand("compare", "Compare arms of runs: scores, gaps, tests, with intervals");
    const auto arguments = std::make_shared<CompareArguments>();
    addOptions(*command, *arguments);
    command->callback([&context, arguments] {
        context.action = [&context, arguments] {
            return compare(context, *arguments);
        };
    });
}

} // namespace knife
