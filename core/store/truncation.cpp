// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/store/truncation.h"

#include <array>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "core/store/chunks.h"
#include "core/types/clocks.h"

namespace knife {
namespace {

/// What a run had stored at a moment: the newest id of each kind (0: none) and the number of points of each metric.
struct StoredMark {
    std::int64_t event = 0;
    std::int64_t frame = 0;
    std::int64_t surgery = 0;
    std::int64_t recording = 0;
    std::int64_t checkpoint = 0;
    std::int64_t segment = 0;
    Clocks clocks;
    std::map<std::int64_t, std::int64_t> points;
};

void execute(const Database& database, const std::string& sql, std::int64_t first, std::int64_t second = 0) {
    SQLite::Statement statement(database.connection(), sql);
    statement.bind(1, first);
    if (statement.getBindParameterCount() > 1) {
        statement.bind(2, second);
    }
    statement.exec();
}

std::vector<std::int64_t> metricsOf(const Database& database, std::int64_t runKey) {
    std::vector<std::int64_t> metrics;
    SQLite::Statement rows(database.connection(), "SELECT id FROM metric WHERE run = ?");
    rows.bind(1, runKey);
    while (rows.executeStep()) {
        metrics.push_back(rows.getColumn(0).getInt64());
    }
    return metrics;
}

Result<Series> decoded(const Database& database, std::int64_t metric, SQLite::Statement& chunk) {
    const auto points = static_cast<std::size_t>(chunk.getColumn(2).getInt64());
    Series series;
    if (Result<void> done = decodeChunk(readBlob(chunk.getColumn(3)), points, series); !done) {
        return tl::unexpected(damagedChunk(database, metric, chunk.getColumn(1).getInt64(), done.error()));
    }
    return series;
}

constexpr const char* kChunksFromTheEnd =
    "SELECT id, start, points, data FROM chunk WHERE metric = ? ORDER BY start DESC";

// Checkpoints of schema version 1 remember nothing. Their clocks say it as well, but for what was stored after them at
// the very same clocks.

bool isAfter(const Series& series, std::size_t i, const Clocks& moment) {
    return series.update[i] > moment.update.value || series.envStep[i] > moment.envStep.value ||
           series.episode[i] > moment.episode.value || series.wallS[i] > moment.wallS;
}

/// Clocks never run backwards within a metric.
Result<std::int64_t> pointsUntil(const Database& database, std::int64_t metric, const Clocks& moment) {
    SQLite::Statement chunks(database.connection(), kChunksFromTheEnd);
    chunks.bind(1, metric);
    while (chunks.executeStep()) {
        const Result<Series> series = decoded(database, metric, chunks);
        if (!series) {
            return tl::unexpected(series.error());
        }
        std::size_t kept = series->size();
        while (kept > 0 && isAfter(*series, kept - 1, moment)) {
            --kept;
        }
        if (kept > 0) {
            return chunks.getColumn(1).getInt64() + static_cast<std::int64_t>(kept);
        }
    }
    return 0;
}

std::int64_t newestIdUntil(const Database& database, const char* table, std::int64_t runKey, const Clocks& moment) {
    SQLite::Statement row(database.connection(),
                          fmt::format("SELECT max(id) FROM {} WHERE run = ?1 AND update_step <= ?2 AND env_step <= ?3 "
                                      "AND episode <= ?4 AND coalesce(wall_s, 0) <= ?5",
                                      table));
    row.bind(1, runKey);
    bindClocks(row, 2, moment);
    row.executeStep();
    return row.getColumn(0).getInt64(); // 0 for NULL
}

Result<void> completeByClocks(const Database& database, std::int64_t runKey, StoredMark& mark) {
    mark.event = newestIdUntil(database, "event", runKey, mark.clocks);
    mark.frame = newestIdUntil(database, "frame", runKey, mark.clocks);
    mark.surgery = newestIdUntil(database, "surgery", runKey, mark.clocks);
    for (const std::int64_t metric : metricsOf(database, runKey)) {
        const Result<std::int64_t> points = pointsUntil(database, metric, mark.clocks);
        if (!points) {
            return tl::unexpected(points.error());
        }
        mark.points[metric] = *points;
    }
    return {};
}

Result<StoredMark> markOf(const Database& database, std::int64_t runKey, std::int64_t checkpoint) {
    SQLite::Statement row(database.connection(),
                          "SELECT update_step, env_step, episode, wall_s, segment, last_event, last_frame, "
                          "last_surgery, last_recording FROM checkpoint WHERE run = ? AND id = ?");
    row.bind(1, runKey);
    row.bind(2, checkpoint);
    if (!row.executeStep()) {
        return fail(ErrorCode::NotFound,
                    fmt::format("{}: the run has no checkpoint {}", database.file().string(), checkpoint));
    }
    StoredMark mark{.event = row.getColumn(5).getInt64(),
                    .frame = row.getColumn(6).getInt64(),
                    .surgery = row.getColumn(7).getInt64(),
                    .recording = row.getColumn(8).getInt64(), // 0 for NULL
                    .checkpoint = checkpoint,
                    .segment = row.getColumn(4).getInt64(),
                    .clocks = readClocks(row, 0),
                    .points = {}};
    if (row.getColumn(5).isNull()) {
        const Result<void> completed = completeByClocks(database, runKey, mark);
        return completed ? Result<StoredMark>(std::move(mark)) : tl::unexpected(completed.error());
    }
    SQLite::Statement metrics(database.connection(),
                              "SELECT metric, points FROM checkpoint_metric WHERE checkpoint = ?");
    metrics.bind(1, checkpoint);
    while (metrics.executeStep()) {
        mark.points[metrics.getColumn(0).getInt64()] = metrics.getColumn(1).getInt64();
    }
    return mark;
}

void rewriteChunk(const Database& database, std::int64_t id, const Series& series, std::size_t count) {
    SQLite::Statement update(
        database.connection(),
        "UPDATE chunk SET points = ?2, minimum = ?3, maximum = ?4, last = ?5, data = ?6 WHERE id = ?1");
    const ValueRange range = finiteRange({series.value.data(), count});
    const std::string data = encodeChunk(series, 0, count);
    update.bind(1, id);
    update.bind(2, static_cast<std::int64_t>(count));
    update.bind(3, range.minimum);
    update.bind(4, range.maximum);
    update.bind(5, series.value[count - 1]);
    update.bindNoCopy(6, data.data(), static_cast<int>(data.size()));
    update.exec();
}

Result<void> cutMetric(const Database& database, std::int64_t metric, std::int64_t keep) {
    execute(database, "DELETE FROM chunk WHERE metric = ? AND start >= ?", metric, keep);
    SQLite::Statement newest(database.connection(), kChunksFromTheEnd);
    newest.bind(1, metric);
    if (newest.executeStep()) {
        const std::int64_t keepOfChunk = keep - newest.getColumn(1).getInt64();
        if (keepOfChunk < newest.getColumn(2).getInt64()) {
            const std::int64_t id = newest.getColumn(0).getInt64();
            const Result<Series> series = decoded(database, metric, newest);
            if (!series) {
                return tl::unexpected(series.error());
            }
            newest.reset();
            rewriteChunk(database, id, *series, static_cast<std::size_t>(keepOfChunk));
        }
    }
    execute(database,
            "UPDATE metric SET (points, minimum, maximum) = (SELECT coalesce(sum(points), 0), min(minimum), "
            "max(maximum) FROM chunk WHERE metric = metric.id), "
            "last = (SELECT last FROM chunk WHERE metric = metric.id ORDER BY start DESC LIMIT 1) WHERE id = ?",
            metric);
    return {};
}

Result<void> cutMetrics(const Database& database, std::int64_t runKey, const StoredMark& mark) {
    for (const std::int64_t metric : metricsOf(database, runKey)) {
        const auto kept = mark.points.find(metric);
        if (Result<void> cut = cutMetric(database, metric, kept == mark.points.end() ? 0 : kept->second); !cut) {
            return cut;
        }
    }
    execute(database, "DELETE FROM metric WHERE run = ? AND points = 0", runKey);
    return {};
}

void endSegment(const Database& database, const StoredMark& mark) {
    SQLite::Statement statement(database.connection(),
                                "UPDATE segment SET end_update_step = ?2, end_env_step = ?3, end_episode = ?4, "
                                "end_wall_s = ?5 WHERE id = ?1");
    statement.bind(1, mark.segment);
    bindClocks(statement, 2, mark.clocks);
    statement.exec();
}

} // namespace

void markCheckpoint(const Database& database, std::int64_t runKey, std::int64_t checkpoint) {
    // The newest id in the whole workspace serves as well as the run's own and is found at once: whatever the run
    // stores later gets a larger one.
    execute(database,
            "UPDATE checkpoint SET last_event = (SELECT coalesce(max(id), 0) FROM event), "
            "last_frame = (SELECT coalesce(max(id), 0) FROM frame), "
            "last_surgery = (SELECT coalesce(max(id), 0) FROM surgery), "
            "last_recording = (SELECT coalesce(max(id), 0) FROM recording) WHERE id = ?",
            checkpoint);
    execute(database,
            "INSERT INTO checkpoint_metric (checkpoint, metric, points) SELECT ?2, id, points FROM metric "
            "WHERE run = ?1",
            runKey, checkpoint);
}

Result<void> cutBehind(const Database& database, std::int64_t runKey, std::optional<std::int64_t> checkpoint) {
    const Result<StoredMark> mark = checkpoint ? markOf(database, runKey, *checkpoint) : StoredMark();
    if (!mark) {
        return tl::unexpected(mark.error());
    }
    if (Result<void> cut = cutMetrics(database, runKey, *mark); !cut) {
        return cut;
    }
    // Segments last: events and checkpoints refer to them.
    const std::array<std::pair<const char*, std::int64_t>, 6> newestIds{{{"event", mark->event},
                                                                         {"frame", mark->frame},
                                                                         {"surgery", mark->surgery},
                                                                         {"recording", mark->recording},
                                                                         {"checkpoint", mark->checkpoint},
                                                                         {"segment", mark->segment}}};
    for (const auto& [table, newest] : newestIds) {
        execute(database, fmt::format("DELETE FROM {} WHERE run = ? AND id > ?", table), runKey, newest);
    }
    endSegment(database, *mark);
    return {};
}

Error damagedChunk(const Database& database, std::int64_t metric, std::int64_t start, const Error& cause) {
    SQLite::Statement names(
        database.connection(),
        "SELECT run.id, metric.name FROM metric JOIN run ON run.key = metric.run WHERE metric.id = ?");
    names.bind(1, metric);
    const bool known = names.executeStep();
    return {ErrorCode::Corrupt,
            fmt::format("{}: metric {} of run {} is damaged in the chunk that starts at point {}: {}",
                        database.file().string(), known ? names.getColumn(1).getString() : "?",
                        known ? names.getColumn(0).getString() : "?", start, cause.message),
            {}};
}

} // namespace knife
