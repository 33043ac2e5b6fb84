// SPDX-License-Identifier: GPL-3.0-or-later
// Everything that one run has in the database and in the blobs, for its writing thread. Private to the store.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/store/blobs.h"
#include "core/store/database.h"
#include "core/store/layout.h"
#include "core/store/metric_column.h"
#include "core/store/records.h"
#include "core/store/write_batch.h"
#include "core/types/error.h"

namespace knife {

/// The rows of one run, on the writing thread. Remembers only what has been committed.
class RunStore {
  public:
    /// The metric whose last value the table of runs shows.
    static constexpr const char* kTestReturn = "test/return";

    RunStore(Database database, std::filesystem::path workspace, RunId run, std::int64_t key)
        : m_database(std::move(database)), m_blobs(blobFolder(workspace)), m_run(std::move(run)), m_key(key) {}

    [[nodiscard]] Result<void> checkInPlace() const { return m_database.checkInPlace(); }

    /// Writes the batch in one transaction. On failure nothing of it is stored, and it may be tried again.
    [[nodiscard]] Result<void> write(const WriteBatch& batch);

    /// Takes points into the columns; once, however often write() is tried.
    void addPoints(const std::vector<PendingPoint>& points, const std::vector<std::string>& names);

    [[nodiscard]] Result<SegmentId> beginSegment(const Clocks& clocks, const std::string& reason);

    [[nodiscard]] Result<void> checkpoint(const Clocks& clocks, std::span<const std::byte> content, int keepLast);

    [[nodiscard]] Result<void> close(RunState state, const std::string& failure, const Clocks& clocks,
                                     const std::string& finalJson);

    /// Cuts the run off and marks it as ours.
    [[nodiscard]] Result<void> goOnFrom(const std::optional<CheckpointRecord>& from,
                                        const std::optional<RunTerms>& terms);

  private:
    // run_rows.cpp; within a transaction.
    void writeEvents(const std::vector<PendingEvent>& events);
    void writeFrames(const std::vector<NeuronFrame>& frames);
    void writeSurgeries(const std::vector<SurgeryReceipt>& surgeries);
    void writeEpisodes(const std::vector<EpisodeRecording>& episodes);
    void writeProgress(const std::optional<PendingProgress>& progress);
    void endSegment(const Clocks& clocks);
    void bindSegment(SQLite::Statement& statement, int index) const;

    std::int64_t insertCheckpoint(const Clocks& clocks, const std::string& hash, std::int64_t bytes);
    std::vector<std::string> dropOldCheckpoints(int keepLast);
    std::vector<std::string> checkpointBlobs();
    /// Only after the rows are gone for good; forks share blobs, so each one is asked for again under the write lock.
    void removeUnusedBlobs(const std::vector<std::string>& candidates);

    Database m_database;
    BlobStore m_blobs;
    RunId m_run;
    std::int64_t m_key;
    std::optional<MetricStatements> m_statements;
    std::vector<MetricColumn> m_metrics;
    std::optional<SegmentId> m_segment;
};

} // namespace knife
