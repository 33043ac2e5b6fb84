// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/store/database.h"

#include <cerrno>
#include <limits>
#include <span>
#include <utility>

#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include "core/protocol/system_file.h"
#include "core/store/layout.h"
#include "core/store/schema.h"
#include "core/store/workspace.h"

namespace knife {
namespace {

constexpr int kBusyTimeoutMs = 5000;

ErrorCode codeOf(int sqliteCode, int systemNumber) {
    switch (sqliteCode) {
    case SQLITE_FULL:
        return ErrorCode::DiskFull;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_ERROR: // our own statements are right: a table or column that is missing was taken away
    case SQLITE_SCHEMA:
        return ErrorCode::Corrupt;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ErrorCode::Locked;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return systemError("", {}, systemNumber).code;
    default:
        return ErrorCode::Internal;
    }
}

/// A file system that nobody can write to has no place for SQLite's shared memory; the file does not change either.
std::string readOnlyName(const std::filesystem::path& file) {
    std::filesystem::path wal = file;
    wal += "-wal";
    const bool frozen = access(file.parent_path().c_str(), W_OK) != 0 && access(wal.c_str(), F_OK) != 0;
    if (!frozen) {
        return file.string();
    }
    std::string name = "file:";
    for (const char letter : file.string()) {
        const bool special = letter == '%' || letter == '?' || letter == '#';
        name += special ? fmt::format("%{:02X}", static_cast<unsigned char>(letter)) : std::string(1, letter);
    }
    return name + "?immutable=1";
}

void configure(SQLite::Database& connection, Database::Access access) {
    // A workspace may come from somebody else: nothing in its schema may call functions.
    connection.exec("PRAGMA trusted_schema = OFF");
    if (access == Database::Access::Read) {
        connection.exec("PRAGMA query_only = ON");
        return;
    }
    connection.exec("PRAGMA foreign_keys = ON");
    connection.exec("PRAGMA synchronous = NORMAL");
    connection.exec("PRAGMA journal_size_limit = 67108864");
}

} // namespace

Error translateSqlite(const SQLite::Exception& exception, SQLite::Database* connection,
                      const std::filesystem::path& file) {
    const int primary = exception.getErrorCode() & 0xFF;
    // SQLite forgets the reason when a commit fails (a quota, a limit on file sizes); errno still has it.
    const int lastNumber = errno;
    const int known = connection != nullptr ? sqlite3_system_errno(connection->getHandle()) : 0;
    const int systemNumber = known != 0 ? known : lastNumber;
    const ErrorCode code = codeOf(primary, systemNumber);
    return {code, fmt::format("{}: {}", file.string(), exception.what()), {}};
}

Database::Database(std::filesystem::path file, std::unique_ptr<SQLite::Database> connection)
    : m_file(std::move(file)), m_connection(std::move(connection)) {}

Error Database::translate(const SQLite::Exception& exception) const {
    return translateSqlite(exception, m_connection.get(), m_file);
}

Result<void> Database::checkInPlace() const {
    int moved = 0;
    const int outcome = sqlite3_file_control(m_connection->getHandle(), "main", SQLITE_FCNTL_HAS_MOVED, &moved);
    if (outcome == SQLITE_OK && moved != 0) {
        return fail(ErrorCode::Io,
                    fmt::format("{} has been deleted, moved or replaced while it was in use", m_file.string()));
    }
    return {};
}

Result<Database> Database::open(const std::filesystem::path& workspace, Access access) {
    const Result<int> version = readSchemaVersion(workspace);
    if (!version) {
        return tl::unexpected(version.error());
    }
    const std::filesystem::path file = databaseFile(workspace);
    if (*version < kSchemaVersion && access == Access::Write) {
        return fail(ErrorCode::Unsupported, fmt::format("{} is of schema version {}; it must be brought to version {} "
                                                        "before anything is written",
                                                        file.string(), *version, kSchemaVersion));
    }
    std::unique_ptr<SQLite::Database> connection;
    try {
        const int flags = access == Access::Read ? SQLite::OPEN_READONLY | SQLite::OPEN_URI : SQLite::OPEN_READWRITE;
        const std::string name = access == Access::Read ? readOnlyName(file) : file.string();
        connection = std::make_unique<SQLite::Database>(name, flags, kBusyTimeoutMs);
        configure(*connection, access);
        // The first read finds out what the header could not tell.
        connection->execAndGet("SELECT count(*) FROM sqlite_schema");
    } catch (const SQLite::Exception& exception) {
        return tl::unexpected(translateSqlite(exception, connection.get(), file));
    }
    return Database(file, std::move(connection));
}

WriteTransaction::FullSync::FullSync(SQLite::Database& connection) : m_connection(connection) {
    m_connection.exec("PRAGMA synchronous = FULL");
}

WriteTransaction::FullSync::~FullSync() {
    m_connection.tryExec("PRAGMA synchronous = NORMAL");
}

WriteTransaction::WriteTransaction(SQLite::Database& connection, Promise promise) {
    if (promise == Promise::Durable) {
        m_fullSync.emplace(connection);
    }
    m_transaction.emplace(connection, SQLite::TransactionBehavior::IMMEDIATE);
}

WriteTransaction::~WriteTransaction() {
    const int number = errno; // of what failed, for translateSqlite(); rolling back must not hide it
    m_transaction.reset();
    m_fullSync.reset();
    errno = number;
}

void WriteTransaction::commit() {
    m_transaction->commit();
}

double readDouble(const SQLite::Column& column) {
    return column.isNull() ? std::numeric_limits<double>::quiet_NaN() : column.getDouble();
}

Clocks readClocks(SQLite::Statement& statement, int first) {
    return {UpdateStep{statement.getColumn(first).getInt64()}, EnvStep{statement.getColumn(first + 1).getInt64()},
            Episode{statement.getColumn(first + 2).getInt64()}, readDouble(statement.getColumn(first + 3))};
}

void bindClocks(SQLite::Statement& statement, int first, const Clocks& clocks) {
    statement.bind(first, clocks.update.value);
    statement.bind(first + 1, clocks.envStep.value);
    statement.bind(first + 2, clocks.episode.value);
    statement.bind(first + 3, clocks.wallS);
}

std::span<const std::byte> readBlob(const SQLite::Column& column) {
    return {static_cast<const std::byte*>(column.getBlob()), static_cast<std::size_t>(column.getBytes())};
}

} // namespace knife
