// SPDX-License-Identifier: GPL-3.0-or-later
// `knifectl show RUN`: one run: configuration, segments, tasks, surgeries, metrics, events.
#pragma once

#include <CLI/App.hpp>

#include "app/ctl/command_context.h"

namespace knife {

void addShowCommand(CLI::App& root, CommandContext& context);

} // namespace knife
