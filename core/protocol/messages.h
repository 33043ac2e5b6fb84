// SPDX-License-Identifier: GPL-3.0-or-later
// What is said on the control channel between a window (or a script) and a run process. Plain values; the wire format
// (protobuf, versioned) lives in wire.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/types/clocks.h"
#include "core/types/error.h"
#include "core/types/ids.h"
#include "core/types/run_state.h"
#include "core/types/snapshot.h"
#include "core/types/surgery_plan.h"

namespace knife {

/// Both sides say theirs in Hello; a peer of another major version is refused with a clear error.
inline constexpr std::uint32_t kProtocolVersion = 1;

// Commands are queued in the run process, executed between two updates and each answered by one CommandResult.

/// Train on, from Paused.
struct ContinueCommand {
    bool operator==(const ContinueCommand&) const = default;
};
/// Finish the current update, then wait.
struct PauseCommand {
    bool operator==(const PauseCommand&) const = default;
};
/// From Paused: that many updates (with the rollouts between them), then Paused again.
struct StepCommand {
    std::int64_t updates = 1;
    bool operator==(const StepCommand&) const = default;
};
/// Train until this env step, then Paused.
struct RunToCommand {
    EnvStep envStep;
    bool operator==(const RunToCommand&) const = default;
};
/// Evaluate greedily now; points are stored as for a scheduled evaluation.
struct EvaluateCommand {
    bool operator==(const EvaluateCommand&) const = default;
};
/// Write a checkpoint now.
struct CheckpointCommand {
    bool operator==(const CheckpointCommand&) const = default;
};
/// Operate on units. The answer carries the receipt.
struct OperateCommand {
    SurgeryPlan plan;
    bool operator==(const OperateCommand&) const = default;
};
/// Take the newest surgery back. Only while no update has followed it.
struct UndoCommand {
    bool operator==(const UndoCommand&) const = default;
};
/// Checkpoint and end as Interrupted, to be resumed at will; as Finished when the budget is used up.
struct StopCommand {
    bool operator==(const StopCommand&) const = default;
};

using CommandBody = std::variant<ContinueCommand, PauseCommand, StepCommand, RunToCommand, EvaluateCommand,
                                 CheckpointCommand, OperateCommand, UndoCommand, StopCommand>;

struct Command {
    CommandId id;
    CommandBody body;
    bool operator==(const Command&) const = default;
};

/// The answer to one command: done, or refused with the reason.
struct CommandResult {
    CommandId id;
    std::optional<Error> error;            ///< empty: done
    std::optional<SurgeryReceipt> receipt; ///< of an OperateCommand that was done
    std::string text;                      ///< one line for the log, may be empty
};

/// First message in both directions; the run process says its own in answer.
struct Hello {
    std::uint32_t version = kProtocolVersion;
    std::string program; ///< "knifectl 0.1.0"
    RunId run;           ///< sent by the run process
    bool operator==(const Hello&) const = default;
};

/// Sent by the run process on every change of state, and once after Hello when there has been one.
struct StateChanged {
    RunState state = RunState::Idle;
    Clocks clocks;
    std::string reason; ///< why it failed, or which command caused it; may be empty
    bool operator==(const StateChanged&) const = default;
};

/// Something for the log dock: task switch, surgery, checkpoint, warning.
struct Notice {
    enum class Level : std::uint8_t { Info, Warning, Error };
    Level level = Level::Info;
    Clocks clocks;
    std::string text;
    bool operator==(const Notice&) const = default;
};

/// Ask for the newest snapshot, once. A request while one is outstanding is the same request.
struct SnapshotRequest {
    bool operator==(const SnapshotRequest&) const = default;
};

using Message = std::variant<Hello, Command, CommandResult, StateChanged, Notice, SnapshotRequest, Snapshot>;

} // namespace knife
