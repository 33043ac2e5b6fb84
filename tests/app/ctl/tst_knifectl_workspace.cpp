// SPDX-License-Identifier: GPL-3.0-or-later
// Workspaces that cannot be used, and disks that fill up: one clear message, and nothing is damaged.
#include <csignal>

#include <unistd.h>

#include <QDir>
#include <QFile>
#include <QTest>
#include <SQLiteCpp/SQLiteCpp.h>

#include "tests/app/ctl/knifectl.h"

using namespace knife::test;

namespace {

QByteArray contentOf(const QString& path) {
    QFile file(path);
    return file.open(QFile::ReadOnly) ? file.readAll() : QByteArray("unreadable");
}

} // namespace

class TestKnifectlWorkspace : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void init();
    void cleanup() { m_ctl.reset(); }
    void workspaceIsAFile();
    void workspaceCannotBeRead();
    void workspaceCannotBeCreated();
    void workspaceIsMissing_data();
    void workspaceIsMissing();
    void spoilt_data();
    void spoilt();
    void fullDiskKeepsWhatWasStored();
    void fileSizeLimitIsAFullDisk();
    void secondWriterIsRefused();

  private:
    [[nodiscard]] QString database() const { return m_ctl->path("workspace/workspace.sqlite"); }
    void verifyRefused(const Outcome& outcome, const QString& says) const;

    std::unique_ptr<Knifectl> m_ctl;
    QString m_file;
};

void TestKnifectlWorkspace::init() {
    m_ctl = std::make_unique<Knifectl>();
    m_file = m_ctl->write("small.toml", kSmallExperiment);
}

void TestKnifectlWorkspace::verifyRefused(const Outcome& outcome, const QString& says) const {
    VERIFY_EXIT(outcome, 1);
    QVERIFY2(outcome.oneMessage(), outcome.describe());
    QVERIFY2(outcome.err.contains(m_ctl->workspace()), outcome.describe());
    QVERIFY2(outcome.err.contains(says), outcome.describe());
}

void TestKnifectlWorkspace::workspaceIsAFile() {
    m_ctl->write("workspace", "a diary\n");
    verifyRefused(m_ctl->train(m_file), "is not a folder");
    verifyRefused(m_ctl->run({"runs"}), "is not a folder");
    QCOMPARE(contentOf(m_ctl->workspace()), QByteArray("a diary\n"));
}

void TestKnifectlWorkspace::workspaceCannotBeRead() {
    VERIFY_EXIT(m_ctl->train(m_file), 0);
    QFile::setPermissions(m_ctl->workspace(), {});
    // Permissions do not hold root back; without these two capabilities they do.
    const QString without = geteuid() != 0 ? QString()
                                           : "setpriv --bounding-set=-dac_override,-dac_read_search "
                                             "--inh-caps=-dac_override,-dac_read_search ";
    if (!without.isEmpty() && m_ctl->shell(without + "true").exitCode != 0) {
        QSKIP("this machine lets nobody drop capabilities");
    }
    const Outcome train = m_ctl->shell(without + "$KNIFECTL train small.toml --quiet --workspace workspace");
    const Outcome runs = m_ctl->shell(without + "$KNIFECTL runs --workspace workspace");
    QFile::setPermissions(m_ctl->workspace(), QFile::ReadOwner | QFile::WriteOwner | QFile::ExeOwner);
    for (const Outcome& outcome : {train, runs}) {
        VERIFY_EXIT(outcome, 1);
        QVERIFY2(outcome.oneMessage() && outcome.err.contains("Permission denied"), outcome.describe());
    }
    VERIFY_EXIT(m_ctl->run({"show", "last"}), 0);
}

void TestKnifectlWorkspace::workspaceCannotBeCreated() {
    const Outcome outcome = m_ctl->shell("$KNIFECTL train small.toml --workspace /proc/workspace");
    VERIFY_EXIT(outcome, 1);
    QVERIFY2(outcome.oneMessage() && outcome.err.contains("/proc/workspace"), outcome.describe());
}

void TestKnifectlWorkspace::workspaceIsMissing_data() {
    QTest::addColumn<QStringList>("command");
    QTest::newRow("resume") << QStringList{"resume", "last"};
    QTest::newRow("show") << QStringList{"show", "last"};
    QTest::newRow("neurons") << QStringList{"neurons", "last"};
}

void TestKnifectlWorkspace::workspaceIsMissing() {
    QFETCH(const QStringList, command);
    verifyRefused(m_ctl->run(command), "no folder");
    QVERIFY(!QDir(m_ctl->workspace()).exists());
}

void TestKnifectlWorkspace::spoilt_data() {
    QTest::addColumn<QString>("sql"); // done to a sound workspace file; empty: the file becomes text
    QTest::addColumn<QString>("says");
    QTest::newRow("of a newer version") << "PRAGMA user_version = 999"
                                        << "999";
    QTest::newRow("of another program") << "PRAGMA application_id = 42"
                                        << "another program";
    QTest::newRow("no database") << ""
                                 << "not a SQLite file";
}

