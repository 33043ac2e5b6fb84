// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/store/run_reader.h"

#include <algorithm>
#include <limits>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/protocol/file_lock.h"
#include "core/protocol/wire.h"
#include "core/store/blobs.h"
#include "core/store/chunks.h"
#include "core/store/compression.h"
#include "core/store/database.h"
#include "core/store/layout.h"
#include "core/store/truncation.h"

namespace knife {
namespace {

constexpr const char* kRunColumns =
    "SELECT id, experiment, seed, state, failure, update_step, env_step, episode, wall_s, total_env_steps, task, "
    "env_steps_per_s, last_test_return, created_ms, updated_ms, pid, host, build, parent, fork_step, final_json FROM "
    "run ";

/// Bytes of a frame or an episode before compression that are still believed.
constexpr std::int64_t kMaxFrame = kMaxFrameBytes;

std::string_view textOf(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

class SqliteReader final : public RunReader {
  public:
    SqliteReader(Database database, std::filesystem::path workspace)
        : m_database(std::move(database)), m_workspace(std::move(workspace)), m_blobs(blobFolder(m_workspace)) {}

    [[nodiscard]] Result<std::int64_t> dataVersion() override {
        return m_database.guarded([&]() -> Result<std::int64_t> {
            const std::int64_t stored = m_database.connection().execAndGet("PRAGMA data_version").getInt64();
            if (stored != m_storedVersion) {
                m_storedVersion = stored;
                m_live = storedLiveRuns();
                ++m_version;
            }
            // The death of a process writes nothing, and yet makes its run Interrupted.
            const auto dead = std::erase_if(m_live, [this](const RunId& run) { return !isOwned(run); });
            m_version += dead > 0 ? 1 : 0;
            return m_version;
        });
    }

    [[nodiscard]] Result<std::vector<RunRecord>> runs() override {
        return m_database.guarded([&]() -> Result<std::vector<RunRecord>> {
            SQLite::Statement rows(m_database.connection(),
                                   std::string(kRunColumns) + "ORDER BY created_ms DESC, key DESC");
            std::vector<RunRecord> records;
            while (rows.executeStep()) {
                records.push_back(readRun(rows));
            }
            return records;
        });
    }

    [[nodiscard]] Result<RunRecord> run(const RunId& id) override {
        return m_database.guarded([&]() -> Result<RunRecord> {
            SQLite::Statement row(m_database.connection(), std::string(kRunColumns) + "WHERE id = ?");
            row.bind(1, id.value);
            if (!row.executeStep()) {
                return tl::unexpected(unknownRun(id.value));
            }
            return readRun(row);
        });
    }

    [[nodiscard]] Result<RunId> resolve(std::string_view text) override {
        return m_database.guarded([&]() -> Result<RunId> {
            const bool newest = text == "last";
            SQLite::Statement rows(m_database.connection(),
                                   newest ? "SELECT id FROM run ORDER BY created_ms DESC, key DESC LIMIT 1"
                                          : "SELECT id FROM run WHERE substr(id, 1, length(?1)) = ?1 AND ?1 <> '' "
                                            "ORDER BY created_ms DESC, key DESC LIMIT 6");
            if (!newest) {
                rows.bind(1, std::string(text));
            }
            std::vector<std::string> matches;
            while (rows.executeStep()) {
                matches.push_back(rows.getColumn(0).getString());
            }
            if (matches.empty()) {
                return newest ? fail(ErrorCode::NotFound, fmt::format("{} holds no runs", m_workspace.string()))
                              : tl::unexpected(unknownRun(text));
            }
            if (matches.size() > 1) {
                return fail(ErrorCode::Usage,
                            fmt::format("\"{}\" is the beginning of several runs: {}", text, fmt::join(matches, ", ")));
            }
            return RunId{matches.front()};
        });
    }

    [[nodiscard]] Result<std::string> configToml(const RunId& id) override {
        return m_database.guarded([&]() -> Result<std::string> {
            SQLite::Statement row(m_database.connection(), "SELECT config_toml FROM run WHERE id = ?");
            row.bind(1, id.value);
            if (!row.executeStep()) {
                return tl::unexpected(unknownRun(id.value));
            }
            return row.getColumn(0).getString();
        });
    }

    [[nodiscard]] Result<std::vector<SegmentRecord>> segments(const RunId& id) override {
        return ofRun<SegmentRecord>(id,
                                    "SELECT update_step, env_step, episode, wall_s, end_update_step, end_env_step, "
                                    "end_episode, end_wall_s, id, reason, started_ms FROM segment WHERE run = ?1 "
                                    "ORDER BY id",
                                    0, [](SQLite::Statement& row) -> Result<SegmentRecord> {
                                        SegmentRecord record;
                                        record.begin = readClocks(row, 0);
                                        if (!row.getColumn(4).isNull()) {
                                            record.end = readClocks(row, 4);
                                        }
                                        record.id = SegmentId{row.getColumn(8).getInt64()};
                                        record.reason = row.getColumn(9).getString();
                                        record.startedMs = row.getColumn(10).getInt64();
                                        return record;
                                    });
    }

    [[nodiscard]] Result<std::vector<MetricRecord>> metrics(const RunId& id) override {
        return ofRun<MetricRecord>(
            id, "SELECT name, points, minimum, maximum, last FROM metric WHERE run = ?1 ORDER BY name", 0,
            [](SQLite::Statement& row) -> Result<MetricRecord> {
                return MetricRecord{row.getColumn(0).getString(), row.getColumn(1).getInt64(),
                                    readDouble(row.getColumn(2)), readDouble(row.getColumn(3)),
                                    readDouble(row.getColumn(4))};
            });
    }

    [[nodiscard]] Result<Series> series(const RunId& id, std::string_view metric, std::int64_t skip) override {
        return m_database.guarded([&]() -> Result<Series> {
            SQLite::Statement chunks(
                m_database.connection(),
                "SELECT chunk.metric, chunk.start, chunk.points, chunk.data FROM run JOIN metric ON "
                "metric.run = run.key JOIN chunk ON chunk.metric = metric.id WHERE run.id = ?1 AND "
                "metric.name = ?2 AND chunk.start > ?3 - ?4 AND chunk.start + chunk.points > ?3 "
                "ORDER BY chunk.start");
            chunks.bind(1, id.value);
            chunks.bind(2, std::string(metric));
            chunks.bind(3, skip);
            chunks.bind(4, static_cast<std::int64_t>(kChunkPoints));
            Series series;
            std::int64_t first = skip;
            while (chunks.executeStep()) {
                const std::int64_t metricId = chunks.getColumn(0).getInt64();
                const std::int64_t start = chunks.getColumn(1).getInt64();
                const auto points = static_cast<std::size_t>(chunks.getColumn(2).getInt64());
                first = series.size() == 0 ? start : first;
                const bool joins =
                    series.size() == 0 ? start <= skip : start == first + static_cast<std::int64_t>(series.size());
                const Result<void> decoded = !joins ? fail(ErrorCode::Corrupt, "it does not join the one before it")
                                                    : decodeChunk(readBlob(chunks.getColumn(3)), points, series);
                if (!decoded) {
                    return tl::unexpected(damagedChunk(m_database, metricId, start, decoded.error()));
                }
            }
            dropFront(series, std::min(static_cast<std::size_t>(skip - first), series.size()));
            return series;
        });
    }

    [[nodiscard]] Result<std::vector<EventRecord>> events(const RunId& id, std::int64_t after) override {
        return ofRun<EventRecord>(
            id,
            "SELECT update_step, env_step, episode, wall_s, id, segment, kind, text, payload FROM "
            "event WHERE run = ?1 AND id > ?2 ORDER BY id",
            after, [](SQLite::Statement& row) -> Result<EventRecord> {
                EventRecord record;
                record.clocks = readClocks(row, 0);
                record.id = row.getColumn(4).getInt64();
                record.segment = SegmentId{row.getColumn(5).getInt64()};
                record.kind = row.getColumn(6).getString();
                record.text = row.getColumn(7).getString();
                record.payloadJson = row.getColumn(8).getString();
                return record;
            });
    }

    [[nodiscard]] Result<std::vector<SurgeryReceipt>> surgeries(const RunId& id) override {
        return ofRun<SurgeryReceipt>(
            id, "SELECT data FROM surgery WHERE run = ?1 ORDER BY id", 0,
            [](SQLite::Statement& row) { return parseReceipt(textOf(readBlob(row.getColumn(0)))); });
    }

    [[nodiscard]] Result<std::vector<FrameStamp>> frames(const RunId& id, std::int64_t afterId) override {
        return ofRun<FrameStamp>(
            id, "SELECT update_step, env_step, episode, wall_s, id FROM frame WHERE run = ?1 AND id > ?2 ORDER BY id",
            afterId, [](SQLite::Statement& row) -> Result<FrameStamp> {
                return FrameStamp{row.getColumn(4).getInt64(), readClocks(row, 0)};
            });
    }

    [[nodiscard]] Result<NeuronFrame> frame(const RunId& id, std::int64_t frameId) override {
        return oneFrame(id, "SELECT bytes, data FROM frame WHERE run = ?1 AND id = ?2", frameId,
                        fmt::format("there is no neuron frame {} of run {}", frameId, id.value));
    }

    [[nodiscard]] Result<NeuronFrame> frameAt(const RunId& id, UpdateStep update) override {
        return oneFrame(id,
                        "SELECT bytes, data FROM frame WHERE run = ?1 AND update_step <= ?2 ORDER BY update_step DESC, "
                        "id DESC LIMIT 1",
                        update.value,
                        update.value == std::numeric_limits<std::int64_t>::max()
                            ? fmt::format("run {} has no neuron frame yet", id.value)
                            : fmt::format("run {} has no neuron frame up to update {}", id.value, update.value));
    }

    [[nodiscard]] Result<std::vector<EpisodeStamp>> episodes(const RunId& id, std::int64_t afterId) override {
        if (const Result<bool> recorded = hasRecordings(); !recorded || !*recorded) {
            return recorded ? Result<std::vector<EpisodeStamp>>() : tl::unexpected(recorded.error());
        }
        return ofRun<EpisodeStamp>(
            id,
            "SELECT update_step, env_step, episode, wall_s, id, task, steps, episode_return, length(data) FROM "
            "recording WHERE run = ?1 AND id > ?2 ORDER BY id",
            afterId, [](SQLite::Statement& row) -> Result<EpisodeStamp> {
                EpisodeStamp stamp;
                stamp.clocks = readClocks(row, 0);
                stamp.id = row.getColumn(4).getInt64();
                stamp.task = row.getColumn(5).getString();
                stamp.steps = row.getColumn(6).getInt64();
                stamp.episodeReturn = readDouble(row.getColumn(7));
                stamp.bytes = row.getColumn(8).getInt64();
                return stamp;
            });
    }

    [[nodiscard]] Result<EpisodeRecording> episode(const RunId& id, std::int64_t episodeId) override {
        std::string missing = fmt::format("there is no recorded episode {} of run {}", episodeId, id.value);
        if (const Result<bool> recorded = hasRecordings(); !recorded || !*recorded) {
            return recorded ? fail(ErrorCode::NotFound, std::move(missing)) : tl::unexpected(recorded.error());
        }
        return oneBlob<EpisodeRecording>(id, "SELECT bytes, data FROM recording WHERE run = ?1 AND id = ?2", episodeId,
                                         std::move(missing), parseEpisode);
    }

    [[nodiscard]] Result<std::vector<CheckpointRecord>> checkpoints(const RunId& id) override {
        return ofRun<CheckpointRecord>(id,
                                       "SELECT update_step, env_step, episode, wall_s, id, segment, blob, bytes, "
                                       "created_ms FROM checkpoint WHERE run = ?1 ORDER BY id",
                                       0, [](SQLite::Statement& row) -> Result<CheckpointRecord> {
                                           CheckpointRecord record;
                                           record.clocks = readClocks(row, 0);
                                           record.id = row.getColumn(4).getInt64();
                                           record.segment = SegmentId{row.getColumn(5).getInt64()};
                                           record.blob = row.getColumn(6).getString();
                                           record.bytes = row.getColumn(7).getInt64();
                                           record.createdMs = row.getColumn(8).getInt64();
                                           return record;
                                       });
    }

    [[nodiscard]] Result<std::vector<std::byte>> checkpointContent(const CheckpointRecord& record) override {
        return m_database.guarded([&] {
            return m_blobs.read(record.blob, static_cast<std::size_t>(std::max<std::int64_t>(record.bytes, 0)));
        });
    }

  private:
    /// The rows that `sql` gives for a run (?1 is its key, ?2 is `after` where it is used).
    template <typename Record, typename Read>
    Result<std::vector<Record>> ofRun(const RunId& id, const char* sql, std::int64_t after, Read read) {
        return m_database.guarded([&]() -> Result<std::vector<Record>> {
            const Result<std::int64_t> key = keyOf(id);
            if (!key) {
                return tl::unexpected(key.error());
            }
            SQLite::Statement rows(m_database.connection(), sql);
            rows.bind(1, *key);
            if (rows.getBindParameterCount() > 1) {
                rows.bind(2, after);
            }
            std::vector<Record> records;
            while (rows.executeStep()) {
                Result<Record> record = read(rows);
                if (!record) {
                    return tl::unexpected(std::move(record).error().within(describe(id)));
                }
                records.push_back(std::move(*record));
            }
            return records;
        });
    }

    /// A workspace of an older version, opened as it stands, has none.
    Result<bool> hasRecordings() {
        return m_database.guarded([&]() -> Result<bool> {
            SQLite::Statement row(m_database.connection(), "SELECT 1 FROM sqlite_schema WHERE name = 'recording'");
            return row.executeStep();
        });
    }

    Result<NeuronFrame> oneFrame(const RunId& id, const char* sql, std::int64_t parameter, std::string missing) {
        return oneBlob<NeuronFrame>(id, sql, parameter, std::move(missing), parseNeuronFrame);
    }

    /// One message that is stored compressed, by a query for its length and its data.
    template <typename Value>
    Result<Value> oneBlob(const RunId& id, const char* sql, std::int64_t parameter, std::string missing,
                          Result<Value> (*parse)(std::string_view)) {
        return m_database.guarded([&]() -> Result<Value> {
            const Result<std::int64_t> key = keyOf(id);
            if (!key) {
                return tl::unexpected(key.error());
            }
            SQLite::Statement row(m_database.connection(), sql);
            row.bind(1, *key);
            row.bind(2, parameter);
            if (!row.executeStep()) {
                return fail(ErrorCode::NotFound, std::move(missing));
            }
            const std::int64_t bytes = std::clamp<std::int64_t>(row.getColumn(0).getInt64(), 0, kMaxFrame);
            const Result<std::vector<std::byte>> content =
                decompress(readBlob(row.getColumn(1)), static_cast<std::size_t>(bytes));
            Result<Value> value = content ? parse(textOf(*content)) : tl::unexpected(content.error());
            return value ? value : tl::unexpected(std::move(value).error().within(describe(id)));
        });
    }

    Result<std::int64_t> keyOf(const RunId& id) {
        SQLite::Statement row(m_database.connection(), "SELECT key FROM run WHERE id = ?");
        row.bind(1, id.value);
        if (!row.executeStep()) {
            return tl::unexpected(unknownRun(id.value));
        }
        return row.getColumn(0).getInt64();
    }

    RunRecord readRun(SQLite::Statement& row) const {
        RunRecord record;
        record.id = RunId{row.getColumn(0).getString()};
        record.experiment = row.getColumn(1).getString();
        record.seed = static_cast<std::uint64_t>(row.getColumn(2).getInt64());
        record.state = runStateFromString(row.getColumn(3).getString()).value_or(RunState::Failed);
        record.failure = row.getColumn(4).getString();
        record.clocks = readClocks(row, 5);
        record.totalEnvSteps = row.getColumn(9).getInt64();
        record.task = row.getColumn(10).getString();
        record.envStepsPerS = readDouble(row.getColumn(11));
        record.lastTestReturn = readDouble(row.getColumn(12));
        record.createdMs = row.getColumn(13).getInt64();
        record.updatedMs = row.getColumn(14).getInt64();
        record.pid = row.getColumn(15).getInt64();
        record.host = row.getColumn(16).getString();
        record.build = row.getColumn(17).getString();
        if (!row.getColumn(18).isNull()) {
            record.parent = RunId{row.getColumn(18).getString()};
        }
        record.forkStep = EnvStep{row.getColumn(19).getInt64()};
        record.finalJson = row.getColumn(20).getString();
        if (isLive(record.state) && !isOwned(record.id)) {
            record.state = RunState::Interrupted;
        }
        record.pid = isLive(record.state) ? record.pid : 0;
        return record;
    }

    /// A run whose lock cannot be asked is believed to live, as its stored state says; inspectWorkspace() names it.
    [[nodiscard]] bool isOwned(const RunId& run) const {
        return FileLock::isHeld(runLockFile(m_workspace, run)).value_or(true);
    }

    std::vector<RunId> storedLiveRuns() {
        SQLite::Statement rows(m_database.connection(), "SELECT id, state FROM run");
        std::vector<RunId> live;
        while (rows.executeStep()) {
            const std::optional<RunState> state = runStateFromString(rows.getColumn(1).getString());
            if (state && isLive(*state)) {
                live.push_back(RunId{rows.getColumn(0).getString()});
            }
        }
        return live;
    }

    [[nodiscard]] Error unknownRun(std::string_view text) const {
        return {ErrorCode::NotFound, fmt::format("there is no run \"{}\" in {}", text, m_workspace.string()), {}};
    }

    [[nodiscard]] std::string describe(const RunId& id) const {
        return fmt::format("reading run {} in {}", id.value, m_workspace.string());
    }

    Database m_database;
    std::filesystem::path m_workspace;
    BlobStore m_blobs;
    std::int64_t m_storedVersion = -1;
    std::int64_t m_version = 0;
    std::vector<RunId> m_live;
};

} // namespace

Result<std::unique_ptr<RunReader>> RunReader::open(const std::filesystem::path& workspace) {
    Result<Database> database = Database::open(workspace, Database::Access::Read);
    if (!database) {
        return tl::unexpected(std::move(database).error());
    }
    return std::make_unique<SqliteReader>(std::move(*database), workspace);
}

} // namespace knife
