// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/store/schema.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string_view>
#include <system_error>

#include <SQLiteCpp/Backup.h>
#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include "core/protocol/system_file.h"
#include "core/store/database.h"
#include "core/store/layout.h"
#include "core/store/workspace.h"

namespace knife {
namespace {

// Real numbers may be NULL, which stands for NaN. `event`, `frame`, `recording` and `checkpoint` never use an id twice,
// so that a reader that asks for what came after an id misses nothing when a resume has cut the end of a run off.
constexpr const char* kVersion1 = R"sql(
CREATE TABLE run (
    key              INTEGER PRIMARY KEY,
    id               TEXT NOT NULL UNIQUE,
    experiment       TEXT NOT NULL,
    seed             INTEGER NOT NULL,
    state            TEXT NOT NULL,
    failure          TEXT NOT NULL DEFAULT '',
    update_step      INTEGER NOT NULL DEFAULT 0,
    env_step         INTEGER NOT NULL DEFAULT 0,
    episode          INTEGER NOT NULL DEFAULT 0,
    wall_s           REAL DEFAULT 0,
    total_env_steps  INTEGER NOT NULL,
    task             TEXT NOT NULL DEFAULT '',
    env_steps_per_s  REAL DEFAULT 0,
    last_test_return REAL,
    created_ms       INTEGER NOT NULL,
    updated_ms       INTEGER NOT NULL,
    pid              INTEGER NOT NULL,
    host             TEXT NOT NULL,
    build            TEXT NOT NULL,
    parent           TEXT,
    fork_step        INTEGER NOT NULL DEFAULT 0,
    final_json       TEXT NOT NULL DEFAULT '',
    config_toml      TEXT NOT NULL
) STRICT;

CREATE TABLE segment (
    id              INTEGER PRIMARY KEY,
    run             INTEGER NOT NULL REFERENCES run(key) ON DELETE CASCADE,
    update_step     INTEGER NOT NULL,
    env_step        INTEGER NOT NULL,
    episode         INTEGER NOT NULL,
    wall_s          REAL,
    end_update_step INTEGER,
    end_env_step    INTEGER,
    end_episode     INTEGER,
    end_wall_s      REAL,
    reason          TEXT NOT NULL,
    started_ms      INTEGER NOT NULL
) STRICT;
CREATE INDEX segment_run ON segment(run);

CREATE TABLE metric (
    id      INTEGER PRIMARY KEY,
    run     INTEGER NOT NULL REFERENCES run(key) ON DELETE CASCADE,
    name    TEXT NOT NULL,
    points  INTEGER NOT NULL DEFAULT 0,
    minimum REAL,
    maximum REAL,
    last    REAL,
    UNIQUE (run, name)
) STRICT;

CREATE TABLE chunk (
    id      INTEGER PRIMARY KEY,
    metric  INTEGER NOT NULL REFERENCES metric(id) ON DELETE CASCADE,
    start   INTEGER NOT NULL, -- number of its first point
    points  INTEGER NOT NULL,
    minimum REAL,
    maximum REAL,
    last    REAL,
    data    BLOB NOT NULL,
    UNIQUE (metric, start)
) STRICT;

CREATE TABLE event (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    run         INTEGER NOT NULL REFERENCES run(key) ON DELETE CASCADE,
    segment     INTEGER REFERENCES segment(id),
    update_step INTEGER NOT NULL,
    env_step    INTEGER NOT NULL,
    episode     INTEGER NOT NULL,
    wall_s      REAL,
    kind        TEXT NOT NULL,
    text        TEXT NOT NULL,
    payload     TEXT NOT NULL
) STRICT;
CREATE INDEX event_run ON event(run, id);
CREATE INDEX event_segment ON event(segment);

CREATE TABLE frame (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    run         INTEGER NOT NULL REFERENCES run(key) ON DELETE CASCADE,
    update_step INTEGER NOT NULL,
    env_step    INTEGER NOT NULL,
    episode     INTEGER NOT NULL,
    wall_s      REAL,
    bytes       INTEGER NOT NULL, -- before compression
    data        BLOB NOT NULL
) STRICT;
CREATE INDEX frame_run ON frame(run, update_step, id);

CREATE TABLE surgery (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    run         INTEGER NOT NULL REFERENCES run(key) ON DELETE CASCADE,
    update_step INTEGER NOT NULL,
    env_step    INTEGER NOT NULL,
    episode     INTEGER NOT NULL,
    wall_s      REAL,
    data        BLOB NOT NULL
) STRICT;
CREATE INDEX surgery_run ON surgery(run);

CREATE TABLE checkpoint (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    run         INTEGER NOT NULL REFERENCES run(key) ON DELETE CASCADE,
    segment     INTEGER REFERENCES segment(id),
    update_step INTEGER NOT NULL,
    env_step    INTEGER NOT NULL,
    episode     INTEGER NOT NULL,
    wall_s      REAL,
    blob        TEXT NOT NULL,
    bytes       INTEGER NOT NULL, -- before compression
    created_ms  INTEGER NOT NULL
) STRICT;
CREATE INDEX checkpoint_run ON checkpoint(run);
CREATE INDEX checkpoint_segment ON checkpoint(segment);
CREATE INDEX checkpoint_blob ON checkpoint(blob);
)sql";

// What a checkpoint's run had stored when it was taken: a resume cuts off exactly what came later, also at equal
// clocks. The ids are those of the whole workspace; NULL in rows of version 1.
constexpr const char* kVersion2 = R"sql(
ALTER TABLE checkpoint ADD COLUMN last_event INTEGER;
ALTER TABLE checkpoint ADD COLUMN last_frame INTEGER;
ALTER TABLE checkpoint ADD COLUMN last_surgery INTEGER;

CREATE TABLE checkpoint_metric (
    checkpoint INTEGER NOT NULL REFERENCES checkpoint(id) ON DELETE CASCADE,
    metric     INTEGER NOT NULL REFERENCES metric(id) ON DELETE CASCADE,
    points     INTEGER NOT NULL,
    PRIMARY KEY (checkpoint, metric)
) STRICT, WITHOUT ROWID;
CREATE INDEX checkpoint_metric_metric ON checkpoint_metric(metric);
)sql";

