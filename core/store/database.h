// SPDX-License-Identifier: GPL-3.0-or-later
// One connection to a workspace's SQLite file, and the edge at which SQLite's exceptions become errors. Private to the
// store. One thread at a time.
#pragma once

#include <cerrno>
#include <cstddef>
#include <exception>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <type_traits>

#include <SQLiteCpp/SQLiteCpp.h>

#include "core/types/clocks.h"
#include "core/types/error.h"

namespace knife {

class Database {
  public:
    enum class Access { Read, Write };

    /// Opens the workspace's file. Reading knows all older schemas, so what is read may only name columns of version 1;
    /// writing needs the current one (Unsupported otherwise). A file that is refused (Foreign, NewerVersion, cut short)
    /// has not been touched.
    [[nodiscard]] static Result<Database> open(const std::filesystem::path& workspace, Access access);

    [[nodiscard]] SQLite::Database& connection() const { return *m_connection; }
    [[nodiscard]] const std::filesystem::path& file() const { return m_file; }
    [[nodiscard]] Error translate(const SQLite::Exception& exception) const;
    /// ErrorCode::Io when no path leads to the open file any more: what is written to it then is lost with it, and
    /// SQLite alone would not mind.
    [[nodiscard]] Result<void> checkInPlace() const;

    /// Runs `work`, which returns a Result, and turns exceptions into errors.
    template <typename Work>
    [[nodiscard]] auto guarded(Work&& work) const -> std::invoke_result_t<Work> {
        errno = 0;
        try {
            return work();
        } catch (const SQLite::Exception& exception) {
            return tl::unexpected(translate(exception));
        } catch (const std::exception& exception) { // out of memory, above all
            return tl::unexpected(Error{ErrorCode::Internal, m_file.string() + ": " + exception.what(), {}});
        }
    }

  private:
    Database(std::filesystem::path file, std::unique_ptr<SQLite::Database> connection);

    std::filesystem::path m_file;
    std::unique_ptr<SQLite::Database> m_connection;
};

/// Error of a failed SQLite call; `connection` may be null when it could not even be opened.
[[nodiscard]] Error translateSqlite(const SQLite::Exception& exception, SQLite::Database* connection,
                                    const std::filesystem::path& file);

/// A write transaction; rolled back unless committed. Waits for other writers, at most the busy time-out.
class WriteTransaction {
  public:
    /// Durable: has reached the disk when commit() returns, also through a power cut.
    enum class Promise { SurvivesProcess, Durable };
    explicit WriteTransaction(SQLite::Database& connection, Promise promise = Promise::SurvivesProcess);
    WriteTransaction(const WriteTransaction&) = delete;
    WriteTransaction& operator=(const WriteTransaction&) = delete;
    ~WriteTransaction();
    void commit();

  private:
    /// SQLite waits for the disk with every commit for as long as this lives.
    class FullSync {
      public:
        explicit FullSync(SQLite::Database& connection);
        FullSync(const FullSync&) = delete;
        FullSync& operator=(const FullSync&) = delete;
        ~FullSync();

      private:
        SQLite::Database& m_connection;
    };

    std::optional<FullSync> m_fullSync;
    std::optional<SQLite::Transaction> m_transaction;
};

// SQLite has no NaN: it is stored as NULL.
[[nodiscard]] double readDouble(const SQLite::Column& column);

/// Four columns from `first` on: update_step, env_step, episode, wall_s.
[[nodiscard]] Clocks readClocks(SQLite::Statement& statement, int first);
void bindClocks(SQLite::Statement& statement, int first, const Clocks& clocks);

[[nodiscard]] std::span<const std::byte> readBlob(const SQLite::Column& column);

} // namespace knife
