// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/run_update.h"

#include <algorithm>

namespace knife {

namespace {

template <typename T>
void appendTo(std::vector<T>& values, const std::vector<T>& more) {
    values.insert(values.end(), more.begin(), more.end());
}

/// Moves a result's value into `target`, or its error into `error`; false for an error.
template <typename T>
bool take(Result<T> result, T& target, std::optional<Error>& error) {
    if (!result) {
        error = std::move(result).error();
        return false;
    }
    target = std::move(*result);
    return true;
}

/// A resume cuts off what follows its checkpoint and begins a segment; between the two, metrics are shorter than they
/// were.
bool wasCutBack(const RunUpdate& update, const ReadPosition& position) {
    if (position.segments == 0) {
        return false;
    }
    if (update.segments.size() != position.segments) {
        return true;
    }
    return std::any_of(position.points.begin(), position.points.end(), [&update](const auto& known) {
        const auto metric = std::find_if(update.metrics.begin(), update.metrics.end(),
                                         [&known](const MetricRecord& record) { return record.name == known.first; });
        return metric == update.metrics.end() || metric->points < known.second;
    });
}

bool readPoints(RunReader& reader, const RunId& run, const ReadPosition& position,
                const std::vector<std::string>& wanted, RunUpdate& update, std::optional<Error>& error) {
    for (const MetricRecord& metric : update.metrics) {
        const auto known = position.points.find(metric.name);
        const std::int64_t have = known == position.points.end() ? 0 : known->second;
        const bool isWanted = std::find(wanted.begin(), wanted.end(), metric.name) != wanted.end();
        if (isWanted && metric.points > have &&
            !take(reader.series(run, metric.name, have), update.newPoints[metric.name], error)) {
            return false;
        }
    }
    return true;
}

bool readNeurons(RunReader& reader, const RunId& run, const ReadPosition& position, RunUpdate& update,
                 std::optional<Error>& error) {
    std::vector<CheckpointRecord> checkpoints;
    if (!take(reader.frames(run, position.frame), update.newFrames, error) ||
        !take(reader.episodes(run, position.episode), update.newEpisodes, error) ||
        !take(reader.surgeries(run), update.surgeries, error) || !take(reader.checkpoints(run), checkpoints, error)) {
        return false;
    }
    const auto newest =
        std::max_element(checkpoints.begin(), checkpoints.end(),
                         [](const CheckpointRecord& a, const CheckpointRecord& b) { return a.id < b.id; });
    if (newest != checkpoints.end()) {
        update.lastCheckpoint = *newest;
    }
    return true;
}

} // namespace

Result<RunUpdate> readUpdate(RunReader& reader, const RunId& run, const ReadPosition& position,
                             const std::vector<std::string>& wanted, ReadDepth depth) {
    RunUpdate update;
    std::optional<Error> error;
    if (!take(reader.run(run), update.run, error) || !take(reader.segments(run), update.segments, error) ||
        !take(reader.metrics(run), update.metrics, error)) {
        return tl::unexpected<Error>(std::move(*error));
    }
    update.restarted = wasCutBack(update, position);
    const ReadPosition from = update.restarted ? ReadPosition{} : position;
    if (!readPoints(reader, run, from, wanted, update, error) ||
        !take(reader.events(run, from.event), update.newEvents, error) ||
        (depth == ReadDepth::Everything && !readNeurons(reader, run, from, update, error))) {
        return tl::unexpected<Error>(std::move(*error));
    }
    return update;
}

ReadPosition advanced(ReadPosition position, const RunUpdate& update) {
    if (update.restarted) {
        position = {};
    }
    position.segments = update.segments.size();
    for (const auto& [metric, points] : update.newPoints) {
        position.points[metric] += static_cast<std::int64_t>(points.size());
    }
    for (const EventRecord& event : update.newEvents) {
        position.event = std::max(position.event, event.id);
    }
    for (const FrameStamp& frame : update.newFrames) {
        position.frame = std::max(position.frame, frame.id);
    }
    for (const EpisodeStamp& episode : update.newEpisodes) {
        position.episode = std::max(position.episode, episode.id);
    }
    return position;
}

void append(Series& series, const Series& more) {
    appendTo(series.update, more.update);
    appendTo(series.envStep, more.envStep);
    appendTo(series.episode, more.episode);
    appendTo(series.wallS, more.wallS);
    appendTo(series.value, more.value);
}

} // namespace knife
