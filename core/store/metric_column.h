// SPDX-License-Identifier: GPL-3.0-or-later
// The chunks of one metric, as a writer adds to them. Private to the store.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>

#include "core/store/chunks.h"
#include "core/store/database.h"
#include "core/store/records.h"
#include "core/store/write_batch.h"
#include "core/types/error.h"

namespace knife {

/// Prepared once per writer: they run for every metric with every flush.
struct MetricStatements {
    explicit MetricStatements(SQLite::Database& connection)
        : clear(connection, "DELETE FROM chunk WHERE metric = ? AND start > ?"),
          upsert(connection, "INSERT INTO chunk (metric, start, points, minimum, maximum, last, data) "
                             "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (metric, start) DO UPDATE SET "
                             "points = excluded.points, minimum = excluded.minimum, maximum = excluded.maximum, "
                             "last = excluded.last, data = excluded.data"),
          totals(connection, "UPDATE metric SET points = ?, minimum = ?, maximum = ?, last = ? WHERE id = ?") {}
    SQLite::Statement clear;
    SQLite::Statement upsert;
    SQLite::Statement totals;
};

/// One metric on its way to the disk. Its unfinished chunk lies in at most two rows: an older one, and a recent one of
/// at most 256 points that each flush rewrites. Rewriting the whole chunk twice a second would cost more than
/// training.
class MetricColumn {
  public:
    explicit MetricColumn(std::string name) : m_name(std::move(name)) {}

    [[nodiscard]] const std::string& name() const { return m_name; }
    [[nodiscard]] double last() const { return m_last; }
    [[nodiscard]] bool dirty() const { return m_dirty; }

    void add(const PendingPoint& point);

    /// Finds or makes the row of the metric, and what an earlier segment left of an unfinished chunk.
    [[nodiscard]] Result<void> attach(const Database& database, std::int64_t runKey);

    /// Within a transaction, once attached. What it changes here is settled by committed() or rolledBack().
    void write(MetricStatements& statements);

    /// The transaction that write() was part of has been committed.
    void committed();

    /// It has not: the row of a new metric is gone again with it.
    void rolledBack(bool wasAttached);

    [[nodiscard]] bool attached() const { return m_id >= 0; }

  private:
    [[nodiscard]] MetricColumn withPointsOnly();
    [[nodiscard]] Result<void> loadTail(const Database& database, std::int64_t id);
    void writeChunk(SQLite::Statement& upsert, std::size_t begin, std::size_t count);
    void writeTotals(SQLite::Statement& update);

    static constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

    std::string m_name;
    std::int64_t m_id = -1;
    Series m_tail;             ///< points of the unfinished chunk
    std::int64_t m_start = 0;  ///< number of the first of them
    std::size_t m_settled = 0; ///< how many of them lie in the older row
    std::size_t m_loaded = 0;  ///< how many of them came from the disk
    bool m_foundRows = false;  ///< and still lie there in rows of an earlier writer, which the next write replaces
    std::size_t m_willSettle = 0;
    std::size_t m_willFinish = 0;
    ValueRange m_range{kNone, kNone};
    double m_last = kNone;
    bool m_dirty = false;
};

} // namespace knife
