// SPDX-License-Identifier: GPL-3.0-or-later
// All environments by name. A new environment is one file and one line in registry.cpp.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/config/section.h"
#include "core/envs/environment.h"

namespace knife {

/// Builds the environment that the [env] section names. Errors are ErrorCode::Usage with their place in the file.
[[nodiscard]] Result<std::unique_ptr<Environment>> makeEnvironment(const Section& env);
/// The section with every default of its environment written out.
[[nodiscard]] Result<Section> resolveEnvironment(const Section& env);

/// A named configuration for `knifectl envs`: an environment alone or one of its presets ("stag_hunt:stag_hunt_s").
struct EnvListing {
    std::string name;
    std::string help;
    EnvSpec spec;
};
[[nodiscard]] std::vector<EnvListing> listEnvironments();
/// The section for a listing's name, as for `knifectl bench env NAME`; unknown names are ErrorCode::Usage, "did you mean".
[[nodiscard]] Result<Section> environmentSection(const std::string& listingName);

} // namespace knife
