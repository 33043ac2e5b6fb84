// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>
#include <cstdio>
#include <exception>
#include <string>
#include <system_error>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

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

// What no room has translated ends here, as does output that found no room.
int runAction(const knife::CommandContext& context) {
    const knife::Error noRoom{knife::ErrorCode::Io, "the results could not be written to standard output", {}};
    try {
        const int code = context.action();
        if (std::fflush(stdout) != 0) {
            knife::printError(noRoom);
            return code == 0 ? 1 : code;
        }
        return code;
    } catch (const std::system_error& error) {
        // What is longer than the buffer fails while it is printed.
        knife::printError(std::ferror(stdout) != 0 ? noRoom
                                                   : knife::Error{knife::ErrorCode::Internal, error.what(), {}});
        return 1;
    } catch (const std::exception& error) {
        knife::printError({knife::ErrorCode::Internal, error.what(), {}});
        return 1;
    }
}

// The command that the line got to, or the program itself.
const CLI::App& innermost(const CLI::App& app) {
    const std::vector<CLI::App*> chosen = app.get_subcommands();
    return chosen.empty() ? app : innermost(*chosen.front());
}

std::vector<std::string> commandNames(const CLI::App& app) {
    std::vector<std::string> names;
    for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
        names.push_back(command->get_name());
    }
    return names;
}

// Options of a command and of all above it, which are understood behind it, too.
std::vector<std::string> optionNames(const CLI::App& command) {
    std::vector<std::string> names;
    for (const CLI::App* app = &command; app != nullptr; app = app->get_parent()) {
        for (const CLI::Option* option : app->get_options()) {
            for (const std::string& name : option->get_lnames()) {
                names.push_back("--" + name);
            }
        }
    }
    return names;
}

// What is wrong with the command line. CLI11 says of a mistyped command only that one is required, and of a mistyped
// option that something was not expected.
std::string describeUsage(const CLI::App& root, const CLI::ParseError& error) {
    const CLI::App& command = innermost(root);
    const std::vector<std::string> extras = root.remaining(true);
    const std::vector<std::string> commands = commandNames(command);
    const bool lacksCommand = !commands.empty() && dynamic_cast<const CLI::RequiredError*>(&error) != nullptr;
    if (lacksCommand && !extras.empty() && !extras.front().starts_with("-")) {
        return fmt::format("unknown command '{}'{}", extras.front(), knife::suggestion(extras.front(), commands));
    }
    std::string what = lacksCommand
                           ? fmt::format("{} needs a command: {}", command.get_name(), fmt::join(commands, ", "))
                           : error.what();
    if (!extras.empty() && (lacksCommand || dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr)) {
        // The value of a mistyped option is as unexpected as its name.
        const auto option = std::ranges::find_if(extras, [](const std::string& word) { return word.starts_with("-"); });
        const std::string& word = option != extras.end() ? *option : extras.front();
        const std::string nearest = knife::nearestWord(word, optionNames(command));
        what = fmt::format("unexpected argument '{}'{}", word,
                           nearest.empty() ? "" : fmt::format("; did you mean '{}'?", nearest));
    }
    std::string name = command.get_name();
    for (const CLI::App* app = command.get_parent(); app != nullptr; app = app->get_parent()) {
        name = fmt::format("{} {}", app->get_name(), name);
    }
    return fmt::format("{} (see {} --help)", what, name);
}

int explainUsage(const CLI::App& root, const CLI::ParseError& error, bool json) {
    if (error.get_exit_code() == 0) { // help or version
        return root.exit(error);
    }
    return knife::failWith({knife::ErrorCode::Usage, describeUsage(root, error), {}}, json);
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
        return explainUsage(root, error, context.json);
    }
    knife::setUpLogging(context.quiet);
    return runAction(context);
}
