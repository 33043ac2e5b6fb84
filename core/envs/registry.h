// SPDX-License-Identifier: GPL-3.0-or-later
// Which environments there are, and how one is made from its section of an experiment file.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/config/section.h"
#include "core/envs/environment.h"

namespace knife {

/// A named way to configure an environment: a payoff table of `matrix`, a preset of `stag_hunt`.
struct EnvPreset {
    std::string name;
    std::string help; ///< one line, no full stop
};

/// One environment. New ones are a line in registry.cpp.
struct EnvEntry {
    std::string name;      ///< value of env.name
    std::string help;      ///< one line, no full stop
    std::string presetKey; ///< key of its section that takes the name of a preset
    std::vector<EnvPreset> presets;
    Result<std::unique_ptr<Environment>> (*make)(const Section& env);
    Result<Section> (*resolve)(const Section& env);
    std::vector<FieldSchema> (*schema)();
};

/// Something `knifectl envs` lists and `knifectl bench env` takes: an environment as it comes, or one of its presets.
struct EnvInstance {
    std::string name;    ///< "stag_hunt", "pred_prey_punish", "qtran", …; unique
    std::string envName; ///< value of env.name
    std::string help;
    Section env; ///< section that makes it
};

[[nodiscard]] const std::vector<EnvEntry>& environments();

/// The section with env.name = "pred_prey_punish" written as name = "stag_hunt" and preset = "pred_prey_punish":
/// presets are names of environments too. A preset that the section names itself wins. Other sections stay as they are.
[[nodiscard]] Section spelledOut(const Section& env);

/// The environment (or preset) that the section's name names, set up by its other keys. Unknown name, unknown key,
/// wrong type, value out of range: ErrorCode::Usage with file:line:column and "did you mean".
[[nodiscard]] Result<std::unique_ptr<Environment>> makeEnvironment(const Section& section);
/// The section with every parameter written out; makes an equal environment. Same errors.
[[nodiscard]] Result<Section> resolveEnvironment(const Section& section);

/// Every environment and every preset.
[[nodiscard]] std::vector<EnvInstance> environmentInstances();
/// The instance of that name; otherwise ErrorCode::NotFound with "did you mean".
[[nodiscard]] Result<EnvInstance> environmentInstance(std::string_view name);

} // namespace knife
