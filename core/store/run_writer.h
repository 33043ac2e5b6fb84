// SPDX-License-Identifier: GPL-3.0-or-later
// The one writer of one run. Calls hand values over and return at once; a thread of its own writes them at most one
// second later, one transaction per batch. Training never waits for the disk, except in checkpoint() and close().
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/store/records.h"
#include "core/types/episode_recording.h"
#include "core/types/error.h"
#include "core/types/snapshot.h"
#include "core/types/surgery_plan.h"

namespace knife {

/// Handle of a metric within one writer.
struct MetricHandle {
    int value = -1;
};

class RunWriter {
  public:
    /// Creates a run in an existing workspace (see prepareWorkspace) and takes its lock.
    [[nodiscard]] static Result<std::unique_ptr<RunWriter>> create(const std::filesystem::path& workspace,
                                                                   const NewRun& run);
    /// Takes the lock of an existing run, for a resume, and changes nothing that is stored: what is read from now on
    /// stays as it is until goOnFrom(). Where the run has ended and its process still holds it, waits up to ten seconds
    /// for that to go. ErrorCode::Locked names the process that holds the run.
    [[nodiscard]] static Result<std::unique_ptr<RunWriter>> takeOver(const std::filesystem::path& workspace,
                                                                     const RunId& run);
    virtual ~RunWriter() = default; ///< flushes; a run that was not closed is left to be found Interrupted

    [[nodiscard]] virtual const RunId& id() const = 0;

    /// To be called first after takeOver(). Everything that was stored after the checkpoint `from` (everything at all
    /// without one) is cut off, so that the run is one line again, and the run is marked as this process's.
    /// `terms` replace the stored ones. All of it happens or nothing; blocks.
    [[nodiscard]] virtual Result<void> goOnFrom(const std::optional<CheckpointRecord>& from,
                                                const std::optional<RunTerms>& terms = {}) = 0;

    /// Begins a segment; everything after belongs to it.
    [[nodiscard]] virtual Result<SegmentId> beginSegment(const Clocks& clocks, std::string_view reason) = 0;

    // Thread-safe, never block on the disk. After a failure they do nothing; see failure().
    [[nodiscard]] virtual MetricHandle metric(std::string_view name) = 0;
    virtual void point(MetricHandle metric, const Clocks& clocks, double value) = 0;
    virtual void event(const Clocks& clocks, std::string_view kind, std::string_view text,
                       std::string_view payloadJson = {}) = 0;
    virtual void frame(const NeuronFrame& frame) = 0;
    virtual void surgery(const SurgeryReceipt& receipt) = 0;
    /// An episode that is too large to be read back is left out, with an event that says so.
    virtual void episode(EpisodeRecording recording) = 0;
    virtual void progress(const Clocks& clocks, RunState state, std::string_view task, double envStepsPerS) = 0;

    /// Writes everything handed over so far; blocks.
    [[nodiscard]] virtual Result<void> flush() = 0;
    /// Stores a checkpoint atomically (blob first, then its row with an event that tells of it) and prunes all but the
    /// newest `keepLast`; blocks. A resume goes back to exactly what had been handed over when it was called.
    [[nodiscard]] virtual Result<void> checkpoint(const Clocks& clocks, std::span<const std::byte> content,
                                                  int keepLast) = 0;
    /// Ends the run in a final state; blocks. `reason` is why it failed or was interrupted. `finalJson` may be empty.
    [[nodiscard]] virtual Result<void> close(RunState state, std::string_view reason, const Clocks& clocks,
                                             std::string_view finalJson) = 0;
    /// The first error of the writing thread, if there was one (full disk, read-only file system, workspace deleted,
    /// …).
    [[nodiscard]] virtual std::optional<Error> failure() const = 0;
};

} // namespace knife
