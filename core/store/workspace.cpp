// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/store/workspace.h"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>
#include <system_error>

#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>
#include <pwd.h>
#include <sqlite3.h>
#include <unistd.h>
#include <xxhash.h>
#include <zstd.h>

#include "core/protocol/file_lock.h"
#include "core/protocol/system_file.h"
#include "core/store/blobs.h"
#include "core/store/database.h"
#include "core/store/layout.h"
#include "core/store/schema.h"

namespace knife {
namespace {

constexpr int kLockAttempts = 50; ///< of a fifth of a second each: another process is creating or migrating
constexpr std::string_view kUnfinished = "workspace.sqlite.new";

std::filesystem::path homeFolder() {
    if (const char* home = std::getenv("HOME"); home != nullptr && *home != '\0') {
        return home;
    }
    const passwd* entry = getpwuid(geteuid());
    return entry != nullptr ? entry->pw_dir : "/";
}

/// A folder that holds something else is somebody else's. What file managers, fresh file systems and an interrupted
/// creation leave does not count.
Result<void> checkIsFree(const std::filesystem::path& folder) {
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
        const std::string name = entry.path().filename().string();
        if (!name.starts_with('.') && !name.starts_with(kUnfinished) && name != "lost+found" && name != "blobs" &&
            name != "locks") {
            return fail(ErrorCode::Foreign, fmt::format("{} holds other things ({}) and no workspace; choose an empty "
                                                        "or new folder",
                                                        folder.string(), name));
        }
    }
    if (error) {
        return tl::unexpected(systemError("read", folder, error.value()));
    }
    return {};
}

Result<void> makeFolder(const std::filesystem::path& folder) {
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error) {
        return tl::unexpected(systemError("create", folder, error.value()));
    }
    return {};
}

Result<FileLock> lockWorkspace(const std::filesystem::path& folder) {
    const std::filesystem::path file = lockFolder(folder) / "workspace.lock";
    Result<FileLock> lock = FileLock::take(file, describeThisProcess());
    for (int attempt = 1; attempt < kLockAttempts && !lock && lock.error().code == ErrorCode::Locked; ++attempt) {
        lock = FileLock::take(file, describeThisProcess());
    }
    return lock;
}

void removeUnfinished(const std::filesystem::path& folder) {
    std::error_code ignored;
    for (const char* ending : {"", "-journal", "-wal", "-shm"}) {
        std::filesystem::remove(folder / (std::string(kUnfinished) + ending), ignored);
    }
}

/// Builds the file under another name and moves it into place: a workspace is there whole or not at all.
Result<void> createDatabase(const std::filesystem::path& folder) {
    removeUnfinished(folder);
    const std::filesystem::path unfinished = folder / kUnfinished;
    std::unique_ptr<SQLite::Database> connection;
    errno = 0;
    try {
        connection =
            std::make_unique<SQLite::Database>(unfinished.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
        connection->exec(fmt::format("PRAGMA application_id = {}", kApplicationId));
        if (Result<void> migrated = migrate(*connection, unfinished, migrations()); !migrated) {
            connection.reset();
            removeUnfinished(folder);
            return migrated;
        }
        connection->exec("PRAGMA journal_mode = WAL");
    } catch (const SQLite::Exception& exception) {
        Error error = translateSqlite(exception, connection.get(), unfinished);
        connection.reset();
        removeUnfinished(folder);
        return tl::unexpected(std::move(error));
    }
    connection.reset();
    if (Result<void> synced = syncFile(unfinished); !synced) {
        return synced;
    }
    if (rename(unfinished.c_str(), databaseFile(folder).c_str()) != 0) {
        return tl::unexpected(systemError("create", databaseFile(folder), errno));
    }
    return syncFolder(folder);
}

Result<void> migrateDatabase(const std::filesystem::path& folder) {
    const std::filesystem::path file = databaseFile(folder);
    std::unique_ptr<SQLite::Database> connection;
    errno = 0;
    try {
        connection = std::make_unique<SQLite::Database>(file.string(), SQLite::OPEN_READWRITE);
        return migrate(*connection, file, migrations());
    } catch (const SQLite::Exception& exception) {
        return tl::unexpected(translateSqlite(exception, connection.get(), file));
    }
}

std::vector<std::string> integrityProblems(const Database& database) {
    std::vector<std::string> problems;
    SQLite::Statement check(database.connection(), "PRAGMA integrity_check(20)");
    while (check.executeStep()) {
        if (const std::string line = check.getColumn(0).getString(); line != "ok") {
            problems.push_back(fmt::format("{}: {}", database.file().string(), line));
        }
    }
    SQLite::Statement keys(database.connection(), "PRAGMA foreign_key_check");
    while (keys.executeStep()) {
        problems.push_back(fmt::format("{}: a row of table {} refers to nothing", database.file().string(),
                                       keys.getColumn(0).getString()));
    }
    return problems;
}

void inspectBlobs(const Database& database, const std::filesystem::path& folder, WorkspaceHealth& health) {
    const BlobStore blobs(blobFolder(folder));
    SQLite::Statement rows(database.connection(), "SELECT DISTINCT blob FROM checkpoint");
    while (rows.executeStep()) {
        const std::filesystem::path file = blobs.fileOf(rows.getColumn(0).getString());
        if (access(file.c_str(), R_OK) != 0) {
            health.problems.push_back(fmt::format("{} is missing or cannot be read", file.string()));
        }
    }
    std::error_code error;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(blobFolder(folder), error)) {
        std::error_code gone;
        const std::uintmax_t bytes = entry.is_regular_file(gone) ? entry.file_size(gone) : 0;
        health.blobBytes += gone ? 0 : static_cast<std::int64_t>(bytes);
    }
}