void TestKnifectlWorkspace::spoilt() {
    QFETCH(const QString, sql);
    QFETCH(const QString, says);
    VERIFY_EXIT(m_ctl->train(m_file), 0);
    if (sql.isEmpty()) {
        m_ctl->write("workspace/workspace.sqlite", "Dear diary, today I trained an agent.\n");
    } else {
        SQLite::Database connection(database().toStdString(), SQLite::OPEN_READWRITE);
        connection.exec(sql.toStdString());
        connection.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    }
    const QByteArray before = contentOf(database());
    for (const QStringList& command : {QStringList{"train", m_file, "--quiet"}, QStringList{"resume", "last"},
                                       QStringList{"runs"}, QStringList{"show", "last"}}) {
        verifyRefused(m_ctl->run(command), says);
    }
    QVERIFY(contentOf(database()) == before);
}

// A run that fits, then one that does not, on a disk of its own that vanishes with the shell.
void TestKnifectlWorkspace::fullDiskKeepsWhatWasStored() {
    const QString disk = "mkdir -p disk && mount -t tmpfs -o size=3m none disk";
    const QString isolate = "unshare --mount bash -c '%1'";
    if (m_ctl->shell(isolate.arg(disk)).exitCode != 0) {
        QSKIP("only root may mount a small disk");
    }
    const Outcome outcome = m_ctl->shell(isolate.arg(disk + R"(
ctl() { "$KNIFECTL" "$@" --workspace disk/w --json --quiet; }
ctl train small.toml >disk/first.json; echo "fits: $?"
ctl train small.toml --set diagnostics.frame_interval=40 --steps 200000 | grep -o "\"status\":\"[a-z]*\""
ctl runs
ctl show last
mount -o remount,size=64m disk
ctl resume last >disk/resumed.json; echo "with room: $?"
)"));
    VERIFY_EXIT(outcome, 0);
    QVERIFY2(outcome.oneMessage() && outcome.err.contains("disk is full"), outcome.describe());
    const QStringList lines = outcome.out.trimmed().split('\n');
    QVERIFY2(lines.size() == 5, outcome.describe());
    QCOMPARE(lines[0], "fits: 0");
    QCOMPARE(lines[1], R"("status":"failed")");
    const QJsonArray runs = QJsonDocument::fromJson(lines[2].toUtf8()).array();
    QCOMPARE(runs.size(), 2);
    QVERIFY2(runs[0]["status"] == "interrupted" || runs[0]["status"] == "failed", outcome.describe());
    QCOMPARE(runs[1]["status"].toString(), "finished");
    const QJsonObject run = QJsonDocument::fromJson(lines[3].toUtf8()).object();
    QVERIFY2(run["env_steps"].toInt() > 0 && !run["metrics"].toArray().isEmpty(), outcome.describe());
    QCOMPARE(lines[4], "with room: 0");
}

void TestKnifectlWorkspace::fileSizeLimitIsAFullDisk() {
    VERIFY_EXIT(m_ctl->train(m_file), 0);
    const Outcome outcome =
        m_ctl->shell("trap '' XFSZ; ulimit -f 400; "
                     "exec $KNIFECTL train small.toml --quiet --json --steps 1000000 --workspace workspace "
                     "--set diagnostics.frame_interval=1");
    VERIFY_EXIT(outcome, 1);
    QVERIFY2(outcome.oneMessage(), outcome.describe());
    QCOMPARE(outcome.object()["status"].toString(), "failed");
    const Outcome runs = m_ctl->run({"runs", "--json"});
    VERIFY_EXIT(runs, 0);
    QCOMPARE(runs.json().array().size(), 2);
    VERIFY_EXIT(m_ctl->train(m_file), 0); // and with room again, work goes on
}

void TestKnifectlWorkspace::secondWriterIsRefused() {
    const auto first = m_ctl->start({"train", m_file, "--steps", "1000000", "--run-id", "writerrun001"});
    first->setReadChannel(QProcess::StandardError);
    QVERIFY(first->waitForReadyRead(60'000));
    const Outcome second = m_ctl->run({"resume", "writerrun001"});
    VERIFY_EXIT(second, 1);
    QVERIFY2(second.oneMessage(), second.describe());
    QVERIFY2(second.err.contains(QString("process %1").arg(first->processId())), second.describe());
    QCOMPARE(first->state(), QProcess::Running);
    ::kill(static_cast<pid_t>(first->processId()), SIGINT);
    VERIFY_EXIT(Knifectl::wait(*first), 130);
}

QTEST_GUILESS_MAIN(TestKnifectlWorkspace)
#include "tst_knifectl_workspace.moc"
