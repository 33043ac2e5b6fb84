// SPDX-License-Identifier: GPL-3.0-or-later
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "app/ctl/bench_command.h"
#include "app/ctl/command_context.h"
#include "app/ctl/compare_command.h"
#include "app/ctl/doctor_command.h"
#include "app/ctl/envs_command.h"
#include "app/ctl/logging.h"
#include "app/ctl/neurons_command.h"
#include "app/ctl/output.h"
#include "app/ctl/runs_command.h"
#include "app/ctl/show_command.h"
#include "app/ctl/train_command.h"
#include "app/ctl/version.h"
#include "core/config/did_you_mean.h"
#include "core/session/process_info.h"
#include "core/store/workspace.h"

namespace {

constexpr int kUsageError = 2;

// What no room has translated ends here, as does output that found no room.
int runAction(const knife::CommandContext& context) {
    try {
        const int code = context.action();
        if (std::fflush(stdout) != 0) {
            knife::printError({knife::ErrorCode::Io, "the results could not be written to standard output", {}});
            return code == 0 ? 1 : code;
        }
        return code;
    } catch (const std::exception& error) {
        knife::printError({knife::ErrorCode::Internal, error.what(), {}});
        return 1;
    }
}

// CLI11 says of a mistyped command only that one is required.
int explainUsage(const CLI::App& root, const CLI::ParseError& error) {
    const std::vector<std::string> extras = root.remaining();
    const bool misses = dynamic_cast<const CLI::RequiredError*>(&error) != nullptr && root.get_subcommands().empty();
    if (!misses || extras.empty()) {
        return root.exit(error) == 0 ? 0 : kUsageError;
    }
    std::vector<std::string> commands;
    for (const CLI::App* command : root.get_subcommands([](const CLI::App*) { return true; })) {
        commands.push_back(command->get_name());
    }
    const std::string hint = knife::suggestion(extras.front(), commands);
    knife::printError({knife::ErrorCode::Usage, "unknown command '" + extras.front() + "'" + hint, {}});
    return kUsageError;
}

} // namespace

int main(int argc, char** argv) {
    knife::CommandContext context;
    context.workspace = knife::defaultWorkspacePath();
    CLI::App root("Trains and inspects value-factorization agents that lose, and regain, plasticity", "knifectl");
    root.set_version_flag("--version", knife::kProgram);
    root.require_subcommand(1);
    root.fallthrough(); // common options may stand behind the command
    root.add_option("--workspace", context.workspace, "Folder with runs")->type_name("DIR");
    root.add_flag("--json", context.json, "Print one JSON value as the last line of stdout");
    root.add_flag("--quiet", context.quiet, "No progress on stderr");

    knife::addTrainCommand(root, context);
    knife::addResumeCommand(root, context);
    knife::addRunsCommand(root, context);
    knife::addShowCommand(root, context);
    knife::addNeuronsCommand(root, context);
    knife::addCompareCommand(root, context);
    knife::addEnvsCommand(root, context);
    knife::addBenchCommand(root, context);
    knife::addDoctorCommand(root, context,
                            {{"tensor library", knife::engineVersion()},
                             {"BLAS", knife::blasDescription()},
                             {"small products", knife::smallProductsDescription()}});
    try {
        root.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return explainUsage(root, error);
    }
    knife::setUpLogging(context.quiet);
    return runAction(context);
}
