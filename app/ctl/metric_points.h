// SPDX-License-Identifier: GPL-3.0-or-later
// `knifectl show RUN --metric METRIC`: one metric over time, for scripts that plot.
#pragma once

#include <string>

#include "app/ctl/command_context.h"

namespace knife {

/// Prints one line per point, fields separated by tabs, under a line that names them; with --json one object of arrays.
/// Returns the exit status.
int showMetric(const CommandContext& context, const std::string& run, const std::string& metric);

} // namespace knife