void inspectLocks(const Database& database, const std::filesystem::path& folder, WorkspaceHealth& health) {
    SQLite::Statement rows(database.connection(), "SELECT id FROM run");
    while (rows.executeStep()) {
        const Result<bool> held = FileLock::isHeld(runLockFile(folder, RunId{rows.getColumn(0).getString()}));
        if (!held) {
            health.problems.push_back(held.error().describe());
        }
    }
}

} // namespace

RunId makeRunId() {
    constexpr std::string_view kAlphabet = "0123456789abcdefghijklmnopqrstuvwxyz";
    constexpr int kLength = 12;
    // An identity, not a random number of the experiment: nothing that is trained depends on it.
    std::random_device source;
    std::uniform_int_distribution<std::size_t> letter(0, kAlphabet.size() - 1);
    RunId id;
    for (int i = 0; i < kLength; ++i) {
        id.value += kAlphabet[letter(source)];
    }
    return id;
}

std::filesystem::path defaultWorkspacePath() {
    const char* data = std::getenv("XDG_DATA_HOME");
    const std::filesystem::path base = data != nullptr ? data : "";
    // The specification asks to ignore a path that is not absolute.
    return (base.is_absolute() ? base : homeFolder() / ".local" / "share") / "knife-workbench" / "workspace";
}

Result<void> prepareWorkspace(const std::filesystem::path& folder) {
    Result<int> version = readSchemaVersion(folder);
    if (!version && version.error().code != ErrorCode::NotFound) {
        return tl::unexpected(std::move(version).error());
    }
    if (!version) {
        if (Result<void> made = makeFolder(folder); !made) {
            return made;
        }
        if (Result<void> isFree = checkIsFree(folder); !isFree) {
            // Another process may have been a moment faster.
            version = readSchemaVersion(folder);
            if (!version) {
                return isFree;
            }
        }
    }
    for (const std::filesystem::path& part : {blobFolder(folder), lockFolder(folder)}) {
        if (Result<void> made = makeFolder(part); !made) {
            return made;
        }
    }
    if (version && *version == kSchemaVersion) {
        return {};
    }
    const Result<FileLock> lock = lockWorkspace(folder);
    if (!lock) {
        return tl::unexpected(lock.error());
    }
    version = readSchemaVersion(folder);
    if (!version) {
        return version.error().code == ErrorCode::NotFound ? createDatabase(folder)
                                                           : tl::unexpected(std::move(version).error());
    }
    return *version < kSchemaVersion ? migrateDatabase(folder) : Result<void>();
}

Result<WorkspaceHealth> inspectWorkspace(const std::filesystem::path& folder) {
    const Result<Database> database = Database::open(folder, Database::Access::Read);
    if (!database) {
        std::error_code ignored;
        if (database.error().code == ErrorCode::NotFound && std::filesystem::is_directory(folder, ignored)) {
            if (auto isFree = checkIsFree(folder); !isFree) { // no run could begin there
                return tl::unexpected(isFree.error());
            }
        }
        return tl::unexpected(database.error());
    }
    return database->guarded([&]() -> Result<WorkspaceHealth> {
        WorkspaceHealth health;
        SQLite::Database& connection = database->connection();
        health.schemaVersion = connection.execAndGet("PRAGMA user_version").getInt();
        health.runs = connection.execAndGet("SELECT count(*) FROM run").getInt64();
        std::error_code ignored;
        health.databaseBytes = static_cast<std::int64_t>(std::filesystem::file_size(database->file(), ignored));
        health.problems = integrityProblems(*database);
        inspectBlobs(*database, folder, health);
        inspectLocks(*database, folder, health);
        return health;
    });
}

std::vector<std::pair<std::string, std::string>> storeLibraryVersions() {
    const unsigned xxhash = XXH_versionNumber();
    return {{"SQLite", sqlite3_libversion()},
            {"SQLiteCpp", SQLITECPP_VERSION},
            {"zstd", ZSTD_versionString()},
            {"xxHash", fmt::format("{}.{}.{}", xxhash / 10000, xxhash / 100 % 100, xxhash % 100)}};
}

} // namespace knife
