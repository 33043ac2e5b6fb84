// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/store/run_writer.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <future>
#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

#include "core/protocol/file_lock.h"
#include "core/store/database.h"
#include "core/store/layout.h"
#include "core/store/run_store.h"
#include "core/store/workspace.h"
#include "core/store/write_batch.h"

namespace knife {
namespace {

/// Half of what is promised, so that a batch that waits for another writer still arrives in time.
constexpr auto kFlushInterval = std::chrono::milliseconds(500);
/// What may wait for a disk that does not answer, before the writer gives up.
constexpr std::size_t kMaxWaitingBytes = std::size_t{256} << 20U;
/// An episode beyond this is not even kept for writing: it could not be read back.
constexpr std::size_t kMaxEpisodeBytes = std::size_t{128} << 20U;
/// What a process that has closed its run may take to let go of it.
constexpr auto kGoodbye = std::chrono::milliseconds(10'000);

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
                                        const std::optional<RunTerms>& terms) override {
        return runTask([&] { return m_store->goOnFrom(from, terms); });
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

    void episode(EpisodeRecording recording) override {
        const std::size_t bytes = bytesOf(recording);
        if (bytes > kMaxEpisodeBytes) {
            const PendingEvent refused = leftOut(recording);
            event(refused.clocks, refused.kind, refused.text, refused.payload);
            return;
        }
        hand(bytes, [&] { m_batch.episodes.push_back(std::move(recording)); });
    }

    void progress(const Clocks& clocks, RunState state, std::string_view task, double envStepsPerS) override {
        hand(0, [&] { m_batch.progress = PendingProgress{clocks, state, std::string(task), envStepsPerS}; });
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
            m_batch = WriteBatch();
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
        WriteBatch unwritten;
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
                unwritten.append(std::exchange(m_batch, WriteBatch()));
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
    void settle(Result<void>& written, std::size_t bytes, WriteBatch& unwritten) {
        const std::lock_guard lock(m_mutex);
        if (m_failure) {
            written = tl::unexpected(*m_failure);
        }
        if (written) {
            m_waitingBytes -= bytes;
        } else if (written.error().code != ErrorCode::Locked) {
            written = tl::unexpected(std::move(written).error().within(fmt::format("storing run {}", m_run.value)));
            m_failure = m_failure ? m_failure : written.error();
            m_batch = WriteBatch();
        }
        if (written || m_failure) {
            unwritten = WriteBatch();
        }
    }

    FileLock m_lock; // outlives the thread
    const RunId m_run;
    std::unique_ptr<RunStore> m_store;

    mutable std::mutex m_mutex;
    std::condition_variable_any m_wake;
    WriteBatch m_batch;
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
            "pid, host, build, config_toml) VALUES (?, ?, ?, ?, ?, ?6, ?6, ?7, ?8, ?9, ?10)");
        insert.bind(1, id.value);
        insert.bind(2, run.experiment);
        insert.bind(3, static_cast<std::int64_t>(run.seed)); // the same 64 bits
        insert.bind(4, std::string(toString(RunState::Starting)));
        insert.bind(5, run.totalEnvSteps);
        insert.bind(6, nowMs());
        insert.bind(7, static_cast<std::int64_t>(getpid()));
        insert.bind(8, hostName());
        insert.bind(9, run.build);
        insert.bind(10, run.configToml);
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

// Whether its writer has closed the run, and will let go of it as soon as its process gets to it.
bool hasEnded(const Database& database, std::int64_t key) {
    return database
        .guarded([&]() -> Result<bool> {
            SQLite::Statement row(database.connection(), "SELECT state FROM run WHERE key = ?");
            row.bind(1, key);
            const auto state = row.executeStep() ? runStateFromString(row.getColumn(0).getString()) : std::nullopt;
            return state && isEnded(*state);
        })
        .value_or(false);
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
    const auto take = [&] {
        return FileLock::take(runLockFile(workspace, run), describeThisProcess());
    };
    const auto until = std::chrono::steady_clock::now() + kGoodbye;
    Result<FileLock> lock = take();
    // Asked again each time: whoever holds it may be on its way out, or have taken the run over itself.
    while (!lock && lock.error().code == ErrorCode::Locked && hasEnded(*database, *key) &&
           std::chrono::steady_clock::now() < until) {
        lock = take();
    }
    if (!lock) {
        return tl::unexpected(std::move(lock).error().within(fmt::format("taking over run {}", run.value)));
    }
    return std::make_unique<ThreadedWriter>(std::move(*lock), run,
                                            std::make_unique<RunStore>(std::move(*database), workspace, run, *key));
}

} // namespace knife
