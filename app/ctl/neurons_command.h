// SPDX-License-Identifier: GPL-3.0-or-later
// `knifectl neurons RUN`: the diagnostics of every site of a run at one update.
#pragma once

#include <CLI/App.hpp>

#include "app/ctl/command_context.h"

namespace knife {

void addNeuronsCommand(CLI::App& root, CommandContext& context);

} // namespace knife
