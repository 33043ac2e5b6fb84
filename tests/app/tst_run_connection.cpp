// SPDX-License-Identifier: GPL-3.0-or-later
#include <atomic>
#include <filesystem>
#include <mutex>

#include <QLocalServer>
#include <QLocalSocket>
#include <QSignalSpy>
#include <QTemporaryDir>
#include <QTest>

#include "app/workbench/run_connection.h"
#include "core/protocol/channel.h"

using namespace knife;

namespace {

constexpr int kWaitMs = 5000;

/// Each test has a socket of its own.
RunId nextRun() {
    static int number = 0;
    return RunId{"testrun" + std::to_string(10'000 + ++number)};
}

/// A run process's end of the channel, in this process.
class FakeRun {
  public:
    explicit FakeRun(const RunId& run) {
        ControlServer::Handlers handlers;
        handlers.command = [this](const Command& command) {
            const std::lock_guard lock(m_mutex);
            m_commands.push_back(command);
        };
        handlers.snapshotWanted = [this] {
            ++snapshotsWanted;
        };
        auto listening = ControlServer::listen(run, {kProtocolVersion, "fake 1.0", run}, std::move(handlers));
        if (!listening) {
            qFatal("%s", listening.error().describe().c_str());
        }
        server = std::move(*listening);
    }
    [[nodiscard]] std::vector<Command> commands() {
        const std::lock_guard lock(m_mutex);
        return m_commands;
    }

    std::unique_ptr<ControlServer> server;
    std::atomic<int> snapshotsWanted = 0;

  private:
    std::mutex m_mutex;
    std::vector<Command> m_commands;
};

Snapshot bigSnapshot() {
    Snapshot snapshot;
    snapshot.state = RunState::Running;
    SiteSnapshot site;
    site.name = "agent.fc1";
    site.units = 50'000;
    site.diagnostics.push_back({"rua", std::vector<float>(50'000, 0.5F)});
    snapshot.neurons.sites.push_back(site);
    return snapshot;
}

} // namespace

class TestRunConnection final : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void initTestCase() {
        QVERIFY(m_runtime.isValid());
        qputenv("XDG_RUNTIME_DIR", m_runtime.path().toUtf8());
        QFile::setPermissions(m_runtime.path(), QFile::ReadOwner | QFile::WriteOwner | QFile::ExeOwner);
    }
    void attachesAsSoonAsTheRunListens();
    void commandsAreAnsweredById();
    void aSnapshotIsAskedForOnlyAfterTheLastOneCame();
    void aCommandWithoutALinkIsRefused();
    void aDeadPeerAnswersEverythingAndIsTriedAgain();
    void survivesNonsense_data();
    void survivesNonsense();
    void survivesDeathInTheMiddleOfAMessage();
    void refusesAnotherVersionForGood();

  private:
    QTemporaryDir m_runtime;
};

void TestRunConnection::attachesAsSoonAsTheRunListens() {
    const RunId run = nextRun();
    RunConnection connection;
    QSignalSpy hello(&connection, &RunConnection::helloReceived);
    QSignalSpy state(&connection, &RunConnection::stateChanged);
    connection.attach(run);
    QTest::qWait(50);
    QVERIFY(connection.link() == RunConnection::Link::Connecting);

    FakeRun fake(run);
    fake.server->publishState({RunState::Paused, {}, {}});
    QTRY_COMPARE_WITH_TIMEOUT(hello.size(), 1, kWaitMs);
    QTRY_COMPARE_WITH_TIMEOUT(state.size(), 1, kWaitMs);
    QVERIFY(connection.link() == RunConnection::Link::Attached);
    QVERIFY(connection.state() == RunState::Paused);
    connection.detach();
    QVERIFY(connection.link() == RunConnection::Link::Detached);
    QVERIFY(!connection.state());
}

void TestRunConnection::commandsAreAnsweredById() {
    const RunId run = nextRun();
    FakeRun fake(run);
    RunConnection connection;
    std::vector<CommandResult> answers;
    connect(&connection, &RunConnection::commandAnswered, this,
            [&answers](const CommandResult& answer) { answers.push_back(answer); });
    connection.attach(run);
    QTRY_VERIFY_WITH_TIMEOUT(connection.link() == RunConnection::Link::Attached, kWaitMs);

    OperateCommand operate;
    operate.plan.operations.push_back({"agent.fc1", {1, 2, 3}});
    const CommandId first = connection.send(PauseCommand{});
    const CommandId second = connection.send(operate);
    QVERIFY(first != second);
    QTRY_COMPARE_WITH_TIMEOUT(fake.commands().size(), 2UL, kWaitMs);
    QVERIFY(std::get<OperateCommand>(fake.commands()[1].body) == operate);

    fake.server->reply({second, {}, SurgeryReceipt{}, "done"});
    fake.server->reply({first, Error{ErrorCode::IllegalTransition, "no", {}}, {}, {}});
    fake.server->reply({second, {}, {}, "said twice"});
    QTRY_COMPARE_WITH_TIMEOUT(answers.size(), 2UL, kWaitMs);
    QVERIFY(answers[0].id == second && answers[0].receipt && !answers[0].error);
    QVERIFY(answers[1].id == first && answers[1].error);
}

void TestRunConnection::aSnapshotIsAskedForOnlyAfterTheLastOneCame() {
    const RunId run = nextRun();
    FakeRun fake(run);
    RunConnection connection;
    QSignalSpy snapshots(&connection, &RunConnection::snapshotReceived);
    connection.setSnapshotsWanted(true);
    connection.attach(run);
    QTRY_COMPARE_WITH_TIMEOUT(fake.snapshotsWanted.load(), 1, kWaitMs);
    QTest::qWait(300); // a busy run: no answer, so no second request
    QCOMPARE(fake.snapshotsWanted.load(), 1);

    fake.server->publishSnapshot(bigSnapshot());
    QTRY_COMPARE_WITH_TIMEOUT(snapshots.size(), 1, kWaitMs);
    const auto snapshot = snapshots[0][0].value<std::shared_ptr<const Snapshot>>();
    QVERIFY(*snapshot == bigSnapshot());
    QTRY_COMPARE_WITH_TIMEOUT(fake.snapshotsWanted.load(), 2, kWaitMs);

    connection.setSnapshotsWanted(false);
    fake.server->publishSnapshot(bigSnapshot());
    QTRY_COMPARE_WITH_TIMEOUT(snapshots.size(), 2, kWaitMs);
    QTest::qWait(150);
    QCOMPARE(fake.snapshotsWanted.load(), 2);
}

void TestRunConnection::aCommandWithoutALinkIsRefused() {
    RunConnection connection;
    std::vector<CommandResult> answers;
    connect(&connection, &RunConnection::commandAnswered, this,
            [&answers](const CommandResult& answer) { answers.push_back(answer); });
    const CommandId id = connection.send(StopCommand{});
    QVERIFY(answers.empty()); // the caller first learns the id
    QTRY_COMPARE_WITH_TIMEOUT(answers.size(), 1UL, kWaitMs);
    QVERIFY(answers[0].id == id && answers[0].error->code == ErrorCode::Protocol);
}

void TestRunConnection::aDeadPeerAnswersEverythingAndIsTriedAgain() {
    const RunId run = nextRun();
    auto fake = std::make_unique<FakeRun>(run);
    RunConnection connection;
    QSignalSpy lost(&connection, &RunConnection::disconnected);
    std::vector<CommandResult> answers;
    connect(&connection, &RunConnection::commandAnswered, this,
            [&answers](const CommandResult& answer) { answers.push_back(answer); });
    connection.attach(run);
    QTRY_VERIFY_WITH_TIMEOUT(connection.link() == RunConnection::Link::Attached, kWaitMs);
    fake->server->publishState({RunState::Running, {}, {}});
    QTRY_VERIFY_WITH_TIMEOUT(connection.state() == RunState::Running, kWaitMs);
    const CommandId id = connection.send(PauseCommand{});

    fake.reset();
    QTRY_COMPARE_WITH_TIMEOUT(lost.size(), 1, kWaitMs);
    QCOMPARE(answers.size(), 1UL);
    QVERIFY(answers[0].id == id && answers[0].error);
    QVERIFY(!connection.state());
    QVERIFY(connection.link() == RunConnection::Link::Connecting);

    const FakeRun resumed(run);
    QTRY_VERIFY_WITH_TIMEOUT(connection.link() == RunConnection::Link::Attached, kWaitMs);
}

void TestRunConnection::survivesNonsense_data() {
    QTest::addColumn<QByteArray>("bytes");
    QTest::newRow("text") << QByteArray("HTTP/1.1 400 Bad Request\r\n\r\n");
    QTest::newRow("huge length") << QByteArray("\xff\xff\xff\xff") + QByteArray(100, 'x');
    QTest::newRow("garbage message") << QByteArray("\x04\x00\x00\x00\xff\xff\xff\xff", 8);
    QTest::newRow("zeros") << QByteArray(4096, '\0');
}

void TestRunConnection::survivesNonsense() {
    QFETCH(QByteArray, bytes);
    const RunId run = nextRun();
    const std::filesystem::path path = socketPath(run);
    std::filesystem::create_directories(path.parent_path());
    QLocalServer server;
    QVERIFY(server.listen(QString::fromStdString(path.string())));
    connect(&server, &QLocalServer::newConnection, this, [&server, &bytes] {
        QLocalSocket* peer = server.nextPendingConnection();
        peer->write(bytes);
        peer->flush();
    });
    RunConnection connection;
    QSignalSpy snapshots(&connection, &RunConnection::snapshotReceived);
    connection.attach(run);
    QTest::qWait(400);
    QVERIFY(connection.link() == RunConnection::Link::Connecting);
    QCOMPARE(snapshots.size(), 0);
}

void TestRunConnection::survivesDeathInTheMiddleOfAMessage() {
    const RunId run = nextRun();
    const std::filesystem::path path = socketPath(run);
    std::filesystem::create_directories(path.parent_path());
    auto server = std::make_unique<QLocalServer>();
    QVERIFY(server->listen(QString::fromStdString(path.string())));
    const std::string hello = encode(Hello{kProtocolVersion, "fake 1.0", run});
    const std::string snapshot = encode(bigSnapshot());
    connect(server.get(), &QLocalServer::newConnection, this, [&] {
        QLocalSocket* peer = server->nextPendingConnection();
        peer->write(hello.data(), static_cast<qint64>(hello.size()));
        peer->write(snapshot.data(), static_cast<qint64>(snapshot.size() / 2));
        peer->flush();
        QTimer::singleShot(100, peer, [peer] { peer->abort(); });
    });
    RunConnection connection;
    QSignalSpy lost(&connection, &RunConnection::disconnected);
    QSignalSpy snapshots(&connection, &RunConnection::snapshotReceived);
    connection.attach(run);
    QTRY_VERIFY_WITH_TIMEOUT(!lost.empty(), kWaitMs);
    QCOMPARE(snapshots.size(), 0);

    server.reset();
    const FakeRun fresh(run); // half a message left behind must not spoil the next link
    QTRY_VERIFY_WITH_TIMEOUT(connection.link() == RunConnection::Link::Attached, kWaitMs);
}

void TestRunConnection::refusesAnotherVersionForGood() {
    const RunId run = nextRun();
    const std::filesystem::path path = socketPath(run);
    std::filesystem::create_directories(path.parent_path());
    QLocalServer server;
    QVERIFY(server.listen(QString::fromStdString(path.string())));
    const std::string hello = encode(Hello{kProtocolVersion + 1, "knifectl 99", run});
    connect(&server, &QLocalServer::newConnection, this, [&] {
        QLocalSocket* peer = server.nextPendingConnection();
        peer->write(hello.data(), static_cast<qint64>(hello.size()));
    });
    RunConnection connection;
    QSignalSpy lost(&connection, &RunConnection::disconnected);
    connection.attach(run);
    QTRY_COMPARE_WITH_TIMEOUT(lost.size(), 1, kWaitMs);
    QVERIFY(lost[0][0].toString().contains("knifectl 99"));
    QTest::qWait(400);
    QCOMPARE(lost.size(), 1);
    QVERIFY(connection.link() == RunConnection::Link::Detached);
}

QTEST_GUILESS_MAIN(TestRunConnection)
#include "tst_run_connection.moc"
