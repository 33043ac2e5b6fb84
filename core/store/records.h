// SPDX-License-Identifier: GPL-3.0-or-later
// What the store gives out: plain values, no database types.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/types/clocks.h"
#include "core/types/ids.h"
#include "core/types/run_state.h"

namespace knife {

/// What is known of a run when it is created.
struct NewRun {
    std::optional<RunId> id; ///< chosen by the caller (see makeRunId), so that it can attach; otherwise drawn here
    std::string experiment;  ///< name of the experiment
    std::uint64_t seed = 0;
    std::string configToml; ///< resolved, all defaults written out
    std::int64_t totalEnvSteps = 0;
    std::string build; ///< program and library versions
};

/// What a run that goes on is to do from now on. The whole configuration is written in the words of this program, as
/// those of new runs are, which are what it will be compared with.
struct RunTerms {
    std::int64_t totalEnvSteps = 0;
    std::string configToml; ///< resolved
};

struct RunRecord {
    RunId id;
    std::string experiment;
    std::uint64_t seed = 0;
    /// A stored live state whose process is dead is given out as Interrupted.
    RunState state = RunState::Idle;
    std::string failure; ///< why, for Failed, and for Interrupted when it was not the process that died
    Clocks clocks;       ///< as of the last flush
    std::int64_t totalEnvSteps = 0;
    std::string task; ///< task instance at the last flush
    double envStepsPerS = 0.0;
    double lastTestReturn = 0.0; ///< NaN before the first evaluation
    std::int64_t createdMs = 0;  ///< Unix time, milliseconds
    std::int64_t updatedMs = 0;
    std::int64_t pid = 0; ///< of the owning process, while live
    std::string host;
    std::string build;
    std::optional<RunId> parent;
    EnvStep forkStep;
    std::string finalJson; ///< what `train --json` printed; empty while live
};

struct SegmentRecord {
    SegmentId id;
    Clocks begin;
    std::optional<Clocks> end;
    std::string reason; ///< "start", "resume", "fork"
    std::int64_t startedMs = 0;
};

/// Anything that happened at a moment: "task_switch", "surgery", "checkpoint", "pause", "continue", "stop", "error", …
struct EventRecord {
    std::int64_t id = 0; ///< ascending within a run
    SegmentId segment;
    Clocks clocks;
    std::string kind;
    std::string text;        ///< one line for a person
    std::string payloadJson; ///< details for programs; may be empty
};

struct MetricRecord {
    std::string name; ///< "test/return", "plasticity/agent.fc1/stagnant", …
    std::int64_t points = 0;
    double minimum = 0.0; ///< over finite points; NaN when there is none
    double maximum = 0.0;
    double last = 0.0;
};

/// All points of one metric of one run, in the order they were stored. Columns are equally long.
struct Series {
    std::vector<std::int64_t> update;
    std::vector<std::int64_t> envStep;
    std::vector<std::int64_t> episode;
    std::vector<double> wallS;
    std::vector<double> value; ///< NaN and infinities are kept
    [[nodiscard]] std::size_t size() const { return value.size(); }
};

struct CheckpointRecord {
    std::int64_t id = 0;
    SegmentId segment;
    Clocks clocks;
    std::string blob; ///< content hash
    std::int64_t bytes = 0;
    std::int64_t createdMs = 0;
};

/// Where a neuron frame is on the time axis, without its content.
struct FrameStamp {
    std::int64_t id = 0;
    Clocks clocks;
};

/// A recorded episode without its moments.
struct EpisodeStamp {
    std::int64_t id = 0;
    Clocks clocks; ///< of the evaluation
    std::string task;
    std::int64_t steps = 0;
    double episodeReturn = 0.0;
    std::int64_t bytes = 0; ///< in the database
};

} // namespace knife
