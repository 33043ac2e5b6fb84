// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/store/run_store.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "core/store/truncation.h"

namespace knife {
namespace {

/// Tells the columns when a transaction did not come to its end.
class Rollback {
  public:
    explicit Rollback(std::vector<std::pair<MetricColumn*, bool>>& touched) : m_touched(touched) {}
    Rollback(const Rollback&) = delete;
    Rollback& operator=(const Rollback&) = delete;
    ~Rollback() {
        for (auto& [metric, wasAttached] : m_touched) {
            metric->rolledBack(wasAttached);
        }
    }

  private:
    std::vector<std::pair<MetricColumn*, bool>>& m_touched;
};

} // namespace

Result<void> RunStore::write(const WriteBatch& batch) {
    return m_database.guarded([&]() -> Result<void> {
        if (!m_statements) {
            m_statements.emplace(m_database.connection());
        }
        std::vector<std::pair<MetricColumn*, bool>> touched;
        const Rollback rollback(touched);
        WriteTransaction transaction(m_database.connection());
        for (MetricColumn& metric : m_metrics) {
            if (metric.dirty()) {
                touched.emplace_back(&metric, metric.attached());
                if (Result<void> attached = metric.attach(m_database, m_key); !attached) {
                    return attached;
                }
                metric.write(*m_statements);
            }
        }
        writeEvents(batch.events);
        writeFrames(batch.frames);
        writeSurgeries(batch.surgeries);
        writeEpisodes(batch.episodes);
        writeProgress(batch.progress);
        transaction.commit();
        for (auto& [metric, attached] : touched) {
            metric->committed();
        }
        touched.clear();
        return {};
    });
}

void RunStore::addPoints(const std::vector<PendingPoint>& points, const std::vector<std::string>& names) {
    for (std::size_t i = m_metrics.size(); i < names.size(); ++i) {
        m_metrics.emplace_back(names[i]);
    }
    for (const PendingPoint& point : points) {
        m_metrics[static_cast<std::size_t>(point.metric)].add(point);
    }
}

Result<SegmentId> RunStore::beginSegment(const Clocks& clocks, const std::string& reason) {
    return m_database.guarded([&]() -> Result<SegmentId> {
        WriteTransaction transaction(m_database.connection());
        endSegment(clocks);
        SQLite::Statement insert(m_database.connection(),
                                 "INSERT INTO segment (run, reason, started_ms, update_step, env_step, episode, "
                                 "wall_s) VALUES (?, ?, ?, ?, ?, ?, ?)");
        insert.bind(1, m_key);
        insert.bind(2, reason);
        insert.bind(3, nowMs());
        bindClocks(insert, 4, clocks);
        insert.exec();
        const SegmentId segment{m_database.connection().getLastInsertRowid()};
        transaction.commit();
        m_segment = segment;
        return segment;
    });
}

Result<void> RunStore::checkpoint(const Clocks& clocks, std::span<const std::byte> content, int keepLast) {
    return m_database.guarded([&]() -> Result<void> {
        Result<PendingBlob> blob = m_blobs.write(content, m_run.value);
        if (!blob) {
            return tl::unexpected(std::move(blob).error());
        }
        // Durable: older blobs are removed next, and must not outlive this row the wrong way round.
        WriteTransaction transaction(m_database.connection(), WriteTransaction::Promise::Durable);
        const std::string hash = blob->hash();
        if (Result<void> placed = m_blobs.place(std::move(*blob)); !placed) {
            return placed;
        }
        writeEvents(
            {{clocks, "checkpoint", fmt::format("{} kB before compression", content.size() / 1000), std::string()}});
        markCheckpoint(m_database, m_key, insertCheckpoint(clocks, hash, static_cast<std::int64_t>(content.size())));
        const std::vector<std::string> dropped = dropOldCheckpoints(keepLast);
        transaction.commit();
        removeUnusedBlobs(dropped);
        return {};
    });
}

Result<void> RunStore::close(RunState state, const std::string& failure, const Clocks& clocks,
                             const std::string& finalJson) {
    return m_database.guarded([&]() -> Result<void> {
        WriteTransaction transaction(m_database.connection(), WriteTransaction::Promise::Durable);
        endSegment(clocks);
        SQLite::Statement update(m_database.connection(),
                                 "UPDATE run SET state = ?, failure = ?, final_json = ?, updated_ms = ?, pid = 0, "
                                 "update_step = ?, env_step = ?, episode = ?, wall_s = ? WHERE key = ?");
        update.bind(1, std::string(toString(state)));
        update.bind(2, failure);
        update.bind(3, finalJson);
        update.bind(4, nowMs());
        bindClocks(update, 5, clocks);
        update.bind(9, m_key);
        update.exec();
        transaction.commit();
        return {};
    });
}

Result<void> RunStore::goOnFrom(const std::optional<CheckpointRecord>& from, const std::optional<RunTerms>& terms) {
    m_blobs.removeTemporaries(m_run.value);
    return m_database.guarded([&]() -> Result<void> {
        WriteTransaction transaction(m_database.connection(), WriteTransaction::Promise::Durable);
        const std::vector<std::string> before = checkpointBlobs();
        const auto checkpoint = from ? std::optional(from->id) : std::nullopt;
        if (Result<void> cut = cutBehind(m_database, m_key, checkpoint); !cut) {
            return cut;
        }
        SQLite::Statement update(m_database.connection(),
                                 "UPDATE run SET state = ?, failure = '', final_json = '', pid = ?, host = ?, "
                                 "updated_ms = ?, update_step = ?, env_step = ?, episode = ?, wall_s = ?, "
                                 "last_test_return = (SELECT last FROM metric WHERE run = run.key AND name = ?) "
                                 "WHERE key = ?");
        update.bind(1, std::string(toString(RunState::Starting)));
        update.bind(2, static_cast<std::int64_t>(getpid()));
        update.bind(3, hostName());
        update.bind(4, nowMs());
        bindClocks(update, 5, from ? from->clocks : Clocks());
        update.bind(9, kTestReturn);
        update.bind(10, m_key);
        update.exec();
        if (terms) {
            SQLite::Statement replace(m_database.connection(),
                                      "UPDATE run SET total_env_steps = ?, config_toml = ? WHERE key = ?");
            replace.bind(1, terms->totalEnvSteps);
            replace.bind(2, terms->configToml);
            replace.bind(3, m_key);
            replace.exec();
        }
        transaction.commit();
        removeUnusedBlobs(before);
        return {};
    });
}

std::int64_t RunStore::insertCheckpoint(const Clocks& clocks, const std::string& hash, std::int64_t bytes) {
    SQLite::Statement insert(m_database.connection(),
                             "INSERT INTO checkpoint (run, segment, blob, bytes, created_ms, update_step, env_step, "
                             "episode, wall_s) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
    insert.bind(1, m_key);
    bindSegment(insert, 2);
    insert.bind(3, hash);
    insert.bind(4, bytes);
    insert.bind(5, nowMs());
    bindClocks(insert, 6, clocks);
    insert.exec();
    return m_database.connection().getLastInsertRowid();
}

std::vector<std::string> RunStore::dropOldCheckpoints(int keepLast) {
    SQLite::Statement drop(m_database.connection(),
                           "DELETE FROM checkpoint WHERE run = ?1 AND id NOT IN (SELECT id FROM checkpoint WHERE "
                           "run = ?1 ORDER BY id DESC LIMIT ?2) RETURNING blob");
    drop.bind(1, m_key);
    drop.bind(2, std::max(keepLast, 1));
    std::vector<std::string> blobs;
    while (drop.executeStep()) {
        blobs.push_back(drop.getColumn(0).getString());
    }
    return blobs;
}

std::vector<std::string> RunStore::checkpointBlobs() {
    SQLite::Statement rows(m_database.connection(), "SELECT blob FROM checkpoint WHERE run = ?");
    rows.bind(1, m_key);
    std::vector<std::string> blobs;
    while (rows.executeStep()) {
        blobs.push_back(rows.getColumn(0).getString());
    }
    return blobs;
}

void RunStore::removeUnusedBlobs(const std::vector<std::string>& candidates) {
    if (candidates.empty()) {
        return;
    }
    const WriteTransaction transaction(m_database.connection());
    SQLite::Statement users(m_database.connection(), "SELECT count(*) FROM checkpoint WHERE blob = ?");
    for (const std::string& hash : candidates) {
        users.reset();
        users.bind(1, hash);
        if (users.executeStep() && users.getColumn(0).getInt64() == 0) {
            m_blobs.remove(hash);
        }
    }
}

} // namespace knife
