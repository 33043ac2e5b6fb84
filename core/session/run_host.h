// SPDX-License-Identifier: GPL-3.0-or-later
// Puts a session behind the control channel and behind signals: what a run process is.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "core/session/session.h"

namespace knife {

/// Called on the training thread after every stretch of training, for a progress line; must not block.
using ProgressCallback = std::function<void(const Clocks& clocks, double envStepsPerS)>;

/// Serves the session's control socket and runs the session to its end; blocks. A channel that cannot be opened is a
/// notice, not a failure: the run then goes on without peers. SIGINT and SIGTERM interrupt the session after a
/// checkpoint; a second one ends the process at once with code 130.
[[nodiscard]] RunOutcome hostSession(Session& session, const std::string& program, const ProgressCallback& progress);

} // namespace knife
