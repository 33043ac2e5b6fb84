// SPDX-License-Identifier: GPL-3.0-or-later
// `knifectl train` and `knifectl resume`: the run process.
#pragma once

#include <CLI/App.hpp>

#include "app/ctl/command_context.h"

namespace knife {

void addTrainCommand(CLI::App& root, CommandContext& context);
void addResumeCommand(CLI::App& root, CommandContext& context);

} // namespace knife
