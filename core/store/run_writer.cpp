// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/store/run_writer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <functional>
#include <future>
#include <limits>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

#include "core/protocol/file_lock.h"
#include "core/protocol/wire.h"
#include "core/store/blobs.h"
#include "core/store/chunks.h"
#include "core/store/compression.h"
#include "core/store/database.h"
#include "core/store/layout.h"
#include "core/store/truncation.h"
#include "core/store/workspace.h"

namespace knife {
namespace {

/// Half of what is promised, so that a batch that waits for another writer still arrives in time.
constexpr auto kFlushInterval = std::chrono::milliseconds(500);
/// Points that are rewritten with every flush at most; older points of an unfinished chunk are left alone.
constexpr std::size_t kRecentPoints = 256;
/// What may wait for a disk that does not answer, before the writer gives up.
constexpr std::size_t kMaxWaitingBytes = std::size_t{256} << 20U;
constexpr const char* kTestReturn = "test/return";

struct PendingPoint {
    int metric;
    Clocks clocks;
    double value;
};

struct PendingEvent {
    Clocks clocks;
    std::string kind;
    std::string text;
    std::string payload;
};

struct Progress {
    Clocks clocks;
    RunState state;
    std::string task;
    double envStepsPerS;
};

/// What was handed over and is not written yet.
struct Batch {
    std::vector<PendingPoint> points;
    std::vector<PendingEvent> events;
    std::vector<NeuronFrame> frames;
    std::vector<SurgeryReceipt> surgeries;
    std::optional<Progress> progress;

    [[nodiscard]] bool empty() const {
        return points.empty() && events.empty() && frames.empty() && surgeries.empty() && !progress;
    }
    /// Puts a later batch behind this one.
    void append(Batch later) {
        const auto move = [](auto& into, auto& from) {
            into.insert(into.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
        };
        move(points, later.points);
        move(events, later.events);
        move(frames, later.frames);
        move(surgeries, later.surgeries);
        if (later.progress) {
            progress = std::move(later.progress);
        }
    }
};

std::size_t bytesOf(const NeuronFrame& frame) {
    std::size_t bytes = sizeof frame;
    for (const SiteSnapshot& site : frame.sites) {
        bytes += sizeof site + site.composites.size() * sizeof(CompositeInfo);
        for (const UnitDiagnostic& diagnostic : site.diagnostics) {
            bytes += sizeof diagnostic + diagnostic.values.size() * sizeof(float);
        }
    }
    return bytes;
}

void append(Series& series, const PendingPoint& point) {
    series.update.push_back(point.clocks.update.value);
    series.envStep.push_back(point.clocks.envStep.value);
    series.episode.push_back(point.clocks.episode.value);
    series.wallS.push_back(point.clocks.wallS);
    series.value.push_back(point.value);
}

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
/// at most kRecentPoints that each flush rewrites. Rewriting the whole chunk twice a second would cost more than
/// training.
class MetricColumn {
  public:
    explicit MetricColumn(std::string name) : m_name(std::move(name)) {}

    [[nodiscard]] const std::string& name() const { return m_name; }
    [[nodiscard]] double last() const { return m_last; }
    [[nodiscard]] bool dirty() const { return m_dirty; }

    void add(const PendingPoint& point) {
        append(m_tail, point);
        m_dirty = true;
        m_last = point.value;
        if (std::isfinite(point.value)) {
            m_range.minimum = std::fmin(m_range.minimum, point.value);
            m_range.maximum = std::fmax(m_range.maximum, point.value);
        }
    }