// Greedy episodes of evaluations. Checkpoints that are older than this version were taken before there were any, so the
// NULL of theirs is the right mark: nothing.
constexpr const char* kVersion3 = R"sql(
CREATE TABLE recording (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    run            INTEGER NOT NULL REFERENCES run(key) ON DELETE CASCADE,
    update_step    INTEGER NOT NULL,
    env_step       INTEGER NOT NULL,
    episode        INTEGER NOT NULL,
    wall_s         REAL,
    task           TEXT NOT NULL,
    steps          INTEGER NOT NULL,
    episode_return REAL,
    bytes          INTEGER NOT NULL, -- before compression
    data           BLOB NOT NULL
) STRICT;
CREATE INDEX recording_run ON recording(run, id);

ALTER TABLE checkpoint ADD COLUMN last_recording INTEGER;
)sql";

constexpr std::array kMigrations = {kVersion1, kVersion2, kVersion3};
static_assert(kMigrations.size() == kSchemaVersion);

// https://www.sqlite.org/fileformat.html, section 1.3
constexpr std::size_t kHeaderBytes = 100;
constexpr std::string_view kMagic{"SQLite format 3\0", 16};
constexpr std::size_t kPageSizeAt = 16;
constexpr std::size_t kChangeCounterAt = 24;
constexpr std::size_t kPageCountAt = 28;
constexpr std::size_t kUserVersionAt = 60;
constexpr std::size_t kApplicationIdAt = 68;
constexpr std::size_t kVersionValidForAt = 92;

using Header = std::array<unsigned char, kHeaderBytes>;

std::uint32_t bigEndian(const Header& header, std::size_t at, std::size_t bytes = 4) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < bytes; ++i) {
        value = value << 8U | header[at + i];
    }
    return value;
}

std::int64_t pagesBytes(const Header& header) {
    const std::uint32_t pageSize = bigEndian(header, kPageSizeAt, 2);
    return std::int64_t{pageSize == 1 ? 65536 : pageSize} * bigEndian(header, kPageCountAt);
}

bool isEmptyOrMissing(const std::filesystem::path& file) {
    struct stat info {};
    return stat(file.c_str(), &info) != 0 || info.st_size == 0;
}

struct CloseConnection {
    void operator()(sqlite3* connection) const { sqlite3_close(connection); }
};

/// The file's first bytes, zeros beyond its end. SQLite reads them: a process that closes any descriptor of a file
/// loses all its locks on it (fcntl(2)), those of its open connections too; then another process takes the write-ahead
/// log away from under them, and the database is ruined.
Result<Header> readHeader(const std::filesystem::path& file) {
    sqlite3* opened = nullptr;
    int outcome = sqlite3_open_v2(file.c_str(), &opened, SQLITE_OPEN_READONLY, nullptr);
    const std::unique_ptr<sqlite3, CloseConnection> connection(opened);
    sqlite3_file* source = nullptr;
    if (outcome == SQLITE_OK) {
        outcome = sqlite3_file_control(opened, "main", SQLITE_FCNTL_FILE_POINTER, &source);
    }
    Header header{};
    if (outcome == SQLITE_OK) {
        outcome = source->pMethods->xRead(source, header.data(), static_cast<int>(header.size()), 0);
    }
    if (outcome != SQLITE_OK && outcome != SQLITE_IOERR_SHORT_READ) {
        const int number = sqlite3_system_errno(opened);
        return number != 0
                   ? tl::unexpected(systemError("open", file, number))
                   : fail(ErrorCode::Io, fmt::format("cannot open {}: {}", file.string(), sqlite3_errstr(outcome)));
    }
    return header;
}

