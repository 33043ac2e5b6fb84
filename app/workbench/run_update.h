// SPDX-License-Identifier: GPL-3.0-or-later
// What is new about one run since it was last read. Pure values; the reading happens on the store's thread.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/store/run_reader.h"

namespace knife {

/// How far a run has been read.
struct ReadPosition {
    std::size_t segments = 0;
    std::int64_t event = 0;                     ///< highest id
    std::int64_t frame = 0;                     ///< highest id
    std::int64_t episode = 0;                   ///< highest id
    std::map<std::string, std::int64_t> points; ///< per metric
};

enum class ReadDepth {
    Curves,     ///< metrics and events
    Everything, ///< also neuron frames, recorded episodes, surgeries, checkpoints
};

struct RunUpdate {
    RunRecord run;
    /// The run has been cut back to a checkpoint since: everything below is from its beginning.
    bool restarted = false;
    std::vector<SegmentRecord> segments;
    std::vector<MetricRecord> metrics;       ///< all
    std::map<std::string, Series> newPoints; ///< of the wanted metrics, those that have grown
    std::vector<EventRecord> newEvents;
    std::vector<FrameStamp> newFrames;
    std::vector<EpisodeStamp> newEpisodes;
    std::vector<SurgeryReceipt> surgeries; ///< all
    std::optional<CheckpointRecord> lastCheckpoint;
};

/// Reads what lies beyond `position`; of the metrics only those in `wanted`.
[[nodiscard]] Result<RunUpdate> readUpdate(RunReader& reader, const RunId& run, const ReadPosition& position,
                                           const std::vector<std::string>& wanted, ReadDepth depth);

/// `position` moved past the update.
[[nodiscard]] ReadPosition advanced(ReadPosition position, const RunUpdate& update);

/// Appends the points of one piece of a series to another.
void append(Series& series, const Series& more);

} // namespace knife
