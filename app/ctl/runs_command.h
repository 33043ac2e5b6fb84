// SPDX-License-Identifier: GPL-3.0-or-later
// `knifectl runs`: every run of a workspace, newest first.
#pragma once

#include <CLI/App.hpp>

#include "app/ctl/command_context.h"

namespace knife {

void addRunsCommand(CLI::App& root, CommandContext& context);

} // namespace knife