Result<int> judge(const std::filesystem::path& file, const Header& header, std::int64_t size) {
    const auto have = static_cast<std::size_t>(std::min<std::int64_t>(size, kHeaderBytes));
    if (have == 0 || std::memcmp(header.data(), kMagic.data(), std::min(have, kMagic.size())) != 0) {
        return have == 0 ? fail(ErrorCode::Corrupt, fmt::format("{} is empty", file.string()))
                         : fail(ErrorCode::Foreign, fmt::format("{} is not a SQLite file", file.string()));
    }
    if (have < kHeaderBytes) {
        return fail(ErrorCode::Corrupt, fmt::format("{} is cut off after {} bytes", file.string(), have));
    }
    if (bigEndian(header, kApplicationIdAt) != std::uint32_t{kApplicationId}) {
        return fail(ErrorCode::Foreign, fmt::format("{} belongs to another program", file.string()));
    }
    const auto version = static_cast<int>(bigEndian(header, kUserVersionAt));
    if (version > kSchemaVersion) {
        return fail(ErrorCode::NewerVersion,
                    fmt::format("{} is of schema version {}; this program knows versions up to {}: use a newer one",
                                file.string(), version, kSchemaVersion));
    }
    // With a write-ahead log beside it the file may rightly be shorter than its header says.
    std::filesystem::path wal = file;
    wal += "-wal";
    const bool counted = bigEndian(header, kChangeCounterAt) == bigEndian(header, kVersionValidForAt);
    if (version < 1 || (counted && pagesBytes(header) > size && isEmptyOrMissing(wal))) {
        return fail(ErrorCode::Corrupt, fmt::format("{} is damaged: it holds {} bytes and should hold {}",
                                                    file.string(), size, pagesBytes(header)));
    }
    return version;
}

Result<void> backUp(SQLite::Database& connection, const std::filesystem::path& file, int version) {
    std::filesystem::path backup = file;
    backup += fmt::format(".v{}.backup", version);
    std::filesystem::path unfinished = backup;
    unfinished += ".new";
    std::error_code error;
    std::filesystem::remove(unfinished, error);
    {
        SQLite::Database copy(unfinished.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
        SQLite::Backup(copy, connection).executeStep();
    }
    std::filesystem::rename(unfinished, backup, error);
    if (error) {
        return tl::unexpected(systemError("create", backup, error.value()));
    }
    return syncFolder(file.parent_path());
}

} // namespace

std::span<const char* const> migrations() {
    return kMigrations;
}

Result<int> readSchemaVersion(const std::filesystem::path& workspace) {
    struct stat info {};
    if (stat(workspace.c_str(), &info) != 0) {
        const int number = errno;
        return number == ENOENT ? fail(ErrorCode::NotFound, fmt::format("there is no folder {}", workspace.string()))
                                : tl::unexpected(systemError("open", workspace, number));
    }
    if (!S_ISDIR(info.st_mode)) {
        return fail(ErrorCode::Foreign, fmt::format("{} is not a folder", workspace.string()));
    }
    const std::filesystem::path file = databaseFile(workspace);
    if (stat(file.c_str(), &info) != 0) {
        const int number = errno;
        return number == ENOENT ? fail(ErrorCode::NotFound, fmt::format("{} holds no workspace", workspace.string()))
                                : tl::unexpected(systemError("open", file, number));
    }
    if (!S_ISREG(info.st_mode)) {
        return fail(ErrorCode::Foreign, fmt::format("{} is not a file", file.string()));
    }
    const Result<Header> header = readHeader(file);
    if (!header) {
        return tl::unexpected(header.error());
    }
    return judge(file, *header, info.st_size);
}

Result<void> migrate(SQLite::Database& connection, const std::filesystem::path& file,
                     std::span<const char* const> steps) {
    errno = 0;
    try {
        const int version = connection.execAndGet("PRAGMA user_version").getInt();
        if (version > 0) {
            if (Result<void> backedUp = backUp(connection, file, version); !backedUp) {
                return backedUp;
            }
        }
        WriteTransaction transaction(connection);
        for (std::size_t step = static_cast<std::size_t>(version); step < steps.size(); ++step) {
            connection.exec(steps[step]);
        }
        connection.exec(fmt::format("PRAGMA user_version = {}", steps.size()));
        transaction.commit();
        // The next program decides by the header alone, so it must stand in the file and not only in the log.
        connection.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    } catch (const SQLite::Exception& exception) {
        return tl::unexpected(translateSqlite(exception, &connection, file));
    }
    return {};
}

} // namespace knife
