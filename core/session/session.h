// SPDX-License-Identifier: GPL-3.0-or-later
// One run from start to end: the state machine, the queue of commands, the clock, checkpoints and the store around a
// trainer. Torch-free, so that programs can hold one without compiling LibTorch.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "core/config/experiment.h"
#include "core/protocol/messages.h"
#include "core/types/error.h"
#include "core/types/ids.h"

namespace knife {

/// Who watches a session. All calls come on the training thread and must not block.
class SessionObserver {
  public:
    virtual ~SessionObserver() = default;
    virtual void stateChanged(const StateChanged& change) = 0;
    virtual void notice(const Notice& notice) = 0;
    virtual void commandDone(const CommandResult& result) = 0;
    /// Polled between environment steps; cheap.
    [[nodiscard]] virtual bool wantsSnapshot() const = 0;
    virtual void snapshot(const Snapshot& snapshot) = 0;
    /// After every stretch of training.
    virtual void progressed(const Clocks& clocks, double envStepsPerS) = 0;
};

struct SessionOptions {
    std::filesystem::path workspace;
    std::optional<RunId> id;  ///< of a new run, if the caller has chosen one
    bool startPaused = false; ///< wait for a ContinueCommand before the first update
    std::string build;        ///< program and library versions, for the record
};

struct RunOutcome {
    RunState state = RunState::Failed; ///< Finished, Failed or Interrupted
    std::optional<Error> error;        ///< why it failed
    std::string summaryJson;           ///< one JSON object: what `train --json` prints
};

class Session {
  public:
    /// A new run of one seed: everything that can be wrong in the experiment is found before the run exists.
    [[nodiscard]] static Result<std::unique_ptr<Session>> start(const Experiment& experiment, std::uint64_t seed,
                                                                const SessionOptions& options);
    /// Goes on from the newest sound checkpoint of a run that is not live; from the beginning if it has none. `steps`
    /// replaces the budget from now on, `threads` the experiment's for this stretch. ErrorCode::Locked when another
    /// process holds the run.
    [[nodiscard]] static Result<std::unique_ptr<Session>> resume(const RunId& run, std::optional<std::int64_t> steps,
                                                                 std::optional<std::int64_t> threads,
                                                                 const SessionOptions& options);
    virtual ~Session() = default;

    [[nodiscard]] virtual const RunId& id() const = 0;
    [[nodiscard]] virtual std::int64_t totalEnvSteps() const = 0;
    /// Trains until the end; blocks. Call once.
    [[nodiscard]] virtual RunOutcome run(SessionObserver& observer) = 0;
    /// Queues a command; any thread, never blocks.
    virtual void submit(Command command) = 0;
    /// Asks for a checkpoint and an end as Interrupted. Async-signal-safe.
    virtual void interrupt() = 0;
};

} // namespace knife
