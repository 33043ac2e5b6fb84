// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

namespace knife {

/// Log lines go to stderr. On a terminal only warnings, so that they do not tear the progress bar apart; in a log file
/// (a run that a window or a scheduler started) also what the run does. `quiet`: errors only.
void setUpLogging(bool quiet);

} // namespace knife
