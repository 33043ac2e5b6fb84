// SPDX-License-Identifier: GPL-3.0-or-later
// `knifectl doctor`: versions, places and the health of the workspace.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <CLI/App.hpp>

#include "app/ctl/command_context.h"

namespace knife {

/// A component and what is known of it: {"LibTorch", "1.13.1"}, {"BLAS", "OpenBLAS 0.3.21"}.
using Components = std::vector<std::pair<std::string, std::string>>;

/// `engine` adds what only the caller can know, because this part does not link the engine.
void addDoctorCommand(CLI::App& root, CommandContext& context, Components engine);

} // namespace knife
