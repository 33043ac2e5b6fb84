// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/ctl/doctor_command.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "app/ctl/output.h"
#include "app/ctl/run_json.h"
#include "core/protocol/channel.h"
#include "core/store/workspace.h"

namespace knife {

namespace {

struct Findings {
    Components versions;
    std::filesystem::path workspace;
    std::filesystem::path sockets;
    std::optional<WorkspaceHealth> health; ///< empty: not created yet, or refused
    std::vector<std::string> problems;
};

Findings examine(const std::filesystem::path& workspace, const Components& engine) {
    Findings findings{engine, workspace, socketPath(RunId{"run"}).parent_path(), std::nullopt, {}};
    const Components store = storeLibraryVersions();
    findings.versions.insert(findings.versions.end(), store.begin(), store.end());
    findings.versions.emplace_back("protocol", std::to_string(kProtocolVersion));
    findings.versions.emplace_back("workspace schema", std::to_string(kSchemaVersion));
    Result<WorkspaceHealth> health = inspectWorkspace(workspace);
    if (health) {
        findings.problems = health->problems;
        findings.health = std::move(*health);
    } else if (health.error().code != ErrorCode::NotFound) { // a missing one is created by the first run
        findings.problems.push_back(health.error().describe());
    }
    return findings;
}

Json findingsJson(const Findings& findings) {
    Json json = {{"versions", Json::object()},
                 {"workspace", findings.workspace.string()},
                 {"default_workspace", defaultWorkspacePath().string()},
                 {"sockets", findings.sockets.string()}};
    for (const auto& [name, version] : findings.versions) {
        json["versions"][name] = version;
    }
    json["health"] = nullptr;
    if (findings.health) {
        json["health"] = {{"schema_version", findings.health->schemaVersion},
                          {"runs", findings.health->runs},
                          {"database_bytes", findings.health->databaseBytes},
                          {"blob_bytes", findings.health->blobBytes}};
    }
    json["problems"] = findings.problems;
    return json;
}

void printFindings(const Findings& findings) {
    TextTable table({{"component", false}, {"", false}});
    for (const auto& [name, version] : findings.versions) {
        table.add({name, version});
    }
    table.add({"workspace", findings.workspace.string()});
    table.add({"control sockets", findings.sockets.string()});
    if (findings.health) {
        constexpr double kMegabyte = 1e6;
        table.add({"runs", std::to_string(findings.health->runs)});
        table.add(
            {"database", fmt::format("{:.1f} MB", static_cast<double>(findings.health->databaseBytes) / kMegabyte)});
        table.add(
            {"checkpoints", fmt::format("{:.1f} MB", static_cast<double>(findings.health->blobBytes) / kMegabyte)});
    }
    table.print();
    fmt::print("\n");
    for (const std::string& problem : findings.problems) {
        fmt::print("problem: {}\n", problem);
    }
    if (findings.problems.empty()) {
        fmt::print("{}\n",
                   findings.health ? "the workspace is sound" : "the workspace will be created by the first run");
    }
}

int examineAll(const CommandContext& context, const Components& engine) {
    const Findings findings = examine(context.workspace, engine);
    if (context.json) {
        printJson(findingsJson(findings));
    } else {
        printFindings(findings);
    }
    return findings.problems.empty() ? 0 : 1;
}

} // namespace

void addDoctorCommand(CLI::App& root, CommandContext& context, Components engine) {
    CLI::App* command = root.add_subcommand("doctor", "Check versions, places and the health of the workspace");
    command->callback([&context, engine = std::move(engine)] {
        context.action = [&context, engine] {
            return examineAll(context, engine);
        };
    });
}

} // namespace knife
