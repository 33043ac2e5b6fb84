// SPDX-License-Identifier: GPL-3.0-or-later
// Workspaces that earlier schemas wrote: read as it is, and brought up to date with a backup before it is written.
#include <SQLiteCpp/SQLiteCpp.h>

#include "core/store/layout.h"
#include "core/store/schema.h"
#include "store_test.h"

using namespace knife;
using namespace knife::test;

namespace {

const RunId kRun{"0123456789ab"};

std::filesystem::path fixture(int version) {
    return std::filesystem::path(KNIFE_SOURCE_DIR) / "tests/core/store/fixtures" / ("schema" + std::to_string(version));
}

/// Frames of the run before and after its checkpoint.
int framesOf(int version) {
    return version == 1 ? 1 : 2;
}

std::string queryText(const std::filesystem::path& file, const std::string& sql) {
    SQLite::Database database(file.string(), SQLite::OPEN_READONLY);
    return database.execAndGet(sql).getString();
}

void expectTheStoredRun(const std::filesystem::path& workspace, int version) {
    const auto reader = RunReader::open(workspace);
    KNIFE_VERIFY(reader);
    const Result<RunRecord> record = (*reader)->run(kRun);
    KNIFE_VERIFY(record);
    QVERIFY(record->state == RunState::Interrupted);
    QCOMPARE(record->experiment, "written by schema " + std::to_string(version));
    QCOMPARE((*reader)->series(kRun, "loss")->size(), 40U);
    QCOMPARE((*reader)->events(kRun)->size(), 3U);
    QCOMPARE((*reader)->frames(kRun)->size(), static_cast<std::size_t>(framesOf(version)));
    QCOMPARE((*reader)->surgeries(kRun)->size(), 1U);
    QVERIFY((*reader)->episodes(kRun)->empty());
    QVERIFY((*reader)->episode(kRun, 1).error().code == ErrorCode::NotFound);
    const auto checkpoints = (*reader)->checkpoints(kRun);
    KNIFE_VERIFY(checkpoints);
    QCOMPARE(checkpoints->size(), 1U);
    KNIFE_VERIFY((*reader)->checkpointContent(checkpoints->front()));
}

} // namespace

class TestStoreMigration : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void everySchemaIsReadWithoutBeingChanged_data() { versions(); }
    void everySchemaIsReadWithoutBeingChanged() {
        QFETCH(int, version);
        layOut(version);
        const std::string before = readFile(databaseFile(path()));
        expectTheStoredRun(path(), version);
        const Result<WorkspaceHealth> health = inspectWorkspace(path());
        KNIFE_VERIFY(health);
        QCOMPARE(health->schemaVersion, version);
        QVERIFY(health->problems.empty());
        QVERIFY(readFile(databaseFile(path())) == before);
    }

    void noneIsWrittenBeforeItIsMigrated_data() { versions(); }
    void noneIsWrittenBeforeItIsMigrated() {
        QFETCH(int, version);
        layOut(version);
        QVERIFY(RunWriter::create(path(), newRun()).error().code == ErrorCode::Unsupported);
        QVERIFY(RunWriter::takeOver(path(), kRun).error().code == ErrorCode::Unsupported);
        QCOMPARE(*readSchemaVersion(path()), version);
    }

    void eachIsMigratedAfterABackup_data() { versions(); }
    void eachIsMigratedAfterABackup() {
        QFETCH(int, version);
        layOut(version);
        const std::string before = queryText(databaseFile(path()), "SELECT group_concat(sql) FROM sqlite_schema");
        KNIFE_VERIFY(prepareWorkspace(path()));
        QCOMPARE(*readSchemaVersion(path()), kSchemaVersion);
        expectTheStoredRun(path(), version);
        QVERIFY(inspectWorkspace(path())->problems.empty());
        const std::filesystem::path backup = path() / ("workspace.sqlite.v" + std::to_string(version) + ".backup");
        QCOMPARE(queryText(backup, "PRAGMA user_version"), std::to_string(version));
        QCOMPARE(queryText(backup, "SELECT group_concat(sql) FROM sqlite_schema"), before);
        QCOMPARE(queryText(backup, "SELECT count(*) FROM chunk"), std::string("2"));

        // What the backup is worth: put in place, it is the workspace of before.
        for (const char* log : {"workspace.sqlite-wal", "workspace.sqlite-shm"}) {
            std::filesystem::remove(path() / log);
        }
        std::filesystem::rename(backup, databaseFile(path()));
        expectTheStoredRun(path(), version);
    }

    // What schema 1 does not remember is judged by its clocks; what schema 2 does not, episodes, came later in any
    // case.
    void anOlderCheckpointIsGoneBackTo_data() { versions(); }
    void anOlderCheckpointIsGoneBackTo() {
        QFETCH(int, version);
        layOut(version);
        KNIFE_VERIFY(prepareWorkspace(path()));
        const auto reader = *RunReader::open(path());
        const CheckpointRecord checkpoint = reader->checkpoints(kRun)->front();
        {
            Result<std::unique_ptr<RunWriter>> writer = RunWriter::takeOver(path(), kRun);
            KNIFE_VERIFY(writer);
            (*writer)->episode({.clocks = clocksAt(40), .moments = {EnvView()}});
            KNIFE_VERIFY((*writer)->flush());
            QCOMPARE(reader->episodes(kRun)->size(), 1U);
        }
        Result<std::unique_ptr<RunWriter>> writer = RunWriter::takeOver(path(), kRun);
        KNIFE_VERIFY(writer);
        KNIFE_VERIFY((*writer)->goOnFrom(checkpoint));
        QCOMPARE(reader->series(kRun, "loss")->size(), 20U);
        QCOMPARE(reader->series(kRun, "loss")->value.back(), 20.0);
        QCOMPARE(reader->series(kRun, "test/return")->size(), 2U);
        QCOMPARE(reader->events(kRun)->size(), 2U);
        QCOMPARE(reader->frames(kRun)->size(), 1U);
        QCOMPARE(reader->surgeries(kRun)->size(), 1U);
        QVERIFY(reader->episodes(kRun)->empty());
        QVERIFY(reader->segments(kRun)->front().end == checkpoint.clocks);
        KNIFE_VERIFY((*writer)->close(RunState::Finished, "", checkpoint.clocks, ""));
        QVERIFY(inspectWorkspace(path())->problems.empty());
    }

  private:
    static void versions() {
        QTest::addColumn<int>("version");
        for (int version = 1; version < kSchemaVersion; ++version) {
            QTest::addRow("schema %d", version) << version;
        }
    }
    void layOut(int version) {
        m_workspace = std::make_unique<TemporaryWorkspace>();
        std::filesystem::create_directories(path());
        std::filesystem::copy(fixture(version) / "blobs", blobFolder(path()), std::filesystem::copy_options::recursive);
        SQLite::Database(databaseFile(path()).string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE)
            .exec(readFile(fixture(version) / "workspace.sql"));
    }
    [[nodiscard]] const std::filesystem::path& path() const { return m_workspace->path(); }
    std::unique_ptr<TemporaryWorkspace> m_workspace;
};

QTEST_APPLESS_MAIN(TestStoreMigration)
#include "tst_store_migration.moc"
