// SPDX-License-Identifier: GPL-3.0-or-later
// A workspace that the previous schema wrote: read as it is, and brought up to date with a backup before it is written.
#include <SQLiteCpp/SQLiteCpp.h>

#include "core/store/layout.h"
#include "core/store/schema.h"
#include "store_test.h"

using namespace knife;
using namespace knife::test;

namespace {

const RunId kRun{"0123456789ab"};

std::filesystem::path fixture() {
    return std::filesystem::path(KNIFE_SOURCE_DIR) / "tests/core/store/fixtures/schema1";
}

std::string queryText(const std::filesystem::path& file, const std::string& sql) {
    SQLite::Database database(file.string(), SQLite::OPEN_READONLY);
    return database.execAndGet(sql).getString();
}

void expectTheStoredRun(const std::filesystem::path& workspace) {
    const auto reader = RunReader::open(workspace);
    KNIFE_VERIFY(reader);
    const Result<RunRecord> record = (*reader)->run(kRun);
    KNIFE_VERIFY(record);
    QVERIFY(record->state == RunState::Interrupted);
    QCOMPARE(record->experiment, std::string("written by schema 1"));
    QCOMPARE((*reader)->series(kRun, "loss")->size(), 40U);
    QCOMPARE((*reader)->events(kRun)->size(), 3U);
    QCOMPARE((*reader)->frames(kRun)->size(), 1U);
    QCOMPARE((*reader)->surgeries(kRun)->size(), 1U);
    const auto checkpoints = (*reader)->checkpoints(kRun);
    KNIFE_VERIFY(checkpoints);
    QCOMPARE(checkpoints->size(), 1U);
    KNIFE_VERIFY((*reader)->checkpointContent(checkpoints->front()));
}

} // namespace

class TestStoreMigration : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void init() {
        m_workspace = std::make_unique<TemporaryWorkspace>();
        std::filesystem::create_directories(path());
        std::filesystem::copy(fixture() / "blobs", blobFolder(path()), std::filesystem::copy_options::recursive);
        SQLite::Database(databaseFile(path()).string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE)
            .exec(readFile(fixture() / "workspace.sql"));
    }

    void schema1IsReadWithoutBeingChanged() {
        const std::string before = readFile(databaseFile(path()));
        expectTheStoredRun(path());
        const Result<WorkspaceHealth> health = inspectWorkspace(path());
        KNIFE_VERIFY(health);
        QCOMPARE(health->schemaVersion, 1);
        QVERIFY(health->problems.empty());
        QVERIFY(readFile(databaseFile(path())) == before);
    }

    void schema1IsNotWrittenBeforeItIsMigrated() {
        QVERIFY(RunWriter::create(path(), newRun()).error().code == ErrorCode::Unsupported);
        QVERIFY(RunWriter::takeOver(path(), kRun).error().code == ErrorCode::Unsupported);
        QCOMPARE(*readSchemaVersion(path()), 1);
    }

    void schema1IsMigratedAfterABackup() {
        const std::string before = queryText(databaseFile(path()), "SELECT group_concat(sql) FROM sqlite_schema");
        KNIFE_VERIFY(prepareWorkspace(path()));
        QCOMPARE(*readSchemaVersion(path()), kSchemaVersion);
        expectTheStoredRun(path());
        QVERIFY(inspectWorkspace(path())->problems.empty());
        const std::filesystem::path backup = path() / "workspace.sqlite.v1.backup";
        QCOMPARE(queryText(backup, "PRAGMA user_version"), std::string("1"));
        QCOMPARE(queryText(backup, "SELECT group_concat(sql) FROM sqlite_schema"), before);
        QCOMPARE(queryText(backup, "SELECT count(*) FROM chunk"), std::string("2"));

        // What the backup is worth: put in place, it is the workspace of before.
        for (const char* log : {"workspace.sqlite-wal", "workspace.sqlite-shm"}) {
            std::filesystem::remove(path() / log);
        }
        std::filesystem::rename(backup, databaseFile(path()));
        expectTheStoredRun(path());
    }

    void aCheckpointOfSchema1IsGoneBackToByItsClocks() {
        KNIFE_VERIFY(prepareWorkspace(path()));
        const auto reader = *RunReader::open(path());
        const CheckpointRecord checkpoint = reader->checkpoints(kRun)->front();
        Result<std::unique_ptr<RunWriter>> writer = RunWriter::takeOver(path(), kRun);
        KNIFE_VERIFY(writer);
        KNIFE_VERIFY((*writer)->goOnFrom(checkpoint));
        QCOMPARE(reader->series(kRun, "loss")->size(), 20U);
        QCOMPARE(reader->series(kRun, "loss")->value.back(), 20.0);
        QCOMPARE(reader->series(kRun, "test/return")->size(), 2U);
        QCOMPARE(reader->events(kRun)->size(), 2U);
        QCOMPARE(reader->frames(kRun)->size(), 1U);
        QCOMPARE(reader->surgeries(kRun)->size(), 1U);
        QVERIFY(reader->segments(kRun)->front().end == checkpoint.clocks);
        KNIFE_VERIFY((*writer)->close(RunState::Finished, "", checkpoint.clocks, ""));
        QVERIFY(inspectWorkspace(path())->problems.empty());
    }

  private:
    [[nodiscard]] const std::filesystem::path& path() const { return m_workspace->path(); }
    std::unique_ptr<TemporaryWorkspace> m_workspace;
};

QTEST_APPLESS_MAIN(TestStoreMigration)
#include "tst_store_migration.moc"
