// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/store/truncation.h"

#include <limits>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "core/store/chunks.h"

namespace knife {
namespace {

bool isAfter(const Series& series, std::size_t i, const Clocks& keep) {
    return series.update[i] > keep.update.value || series.envStep[i] > keep.envStep.value ||
           series.episode[i] > keep.episode.value || series.wallS[i] > keep.wallS;
}

/// Clocks never run backwards within a metric, so everything from the first late point on goes.
std::size_t pointsToKeep(const Series& series, const Clocks& keep) {
    std::size_t kept = series.size();
    while (kept > 0 && isAfter(series, kept - 1, keep)) {
        --kept;
    }
    return kept;
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

void remove(const Database& database, const char* sql, std::int64_t key) {
    SQLite::Statement statement(database.connection(), sql);
    statement.bind(1, key);
    statement.exec();
}

/// Whether points were removed.
Result<bool> cutMetric(const Database& database, std::int64_t metric, const Clocks& keep) {
    SQLite::Statement newest(database.connection(),
                             "SELECT id, start, points, data FROM chunk WHERE metric = ? ORDER BY start DESC LIMIT 1");
    newest.bind(1, metric);
    for (bool changed = false;; changed = true) {
        newest.reset();
        if (!newest.executeStep()) {
            return changed;
        }
        const std::int64_t id = newest.getColumn(0).getInt64();
        const auto points = static_cast<std::size_t>(newest.getColumn(2).getInt64());
        Series series;
        if (Result<void> decoded = decodeChunk(readBlob(newest.getColumn(3)), points, series); !decoded) {
            return tl::unexpected(damagedChunk(database, metric, newest.getColumn(1).getInt64(), decoded.error()));
        }
        newest.reset();
        const std::size_t kept = pointsToKeep(series, keep);
        if (kept == points) {
            return changed;
        }
        if (kept > 0) {
            rewriteChunk(database, id, series, kept);
            return true;
        }
        remove(database, "DELETE FROM chunk WHERE id = ?", id);
    }
}

void recountMetric(const Database& database, std::int64_t metric) {
    remove(
        database,
        "UPDATE metric SET (points, minimum, maximum) = (SELECT coalesce(sum(points), 0), min(minimum), max(maximum) "
        "FROM chunk WHERE metric = metric.id), "
        "last = (SELECT last FROM chunk WHERE metric = metric.id ORDER BY start DESC LIMIT 1) WHERE id = ?",
        metric);
}

Result<void> cutMetrics(const Database& database, std::int64_t runKey, const Clocks& keep) {
    std::vector<std::int64_t> metrics;
    SQLite::Statement rows(database.connection(), "SELECT id FROM metric WHERE run = ?");
    rows.bind(1, runKey);
    while (rows.executeStep()) {
        metrics.push_back(rows.getColumn(0).getInt64());
    }
    for (const std::int64_t metric : metrics) {
        const Result<bool> changed = cutMetric(database, metric, keep);
        if (!changed) {
            return tl::unexpected(changed.error());
        }
        if (*changed) {
            recountMetric(database, metric);
        }
    }
    remove(database, "DELETE FROM metric WHERE run = ? AND points = 0", runKey);
    return {};
}

void cutRows(const Database& database, const char* table, std::int64_t runKey, const Clocks& keep) {
    SQLite::Statement statement(
        database.connection(),
        fmt::format(
            "DELETE FROM {} WHERE run = ?1 AND (update_step > ?2 OR env_step > ?3 OR episode > ?4 OR wall_s > ?5)",
            table));
    statement.bind(1, runKey);
    bindClocks(statement, 2, keep);
    statement.exec();
}

void endSegments(const Database& database, std::int64_t runKey, const Clocks& keep) {
    SQLite::Statement statement(database.connection(),
                                "UPDATE segment SET end_update_step = ?2, end_env_step = ?3, end_episode = ?4, "
                                "end_wall_s = ?5 WHERE run = ?1 AND (end_env_step IS NULL OR end_update_step > ?2 OR "
                                "end_env_step > ?3 OR end_episode > ?4 OR end_wall_s > ?5)");
    statement.bind(1, runKey);
    bindClocks(statement, 2, keep);
    statement.exec();
}

} // namespace

Result<void> cutOff(const Database& database, std::int64_t runKey, const Clocks& keep) {
    if (Result<void> cut = cutMetrics(database, runKey, keep); !cut) {
        return cut;
    }
    // Segments last: events and checkpoints refer to them.
    for (const char* table : {"event", "frame", "surgery", "checkpoint", "segment"}) {
        cutRows(database, table, runKey, keep);
    }
    endSegments(database, runKey, keep);
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
