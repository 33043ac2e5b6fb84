// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/ctl/envs_command.h"

#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "app/ctl/output.h"
#include "core/envs/registry.h"

namespace knife {

namespace {

int listEnvs(const CommandContext& context) {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    TextTable table({{"name", false},
                     {"agents", true},
                     {"actions", true},
                     {"obs", true},
                     {"state", true},
                     {"limit", true},
                     {"", false}});
    for (const EnvInstance& instance : environmentInstances()) {
        const auto environment = makeEnvironment(instance.env);
        if (!environment) {
            return failWith(environment.error(), context.json);
        }
        const EnvSpec& spec = (*environment)->spec();
        list.push_back({{"name", instance.name},
                        {"env", instance.envName},
                        {"help", instance.help},
                        {"n_agents", spec.nAgents},
                        {"n_actions", spec.nActions},
                        {"obs_dim", spec.obsDim},
                        {"state_dim", spec.stateDim},
                        {"episode_limit", spec.episodeLimit}});
        table.add({instance.name, std::to_string(spec.nAgents), std::to_string(spec.nActions),
                   std::to_string(spec.obsDim), std::to_string(spec.stateDim), std::to_string(spec.episodeLimit),
                   instance.help});
    }
    if (context.json) {
        fmt::print("{}\n", list.dump());
    } else {
        table.print();
    }
    return 0;
}

} // namespace

void addEnvsCommand(CLI::App& root, CommandContext& context) {
    root.add_subcommand("envs", "List environments and presets")->callback([&context] {
        context.action = [&context] {
            return listEnvs(context);
        };
    });
}

} // namespace knife
