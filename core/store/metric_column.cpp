// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/store/metric_column.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/store/truncation.h"

namespace knife {
namespace {

/// Points that are rewritten with every flush at most; older points of an unfinished chunk are left alone.
constexpr std::size_t kRecentPoints = 256;

void append(Series& series, const PendingPoint& point) {
    series.update.push_back(point.clocks.update.value);
    series.envStep.push_back(point.clocks.envStep.value);
    series.episode.push_back(point.clocks.episode.value);
    series.wallS.push_back(point.clocks.wallS);
    series.value.push_back(point.value);
}

} // namespace

void MetricColumn::add(const PendingPoint& point) {
    append(m_tail, point);
    m_dirty = true;
    m_last = point.value;
    if (std::isfinite(point.value)) {
        m_range.minimum = std::fmin(m_range.minimum, point.value);
        m_range.maximum = std::fmax(m_range.maximum, point.value);
    }
}

Result<void> MetricColumn::attach(const Database& database, std::int64_t runKey) {
    if (m_id >= 0) {
        return {};
    }
    SQLite::Statement insert(database.connection(), "INSERT OR IGNORE INTO metric (run, name) VALUES (?, ?)");
    insert.bind(1, runKey);
    insert.bind(2, m_name);
    insert.exec();
    SQLite::Statement row(database.connection(),
                          "SELECT id, points, minimum, maximum FROM metric WHERE run = ? AND name = ?");
    row.bind(1, runKey);
    row.bind(2, m_name);
    row.executeStep();
    const std::int64_t id = row.getColumn(0).getInt64();
    const ValueRange stored{readDouble(row.getColumn(2)), readDouble(row.getColumn(3))};
    m_start = row.getColumn(1).getInt64();
    if (Result<void> loaded = loadTail(database, id); !loaded) {
        return loaded;
    }
    m_range.minimum = std::fmin(m_range.minimum, stored.minimum);
    m_range.maximum = std::fmax(m_range.maximum, stored.maximum);
    m_id = id;
    return {};
}

void MetricColumn::write(MetricStatements& statements) {
    const std::size_t size = m_tail.size();
    const bool regroup = m_foundRows || size >= kChunkPoints || size - m_settled > kRecentPoints;
    m_willSettle = m_settled;
    m_willFinish = 0;
    if (regroup) {
        statements.clear.reset();
        statements.clear.bind(1, m_id);
        statements.clear.bind(2, m_start);
        statements.clear.exec();
        for (std::size_t begin = 0; begin < size; begin += kChunkPoints) {
            writeChunk(statements.upsert, begin, std::min(kChunkPoints, size - begin));
        }
        m_willFinish = size / kChunkPoints * kChunkPoints;
        m_willSettle = size - m_willFinish;
    } else {
        writeChunk(statements.upsert, m_settled, size - m_settled);
    }
    writeTotals(statements.totals);
}

void MetricColumn::committed() {
    dropFront(m_tail, m_willFinish);
    m_start += static_cast<std::int64_t>(m_willFinish);
    m_settled = m_willSettle;
    m_foundRows = false;
    m_dirty = false;
}

void MetricColumn::rolledBack(bool wasAttached) {
    if (!wasAttached) {
        *this = withPointsOnly();
    }
}

MetricColumn MetricColumn::withPointsOnly() {
    // Only what was handed over in this process; attach() reads the rest again.
    MetricColumn fresh(m_name);
    dropFront(m_tail, m_loaded);
    fresh.m_tail = std::move(m_tail);
    fresh.m_range = finiteRange(fresh.m_tail.value);
    fresh.m_last = m_last;
    fresh.m_dirty = m_dirty;
    return fresh;
}

Result<void> MetricColumn::loadTail(const Database& database, std::int64_t id) {
    SQLite::Statement chunks(database.connection(),
                             "SELECT start, points, data FROM chunk WHERE metric = ?1 AND start >= "
                             "coalesce((SELECT max(start) + points FROM chunk WHERE metric = ?1 AND points = ?2), 0) "
                             "ORDER BY start");
    chunks.bind(1, id);
    chunks.bind(2, static_cast<std::int64_t>(kChunkPoints));
    Series tail;
    while (chunks.executeStep()) {
        const std::int64_t start = chunks.getColumn(0).getInt64();
        const auto points = static_cast<std::size_t>(chunks.getColumn(1).getInt64());
        if (Result<void> decoded = decodeChunk(readBlob(chunks.getColumn(2)), points, tail); !decoded) {
            return tl::unexpected(damagedChunk(database, id, start, decoded.error()));
        }
    }
    m_loaded = tail.size();
    m_start -= static_cast<std::int64_t>(m_loaded);
    m_foundRows = m_loaded > 0;
    const auto join = [](auto& into, auto& late) {
        into.insert(into.end(), late.begin(), late.end());
    };
    join(tail.update, m_tail.update);
    join(tail.envStep, m_tail.envStep);
    join(tail.episode, m_tail.episode);
    join(tail.wallS, m_tail.wallS);
    join(tail.value, m_tail.value);
    m_tail = std::move(tail);
    return {};
}

void MetricColumn::writeChunk(SQLite::Statement& upsert, std::size_t begin, std::size_t count) {
    upsert.reset();
    const ValueRange range = finiteRange({m_tail.value.data() + begin, count});
    const std::string data = encodeChunk(m_tail, begin, count);
    upsert.bind(1, m_id);
    upsert.bind(2, m_start + static_cast<std::int64_t>(begin));
    upsert.bind(3, static_cast<std::int64_t>(count));
    upsert.bind(4, range.minimum);
    upsert.bind(5, range.maximum);
    upsert.bind(6, m_tail.value[begin + count - 1]);
    upsert.bindNoCopy(7, data.data(), static_cast<int>(data.size()));
    upsert.exec();
}

void MetricColumn::writeTotals(SQLite::Statement& update) {
    update.reset();
    update.bind(1, m_start + static_cast<std::int64_t>(m_tail.size()));
    update.bind(2, m_range.minimum);
    update.bind(3, m_range.maximum);
    update.bind(4, m_last);
    update.bind(5, m_id);
    update.exec();
}

} // namespace knife
