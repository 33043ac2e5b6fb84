// SPDX-License-Identifier: GPL-3.0-or-later
// `knifectl bench env NAME` and `knifectl bench learn FILE`.
#pragma once

#include <CLI/App.hpp>

#include "app/ctl/command_context.h"

namespace knife {

void addBenchCommand(CLI::App& root, CommandContext& context);

} // namespace knife
