// SPDX-License-Identifier: GPL-3.0-or-later
// Files that are not what they should be: one clear error each, and not a byte changed.
#include <array>

#include <SQLiteCpp/SQLiteCpp.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/store/database.h"
#include "core/store/layout.h"
#include "core/store/schema.h"
#include "store_test.h"

using namespace knife;
using namespace knife::test;

namespace {

void execute(const std::filesystem::path& file, const std::string& sql) {
    SQLite::Database(file.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE).exec(sql);
}

std::string queryText(const std::filesystem::path& file, const std::string& sql) {
    SQLite::Database database(file.string(), SQLite::OPEN_READONLY);
    return database.execAndGet(sql).getString();
}

} // namespace

class TestStoreRefusals : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void init() { m_workspace = std::make_unique<TemporaryWorkspace>(); }

    void aNewerVersion() {
        KNIFE_VERIFY(prepareWorkspace(path()));
        const std::string newer = std::to_string(kSchemaVersion + 1);
        execute(databaseFile(path()), "PRAGMA user_version = " + newer);
        expectRefusal(ErrorCode::NewerVersion, "schema version " + newer);
    }

    void anotherProgramsDatabase() {
        std::filesystem::create_directories(path());
        execute(databaseFile(path()), "CREATE TABLE moz_places(id INTEGER); PRAGMA user_version = 1");
        expectRefusal(ErrorCode::Foreign, "another program");
    }

    void notADatabase() {
        writeFile(databaseFile(path()), std::string(5000, 'x'));
        expectRefusal(ErrorCode::Foreign, "not a SQLite file");
    }

    void aFewForeignBytes() {
        writeFile(databaseFile(path()), "hello");
        expectRefusal(ErrorCode::Foreign, "not a SQLite file");
    }

    void anEmptyFile() {
        writeFile(databaseFile(path()), "");
        expectRefusal(ErrorCode::Corrupt, "empty");
    }

    void aHeaderCutOff() {
        KNIFE_VERIFY(prepareWorkspace(path()));
        std::filesystem::resize_file(databaseFile(path()), 50);
        expectRefusal(ErrorCode::Corrupt, "cut off");
    }

    void aFileCutInHalf() {
        KNIFE_VERIFY(prepareWorkspace(path()));
        std::filesystem::resize_file(databaseFile(path()), std::filesystem::file_size(databaseFile(path())) / 2);
        expectRefusal(ErrorCode::Corrupt, "damaged");
    }

    void aFileInPlaceOfTheFolder() {
        writeFile(path(), "not a folder");
        expectRefusal(ErrorCode::Foreign, "not a folder");
    }

    void aFolderInPlaceOfTheFile() {
        std::filesystem::create_directories(databaseFile(path()));
        expectRefusal(ErrorCode::Foreign, "not a file");
    }

    void aFolderWithOtherThings() {
        writeFile(path() / "thesis.tex", "\\documentclass{book}");
        const auto before = contentOf(path());
        const Result<void> prepared = prepareWorkspace(path());
        QVERIFY(!prepared);
        QVERIFY(prepared.error().code == ErrorCode::Foreign);
        QVERIFY(prepared.error().message.find("thesis.tex") != std::string::npos);
        QVERIFY(contentOf(path()) == before);
    }

    void aMissingFolderIsNotMadeByReading() {
        const auto reader = RunReader::open(path());
        QVERIFY(!reader);
        QVERIFY(reader.error().code == ErrorCode::NotFound);
        QVERIFY(!std::filesystem::exists(path()));
    }

    void damagedPages() {
        KNIFE_VERIFY(prepareWorkspace(path()));
        std::string content = readFile(databaseFile(path()));
        std::fill(content.begin() + 100, content.end(), '\xAA');
        writeFile(databaseFile(path()), content);
        const auto reader = RunReader::open(path());
        QVERIFY(!reader);
        QVERIFY(reader.error().code == ErrorCode::Corrupt);
        QVERIFY(RunWriter::create(path(), newRun()).error().code == ErrorCode::Corrupt);
        QVERIFY(readFile(databaseFile(path())) == content);
    }

    void missingTables() {
        KNIFE_VERIFY(prepareWorkspace(path()));
        execute(databaseFile(path()), "DROP TABLE chunk; DROP TABLE metric; DROP TABLE event; DROP TABLE frame; "
                                      "DROP TABLE surgery; DROP TABLE checkpoint; DROP TABLE segment; DROP TABLE run");
        const auto reader = RunReader::open(path());
        KNIFE_VERIFY(reader);
        QVERIFY((*reader)->runs().error().code == ErrorCode::Corrupt);
        QVERIFY(RunWriter::create(path(), newRun()).error().code == ErrorCode::Corrupt);
    }

    void aFlippedBitInAChunkIsNamed() {
        KNIFE_VERIFY(prepareWorkspace(path()));
        auto writer = *RunWriter::create(path(), newRun());
        const RunId id = writer->id();
        for (int update = 0; update < 5000; ++update) {
            writer->point(writer->metric("loss"), clocksAt(update), update);
            if (update == 4500) {
                KNIFE_VERIFY(writer->checkpoint(clocksAt(update), std::as_bytes(std::span("weights")), 1));
            }
        }
        KNIFE_VERIFY(writer->flush());
        writer.reset();
        execute(databaseFile(path()),
                "UPDATE chunk SET data = CAST(substr(data, 1, 100) || X'00' || substr(data, 102) AS "
                "BLOB) WHERE start = 4096");
        const auto reader = *RunReader::open(path());
        const Result<Series> series = reader->series(id, "loss");
        QVERIFY(!series);
        QVERIFY(series.error().code == ErrorCode::Corrupt);
        for (const std::string& part : {id.value, std::string("metric loss"), std::string("point 4096")}) {
            QVERIFY2(series.error().message.find(part) != std::string::npos, series.error().message.c_str());
        }
        // The chunk would have to be cut in the middle.
        const Result<void> resumed = (*RunWriter::takeOver(path(), id))->goOnFrom(reader->checkpoints(id)->front());
        QVERIFY(!resumed);
        QVERIFY(resumed.error().code == ErrorCode::Corrupt);
        QVERIFY(reader->run(id)->state == RunState::Interrupted);
    }

    void aWorkspaceThatIsTakenAwayIsNoticed_data() {
        QTest::addColumn<bool>("replaced");
        QTest::newRow("deleted") << false;
        QTest::newRow("replaced by another one") << true;
    }

    void aWorkspaceThatIsTakenAwayIsNoticed() {
        QFETCH(bool, replaced);
        KNIFE_VERIFY(prepareWorkspace(path()));
        auto writer = *RunWriter::create(path(), newRun());
        writer->point(writer->metric("loss"), clocksAt(1), 1.0);
        KNIFE_VERIFY(writer->flush());
        std::filesystem::remove_all(path());
        if (replaced) {
            KNIFE_VERIFY(prepareWorkspace(path()));
        }
        const Result<void> flushed = writer->flush();
        QVERIFY(!flushed);
        QVERIFY(flushed.error().code == ErrorCode::Io);
        QVERIFY2(flushed.error().message.find("deleted") != std::string::npos, flushed.error().message.c_str());
        QVERIFY(flushed.error().message.find(path().string()) != std::string::npos);
        QVERIFY(writer->failure());
        QVERIFY(!writer->checkpoint(clocksAt(2), std::as_bytes(std::span("weights")), 1));
        QVERIFY(!writer->close(RunState::Finished, "", clocksAt(2), ""));
        writer.reset();
        QCOMPARE(std::filesystem::exists(path()), replaced); // nothing is brought back
        if (replaced) {
            QVERIFY(inspectWorkspace(path())->problems.empty());
            QCOMPARE((*RunReader::open(path()))->runs()->size(), 0U);
        }
    }

    void aMissingChunkIsNoticed() {
        KNIFE_VERIFY(prepareWorkspace(path()));
        auto writer = *RunWriter::create(path(), newRun());
        const RunId id = writer->id();
        for (int update = 0; update < 9000; ++update) {
            writer->point(writer->metric("loss"), clocksAt(update), update);
        }
        KNIFE_VERIFY(writer->flush());
        execute(databaseFile(path()), "DELETE FROM chunk WHERE start = 4096");
        const auto reader = *RunReader::open(path());
        QVERIFY(reader->series(id, "loss").error().code == ErrorCode::Corrupt);
        QVERIFY(reader->series(id, "loss", 5000).error().code == ErrorCode::Corrupt);
        QCOMPARE(reader->series(id, "loss", 8500)->size(), 500U);
    }

    void aDamagedFrameIsAnError() {
        KNIFE_VERIFY(prepareWorkspace(path()));
        auto writer = *RunWriter::create(path(), newRun());
        NeuronFrame frame;
        frame.sites = {{"agent.fc1", 100, true, "", {{"rua", std::vector<float>(100, 1.F)}}, {}}};
        writer->frame(frame);
        writer->surgery({});
        KNIFE_VERIFY(writer->flush());
        execute(databaseFile(path()), "UPDATE frame SET data = X'28B52FFD'; UPDATE surgery SET data = X'FF'");
        const auto reader = *RunReader::open(path());
        QVERIFY(reader->frameAt(writer->id(), UpdateStep{1}).error().code == ErrorCode::Corrupt);
        QVERIFY(reader->surgeries(writer->id()).error().code == ErrorCode::Corrupt);
    }

    void aDamagedEpisodeIsAnError() {
        KNIFE_VERIFY(prepareWorkspace(path()));
        auto writer = *RunWriter::create(path(), newRun());
        writer->episode({.clocks = clocksAt(1), .moments = std::vector<EnvView>(50)});
        KNIFE_VERIFY(writer->flush());
        const auto reader = *RunReader::open(path());
        const std::int64_t id = reader->episodes(writer->id())->front().id;
        KNIFE_VERIFY(reader->episode(writer->id(), id));
        // The last one says that it stands for 2^62 bytes.
        for (const char* change : {"data = X'28B52FFD'", "data = X''", "data = zeroblob(100)", "bytes = -1",
                                   "bytes = 7", "data = X'28B52FFDC00000000000000040010000'"}) {
            execute(databaseFile(path()), std::string("UPDATE recording SET ") + change);
            const auto episode = reader->episode(writer->id(), id);
            QVERIFY2(!episode && episode.error().code == ErrorCode::Corrupt, change);
            QCOMPARE(reader->episodes(writer->id())->size(), 1U);
        }
    }

    void aFolderThatCannotBeRead() {
        if (geteuid() == 0) {
            QSKIP("root can read everything");
        }
        KNIFE_VERIFY(prepareWorkspace(path()));
        chmod(databaseFile(path()).c_str(), 0);
        expectRefusal(ErrorCode::Io, "Permission denied");
        chmod(databaseFile(path()).c_str(), 0600);
    }

    void aFolderThatCannotBeWritten() {
        if (geteuid() == 0) {
            QSKIP("root can write everywhere");
        }
        KNIFE_VERIFY(prepareWorkspace(path()));
        chmod(path().c_str(), 0500);
        const Result<std::unique_ptr<RunReader>> reader = RunReader::open(path());
        const Result<std::vector<RunRecord>> runs = reader ? (*reader)->runs() : Result<std::vector<RunRecord>>();
        const Result<std::unique_ptr<RunWriter>> writer = RunWriter::create(path(), newRun());
        chmod(path().c_str(), 0700);
        KNIFE_VERIFY(reader);
        KNIFE_VERIFY(runs);
        QVERIFY(!writer);
        QVERIFY(writer.error().code == ErrorCode::Io);
    }

    void aDurableTransactionThatCannotBeginLeavesNoTrace() {
        KNIFE_VERIFY(prepareWorkspace(path()));
        const Database blocker = std::move(*Database::open(path(), Database::Access::Write));
        const WriteTransaction blocking(blocker.connection());
        const Database database = std::move(*Database::open(path(), Database::Access::Write));
        database.connection().exec("PRAGMA busy_timeout = 0");
        const auto synchronous = [&] {
            return database.connection().execAndGet("PRAGMA synchronous").getInt();
        };
        const int usual = synchronous();
        QVERIFY_EXCEPTION_THROWN(WriteTransaction(database.connection(), WriteTransaction::Promise::Durable),
                                 SQLite::Exception);
        QCOMPARE(synchronous(), usual);
    }

    void anInterruptedCreationIsFinished() {
        KNIFE_VERIFY(prepareWorkspace(path()));
        std::filesystem::rename(databaseFile(path()), path() / "workspace.sqlite.new");
        writeFile(path() / "workspace.sqlite.new-journal", "left behind");
        KNIFE_VERIFY(prepareWorkspace(path()));
        QVERIFY(std::filesystem::exists(databaseFile(path())));
        QVERIFY(!std::filesystem::exists(path() / "workspace.sqlite.new"));
        QVERIFY(inspectWorkspace(path())->problems.empty());
    }

    void migrationKeepsABackup() {
        std::filesystem::create_directories(path());
        const std::filesystem::path file = path() / "old.sqlite";
        constexpr std::array kSteps = {"CREATE TABLE a(x) STRICT", "CREATE TABLE b(y INTEGER) STRICT",
                                       "CREATE TABLE c(z INTEGER) STRICT"};
        execute(file, "CREATE TABLE a(x INTEGER) STRICT; INSERT INTO a VALUES (42); PRAGMA user_version = 1");
        SQLite::Database database(file.string(), SQLite::OPEN_READWRITE);
        KNIFE_VERIFY(migrate(database, file, kSteps));
        QCOMPARE(queryText(file, "PRAGMA user_version"), std::string("3"));
        QCOMPARE(queryText(file, "SELECT x FROM a"), std::string("42"));
        QCOMPARE(queryText(file, "SELECT count(*) FROM sqlite_schema"), std::string("3"));
        const std::filesystem::path backup = path() / "old.sqlite.v1.backup";
        QCOMPARE(queryText(backup, "PRAGMA user_version"), std::string("1"));
        QCOMPARE(queryText(backup, "SELECT count(*) FROM sqlite_schema"), std::string("1"));
    }

    void aFailedMigrationChangesNothing() {
        std::filesystem::create_directories(path());
        const std::filesystem::path file = path() / "old.sqlite";
        constexpr std::array kSteps = {"CREATE TABLE a(x INTEGER) STRICT", "CREATE TABLE b(y INTEGER) STRICT",
                                       "CREATE TABLE a(z INTEGER) STRICT"};
        execute(file, "CREATE TABLE a(x INTEGER) STRICT; PRAGMA user_version = 1");
        const std::string before = readFile(file);
        {
            SQLite::Database database(file.string(), SQLite::OPEN_READWRITE);
            QVERIFY(!migrate(database, file, kSteps));
        }
        QVERIFY(readFile(file) == before);
    }

  private:
    [[nodiscard]] const std::filesystem::path& path() const { return m_workspace->path(); }

    /// Everybody who could open the workspace refuses it with this code and these words, and leaves it alone.
    void expectRefusal(ErrorCode code, const std::string& words) {
        const auto before = contentOf(path());
        const std::array<Error, 4> errors = {prepareWorkspace(path()).error(), RunReader::open(path()).error(),
                                             RunWriter::create(path(), newRun()).error(),
                                             inspectWorkspace(path()).error()};
        for (const Error& error : errors) {
            QVERIFY2(error.code == code, error.describe().c_str());
            QVERIFY2(error.message.find(words) != std::string::npos, error.describe().c_str());
            QVERIFY2(error.message.find(path().string()) != std::string::npos, error.describe().c_str());
        }
        QVERIFY(contentOf(path()) == before); // no file changed, and none left beside it
    }

    std::unique_ptr<TemporaryWorkspace> m_workspace;
};

QTEST_APPLESS_MAIN(TestStoreRefusals)
#include "tst_store_refusals.moc"
