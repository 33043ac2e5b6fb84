// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/ctl/runs_command.h"

#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "app/ctl/output.h"
#include "app/ctl/run_json.h"
#include "core/store/layout.h"
#include "core/store/run_reader.h"
#include "core/store/workspace.h"

namespace knife {

namespace {

/// Before the first run there is no default workspace, and that is no error.
Result<std::vector<RunRecord>> readRuns(const std::filesystem::path& workspace) {
    const auto reader = RunReader::open(workspace);
    if (reader) {
        return (*reader)->runs();
    }
    if (reader.error().code == ErrorCode::NotFound && workspace == defaultWorkspacePath()) {
        return std::vector<RunRecord>();
    }
    return tl::unexpected(reader.error());
}

void printTable(const std::vector<RunRecord>& runs) {
    TextTable table({{"run", false},
                     {"experiment", false},
                     {"seed", true},
                     {"state", false},
                     {"progress", true},
                     {"env steps/s", true},
                     {"test return", true},
                     {"age", true}});
    const std::int64_t now = nowMs();
    for (const RunRecord& run : runs) {
        table.add({run.id.value, run.experiment, std::to_string(run.seed), std::string(toString(run.state)),
                   formatPercent(progressOf(run)), fmt::format("{:.0f}", run.envStepsPerS),
                   formatNumber(run.lastTestReturn), formatAge(now - run.updatedMs)});
    }
    table.print();
}

int listRuns(const CommandContext& context) {
    const Result<std::vector<RunRecord>> runs = readRuns(context.workspace);
    if (!runs) {
        return failWith(runs.error(), context.json);
    }
    if (context.json) {
        Json list = Json::array();
        for (const RunRecord& run : *runs) {
            list.push_back(toJson(run));
        }
        printJson(list);
    } else if (runs->empty()) {
        fmt::print("no runs in {}\n", context.workspace.string());
    } else {
        printTable(*runs);
    }
    return 0;
}

} // namespace

void addRunsCommand(CLI::App& root, CommandContext& context) {
    root.add_subcommand("runs", "List the runs of a workspace, newest first")->callback([&context] {
        context.action = [&context] {
            return listRuns(context);
        };
    });
}

} // namespace knife