    /// Finds or makes the row of the metric, and what an earlier segment left of an unfinished chunk.
    Result<void> attach(const Database& database, std::int64_t runKey) {
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

    void write(MetricStatements& statements) {
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

    /// The transaction that write() was part of has been committed.
    void committed() {
        dropFront(m_tail, m_willFinish);
        m_start += static_cast<std::int64_t>(m_willFinish);
        m_settled = m_willSettle;
        m_foundRows = false;
        m_dirty = false;
    }

    /// It has not: the row of a new metric is gone again with it.
    void rolledBack(bool wasAttached) {
        if (!wasAttached) {
            *this = withPointsOnly();
        }
    }

    [[nodiscard]] bool attached() const { return m_id >= 0; }

  private:
    [[nodiscard]] MetricColumn withPointsOnly() {
        // Only what was handed over in this process; attach() reads the rest again.
        MetricColumn fresh(m_name);
        dropFront(m_tail, m_loaded);
        fresh.m_tail = std::move(m_tail);
        fresh.m_range = finiteRange(fresh.m_tail.value);
        fresh.m_last = m_last;
        fresh.m_dirty = m_dirty;
        return fresh;
    }

    Result<void> loadTail(const Database& database, std::int64_t id) {
        SQLite::Statement chunks(
            database.connection(),
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

    void writeChunk(SQLite::Statement& upsert, std::size_t begin, std::size_t count) {
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

    void writeTotals(SQLite::Statement& update) {
        update.reset();
        update.bind(1, m_start + static_cast<std::int64_t>(m_tail.size()));
        update.bind(2, m_range.minimum);
        update.bind(3, m_range.maximum);
        update.bind(4, m_last);
        update.bind(5, m_id);
        update.exec();
    }

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

/// The rows of one run, on the writing thread. Remembers only what has been committed.
class RunStore {
  public:
    RunStore(Database database, std::filesystem::path workspace, RunId run, std::int64_t key)
        : m_database(std::move(database)), m_blobs(blobFolder(workspace)), m_run(std::move(run)), m_key(key) {}

    [[nodiscard]] Result<void> checkInPlace() const { return m_database.checkInPlace(); }

    /// Writes the batch in one transaction. On failure nothing of it is stored, and it may be tried again.
    Result<void> write(const Batch& batch) {
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
            writeProgress(batch.progress);
            transaction.commit();
            for (auto& [metric, attached] : touched) {
                metric->committed();
            }
            touched.clear();
            return {};
        });
    }

    /// Takes points into the columns; once, however often write() is tried.
    void addPoints(const std::vector<PendingPoint>& points, const std::vector<std::string>& names) {
        for (std::size_t i = m_metrics.size(); i < names.size(); ++i) {
            m_metrics.emplace_back(names[i]);
        }
        for (const PendingPoint& point : points) {
            m_metrics[static_cast<std::size_t>(point.metric)].add(point);
        }
    }

    Result<SegmentId> beginSegment(const Clocks& clocks, const std::string& reason) {
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

    Result<void> checkpoint(const Clocks& clocks, std::span<const std::byte> content, int keepLast) {
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
            writeEvents({{clocks, "checkpoint", fmt::format("{} kB before compression", content.size() / 1000),
                          std::string()}});
            markCheckpoint(m_database, m_key,
                           insertCheckpoint(clocks, hash, static_cast<std::int64_t>(content.size())));
            const std::vector<std::string> dropped = dropOldCheckpoints(keepLast);
            transaction.commit();
            removeUnusedBlobs(dropped);
            return {};
        });
    }

    Result<void> close(RunState state, const std::string& failure, const Clocks& clocks, const std::string& finalJson) {
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

    /// Cuts the run off and marks it as ours.
    Result<void> goOnFrom(const std::optional<CheckpointRecord>& from, std::optional<std::int64_t> totalEnvSteps) {
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
            if (totalEnvSteps) {
                SQLite::Statement budget(m_database.connection(), "UPDATE run SET total_env_steps = ? WHERE key = ?");
                budget.bind(1, *totalEnvSteps);
                budget.bind(2, m_key);
                budget.exec();
            }
            transaction.commit();
            removeUnusedBlobs(before);
            return {};
        });
    }

  private:
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

    void writeEvents(const std::vector<PendingEvent>& events) {
        if (events.empty()) {
            return;
        }
        SQLite::Statement insert(
            m_database.connection(),
            "INSERT INTO event (run, segment, kind, text, payload, update_step, env_step, episode, "
            "wall_s) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
        for (const PendingEvent& event : events) {
            insert.reset();
            insert.bind(1, m_key);
            bindSegment(insert, 2);
            insert.bind(3, event.kind);
            insert.bind(4, event.text);
            insert.bind(5, event.payload);
            bindClocks(insert, 6, event.clocks);
            insert.exec();
        }
    }

    void writeFrames(const std::vector<NeuronFrame>& frames) {
        if (frames.empty()) {
            return;
        }
        SQLite::Statement insert(m_database.connection(), "INSERT INTO frame (run, bytes, data, update_step, env_step, "
                                                          "episode, wall_s) VALUES (?, ?, ?, ?, ?, ?, ?)");
        for (const NeuronFrame& frame : frames) {
            const std::string content = serialise(frame);
            const std::string data = compress(std::as_bytes(std::span(content)));
            insert.reset();
            insert.bind(1, m_key);
            insert.bind(2, static_cast<std::int64_t>(content.size()));
            insert.bindNoCopy(3, data.data(), static_cast<int>(data.size()));
            bindClocks(insert, 4, frame.clocks);
            insert.exec();
        }
    }

    void writeSurgeries(const std::vector<SurgeryReceipt>& surgeries) {
        for (const SurgeryReceipt& receipt : surgeries) {
            SQLite::Statement insert(
                m_database.connection(),
                "INSERT INTO surgery (run, data, update_step, env_step, episode, wall_s) VALUES (?, ?, ?, ?, ?, ?)");
            const std::string data = serialise(receipt);
            insert.bind(1, m_key);
            insert.bindNoCopy(2, data.data(), static_cast<int>(data.size()));
            bindClocks(insert, 3, receipt.clocks);
            insert.exec();
        }
    }

    void writeProgress(const std::optional<Progress>& progress) {
        double testReturn = std::numeric_limits<double>::quiet_NaN();
        for (const MetricColumn& metric : m_metrics) {
            testReturn = metric.name() == kTestReturn ? metric.last() : testReturn;
        }
        SQLite::Statement touch(m_database.connection(),
                                "UPDATE run SET updated_ms = ?, last_test_return = coalesce(?, last_test_return) "
                                "WHERE key = ?");
        touch.bind(1, nowMs());
        touch.bind(2, testReturn);
        touch.bind(3, m_key);
        touch.exec();
        if (!progress) {
            return;
        }
        SQLite::Statement update(
            m_database.connection(),
            "UPDATE run SET state = ?, task = ?, env_steps_per_s = ?, update_step = ?, env_step = ?, "
            "episode = ?, wall_s = ? WHERE key = ?");
        update.bind(1, std::string(toString(progress->state)));
        update.bind(2, progress->task);
        update.bind(3, progress->envStepsPerS);
        bindClocks(update, 4, progress->clocks);
        update.bind(8, m_key);
        update.exec();
    }

    void endSegment(const Clocks& clocks) {
        SQLite::Statement update(m_database.connection(),
                                 "UPDATE segment SET end_update_step = ?2, end_env_step = ?3, end_episode = ?4, "
                                 "end_wall_s = ?5 WHERE run = ?1 AND end_env_step IS NULL");
        update.bind(1, m_key);
        bindClocks(update, 2, clocks);
        update.exec();
    }

    void bindSegment(SQLite::Statement& statement, int index) const {
        if (m_segment) {
            statement.bind(index, m_segment->value);
        } else {
            statement.bind(index);
        }
    }

    std::int64_t insertCheckpoint(const Clocks& clocks, const std::string& hash, std::int64_t bytes) {
        SQLite::Statement insert(
            m_database.connection(),
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

    std::vector<std::string> dropOldCheckpoints(int keepLast) {
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

    std::vector<std::string> checkpointBlobs() {
        SQLite::Statement rows(m_database.connection(), "SELECT blob FROM checkpoint WHERE run = ?");
        rows.bind(1, m_key);
        std::vector<std::string> blobs;
        while (rows.executeStep()) {
            blobs.push_back(rows.getColumn(0).getString());
        }
        return blobs;
    }

    /// Only after the rows are gone for good; forks share blobs, so each one is asked for again under the write lock.
    void removeUnusedBlobs(const std::vector<std::string>& candidates) {
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

    Database m_database;
    BlobStore m_blobs;
    RunId m_run;
    std::int64_t m_key;
    std::optional<MetricStatements> m_statements;
    std::vector<MetricColumn> m_metrics;
    std::optional<SegmentId> m_segment;
};

class ThreadedWriter final : public RunWriter {
  public:
    ThreadedWriter(FileLock lock, RunId run, std::unique_ptr<RunStore> store)
        : m_lock(std::move(lock)),
          m_run(std::move(run)),
          m_store(std::move(store)),
          m_thread([this](const std::stop_token& stop) { writeUntil(stop); }) {}

    ~ThreadedWriter() override {
        m_thread.request_stop();
        m_thread.join();
    }

    [[nodiscard]] const RunId& id() const override { return m_run; }

    [[nodiscard]] Result<void> goOnFrom(const std::optional<CheckpointRecord>& from,
                                        std::optional<std::int64_t> totalEnvSteps) override {
        return runTask([&] { return m_store->goOnFrom(from, totalEnvSteps); });
    }

    [[nodiscard]] Result<SegmentId> beginSegment(const Clocks& clocks, std::string_view reason) override {
        SegmentId segment;
        const Result<void> begun = runTask([&]() -> Result<void> {
            const Result<SegmentId> id = m_store->beginSegment(clocks, std::string(reason));
            segment = id.value_or(SegmentId{});
            return id ? Result<void>() : tl::unexpected(id.error());
        });
        return begun ? Result<SegmentId>(segment) : tl::unexpected(begun.error());
    }

    [[nodiscard]] MetricHandle metric(std::string_view name) override {
        const std::lock_guard lock(m_mutex);
        const auto [entry, isNew] = m_handles.try_emplace(std::string(name), static_cast<int>(m_names.size()));
        if (isNew) {
            m_names.emplace_back(name);
        }
        return {entry->second};
    }

    void point(MetricHandle metric, const Clocks& clocks, double value) override {
        hand(sizeof(PendingPoint), [&] { m_batch.points.push_back({metric.value, clocks, value}); });
    }

    void event(const Clocks& clocks, std::string_view kind, std::string_view text,
               std::string_view payloadJson) override {
        hand(sizeof(PendingEvent) + text.size() + payloadJson.size(), [&] {
            m_batch.events.push_back({clocks, std::string(kind), std::string(text), std::string(payloadJson)});
        });
    }

    void frame(const NeuronFrame& frame) override {
        hand(bytesOf(frame), [&] { m_batch.frames.push_back(frame); });
    }

    void surgery(const SurgeryReceipt& receipt) override {
        hand(sizeof receipt, [&] { m_batch.surgeries.push_back(receipt); });
    }

    void progress(const Clocks& clocks, RunState state, std::string_view task, double envStepsPerS) override {
        hand(0, [&] { m_batch.progress = Progress{clocks, state, std::string(task), envStepsPerS}; });
    }

    [[nodiscard]] Result<void> flush() override {
        return runTask([] { return Result<void>(); });
    }

    [[nodiscard]] Result<void> checkpoint(const Clocks& clocks, std::span<const std::byte> content,
                                          int keepLast) override {
        return runTask([&] { return m_store->checkpoint(clocks, content, keepLast); });
    }

    [[nodiscard]] Result<void> close(RunState state, std::string_view failure, const Clocks& clocks,
                                     std::string_view finalJson) override {
        const Result<void> closed =
            runTask([&] { return m_store->close(state, std::string(failure), clocks, std::string(finalJson)); });
        if (closed) {
            const std::lock_guard lock(m_mutex);
            m_closed = true;
        }
        return closed;
    }

    [[nodiscard]] std::optional<Error> failure() const override {
        const std::lock_guard lock(m_mutex);
        return m_failure;
    }

  private:
    struct Task {
        std::function<Result<void>()> work;
        std::promise<Result<void>> outcome;
    };

    template <typename Add>
    void hand(std::size_t bytes, Add add) {
        const std::lock_guard lock(m_mutex);
        if (m_failure || m_closed) {
            return;
        }
        if (m_waitingBytes + bytes > kMaxWaitingBytes) {
            m_failure = Error{ErrorCode::Io,
                              fmt::format("the disk does not keep up: {} MB wait to be written", m_waitingBytes >> 20U),
                              {}};
            m_batch = Batch();
            return;
        }
        m_waitingBytes += bytes;
        add();
    }

    /// Everything handed over so far is written first.
    Result<void> runTask(std::function<Result<void>()> work) {
        std::future<Result<void>> outcome;
        {
            const std::lock_guard lock(m_mutex);
            if (m_closed) {
                return fail(ErrorCode::IllegalTransition, fmt::format("run {} has been closed", m_run.value));
            }
            Task& task = m_tasks.emplace_back(Task{std::move(work), {}});
            outcome = task.outcome.get_future();
        }
        m_wake.notify_one();
        return outcome.get();
    }

    void writeUntil(const std::stop_token& stop) {
        Batch unwritten;
        bool behind = false; // the last attempt did not succeed
        while (true) {
            std::size_t bytes = 0;
            std::vector<Task> tasks;
            std::vector<std::string> names;
            std::vector<PendingPoint> points;
            {
                std::unique_lock lock(m_mutex);
                m_wake.wait_for(lock, stop, kFlushInterval, [this] { return !m_tasks.empty(); });
                tasks.swap(m_tasks);
                points.swap(m_batch.points);
                names = m_names;
                unwritten.append(std::exchange(m_batch, Batch()));
                bytes = m_waitingBytes;
            }
            Result<void> written;
            if (!failure()) {
                m_store->addPoints(points, names);
                written = m_store->checkInPlace();
                const bool idle = points.empty() && unwritten.empty() && !behind;
                if (written && !idle) {
                    written = m_store->write(unwritten);
                }
            }
            behind = !written;
            settle(written, bytes, unwritten);
            for (Task& task : tasks) {
                task.outcome.set_value(written ? task.work() : written);
            }
            if (stop.stop_requested()) {
                return;
            }
        }
    }

    /// After an attempt to write what was taken over. Another writer that keeps the database busy is no failure yet.
    void settle(Result<void>& written, std::size_t bytes, Batch& unwritten) {
        const std::lock_guard lock(m_mutex);
        if (m_failure) {
            written = tl::unexpected(*m_failure);
        }
        if (written) {
            m_waitingBytes -= bytes;
        } else if (written.error().code != ErrorCode::Locked) {
            written = tl::unexpected(std::move(written).error().within(fmt::format("storing run {}", m_run.value)));
            m_failure = m_failure ? m_failure : written.error();
            m_batch = Batch();
        }
        if (written || m_failure) {
            unwritten = Batch();
        }
    }

    FileLock m_lock; // outlives the thread
    const RunId m_run;
    std::unique_ptr<RunStore> m_store;

    mutable std::mutex m_mutex;
    std::condition_variable_any m_wake;
    Batch m_batch;
    std::vector<Task> m_tasks;
    std::map<std::string, int, std::less<>> m_handles;
    std::vector<std::string> m_names;
    std::size_t m_waitingBytes = 0;
    std::optional<Error> m_failure;
    bool m_closed = false;

    std::jthread m_thread;
};

/// An id becomes part of file names, so it may not be just any text.
bool isRunId(std::string_view text) {
    constexpr std::size_t kLength = 12;
    const auto allowed = [](char letter) {
        return (letter >= '0' && letter <= '9') || (letter >= 'a' && letter <= 'z');
    };
    return text.size() == kLength && std::all_of(text.begin(), text.end(), allowed);
}

Result<std::int64_t> insertRun(const Database& database, const RunId& id, const NewRun& run) {
    return database.guarded([&]() -> Result<std::int64_t> {
        WriteTransaction transaction(database.connection());
        SQLite::Statement insert(
            database.connection(),
            "INSERT INTO run (id, experiment, seed, state, total_env_steps, created_ms, updated_ms, "
            "pid, host, build, parent, fork_step, config_toml) "
            "VALUES (?, ?, ?, ?, ?, ?6, ?6, ?7, ?8, ?9, ?10, ?11, ?12)");
        insert.bind(1, id.value);
        insert.bind(2, run.experiment);
        insert.bind(3, static_cast<std::int64_t>(run.seed)); // the same 64 bits
        insert.bind(4, std::string(toString(RunState::Starting)));
        insert.bind(5, run.totalEnvSteps);
        insert.bind(6, nowMs());
        insert.bind(7, static_cast<std::int64_t>(getpid()));
        insert.bind(8, hostName());
        insert.bind(9, run.build);
        if (run.parent) {
            insert.bind(10, run.parent->value);
        }
        insert.bind(11, run.forkStep.value);
        insert.bind(12, run.configToml);
        insert.exec();
        const std::int64_t key = database.connection().getLastInsertRowid();
        transaction.commit();
        return key;
    });
}

Result<std::int64_t> findRun(const Database& database, const RunId& id) {
    return database.guarded([&]() -> Result<std::int64_t> {
        SQLite::Statement row(database.connection(), "SELECT key FROM run WHERE id = ?");
        row.bind(1, id.value);
        if (!row.executeStep()) {
            return fail(ErrorCode::NotFound,
                        fmt::format("there is no run {} in {}", id.value, database.file().string()));
        }
        return row.getColumn(0).getInt64();
    });
}

} // namespace

Result<std::unique_ptr<RunWriter>> RunWriter::create(const std::filesystem::path& workspace, const NewRun& run) {
    Result<Database> database = Database::open(workspace, Database::Access::Write);
    if (!database) {
        return tl::unexpected(std::move(database).error());
    }
    const RunId id = run.id ? *run.id : makeRunId();
    if (!isRunId(id.value)) {
        return fail(ErrorCode::Usage,
                    fmt::format("\"{}\" is no id of a run: twelve characters of 0-9 and a-z", id.value));
    }
    // The lock comes first: a run must never be seen without the process that owns it.
    Result<FileLock> lock = FileLock::take(runLockFile(workspace, id), describeThisProcess());
    if (!lock) {
        return tl::unexpected(std::move(lock).error());
    }
    if (findRun(*database, id)) {
        return fail(ErrorCode::Usage, fmt::format("there is a run {} already", id.value));
    }
    const Result<std::int64_t> key = insertRun(*database, id, run);
    if (!key) {
        return tl::unexpected(key.error());
    }
    return std::make_unique<ThreadedWriter>(std::move(*lock), id,
                                            std::make_unique<RunStore>(std::move(*database), workspace, id, *key));
}

Result<std::unique_ptr<RunWriter>> RunWriter::takeOver(const std::filesystem::path& workspace, const RunId& run) {
    Result<Database> database = Database::open(workspace, Database::Access::Write);
    if (!database) {
        return tl::unexpected(std::move(database).error());
    }
    const Result<std::int64_t> key = findRun(*database, run);
    if (!key) {
        return tl::unexpected(key.error());
    }
    Result<FileLock> lock = FileLock::take(runLockFile(workspace, run), describeThisProcess());
    if (!lock) {
        return tl::unexpected(std::move(lock).error().within(fmt::format("taking over run {}", run.value)));
    }
    return std::make_unique<ThreadedWriter>(std::move(*lock), run,
                                            std::make_unique<RunStore>(std::move(*database), workspace, run, *key));
}

} // namespace knife
