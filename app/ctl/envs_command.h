// SPDX-License-Identifier: GPL-3.0-or-later
// `knifectl envs`: every environment and preset with its sizes.
#pragma once

#include <CLI/App.hpp>

#include "app/ctl/command_context.h"

namespace knife {

void addEnvsCommand(CLI::App& root, CommandContext& context);

} // namespace knife
