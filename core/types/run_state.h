// SPDX-License-Identifier: GPL-3.0-or-later
// The one state machine of a run. Everybody who shows or commands a run uses this table and no booleans of their own.
#pragma once

#include <optional>
#include <string_view>

namespace knife {

enum class RunState {
    Idle,        ///< created, never started
    Starting,    ///< building networks and environments, or reading a checkpoint
    Running,     ///< training
    Pausing,     ///< asked to pause; the current update is finishing
    Paused,      ///< between two updates, waiting for commands
    Stopping,    ///< writing the last checkpoint
    Finished,    ///< reached its budget
    Failed,      ///< ended by an error, which is in the run's events
    Interrupted, ///< ended by a stop, a signal or the death of its process; can be resumed
};

[[nodiscard]] std::string_view toString(RunState state);
[[nodiscard]] std::optional<RunState> runStateFromString(std::string_view text);

/// Whether the machine may go from one state to the other in one step.
[[nodiscard]] bool isLegalTransition(RunState from, RunState to);

/// States in which a process owns the run.
[[nodiscard]] bool isLive(RunState state);
/// States out of which only a resume or a fork leads.
[[nodiscard]] bool isEnded(RunState state);

} // namespace knife
