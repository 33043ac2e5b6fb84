// SPDX-License-Identifier: GPL-3.0-or-later
// `knifectl compare RUN...`: arms of runs beside each other, with intervals.
#pragma once

#include <CLI/App.hpp>

#include "app/ctl/command_context.h"

namespace knife {

void addCompareCommand(CLI::App& root, CommandContext& context);

} // namespace knife
