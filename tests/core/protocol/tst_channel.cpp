// SPDX-License-Identifier: GPL-3.0-or-later
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <fstream>
#include <mutex>
#include <thread>

#include <QTemporaryDir>
#include <QTest>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/protocol/channel.h"
#include "core/protocol/wire.h"

using namespace knife;

namespace {

const RunId kRun{"abcdefghijkl"};
const Hello kHello{kProtocolVersion, "knifectl test", kRun};
constexpr int kPatienceMs = 5000;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

/// Collects what the handlers are told.
class Recorder {
  public:
    ControlServer::Handlers handlers() {
        return {[this](Command command) {
                    const std::lock_guard lock(m_mutex);
                    m_commands.push_back(std::move(command));
                    m_changed.notify_all();
                },
                [this] {
                    const std::lock_guard lock(m_mutex);
                    ++m_wanted;
                    m_changed.notify_all();
                }};
    }
    /// The commands once there are that many; fewer when it takes too long.
    std::vector<Command> commands(std::size_t count) {
        std::unique_lock lock(m_mutex);
        m_changed.wait_for(lock, std::chrono::milliseconds(kPatienceMs), [&] { return m_commands.size() >= count; });
        return m_commands;
    }
    int waitForWanted(int count) {
        std::unique_lock lock(m_mutex);
        m_changed.wait_for(lock, std::chrono::milliseconds(kPatienceMs), [&] { return m_wanted >= count; });
        return m_wanted;
    }

  private:
    std::mutex m_mutex;
    std::condition_variable m_changed;
    std::vector<Command> m_commands;
    int m_wanted = 0;
};

/// The next message of one kind; others are passed over.
template <typename Kind>
std::optional<Kind> receive(ControlClient& client, int timeoutMs = kPatienceMs) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeoutMs);
    while (std::chrono::steady_clock::now() < deadline) {
        const Result<std::optional<Message>> message = client.receive(timeoutMs);
        if (!message) {
            return std::nullopt;
        }
        if (*message && std::holds_alternative<Kind>(**message)) {
            return std::get<Kind>(**message);
        }
    }
    return std::nullopt;
}

Snapshot snapshotOf(std::int64_t update) {
    Snapshot snapshot;
    snapshot.clocks.update = UpdateStep{update};
    return snapshot;
}

std::size_t residentBytes() {
    std::ifstream statm("/proc/self/statm");
    std::size_t total = 0;
    std::size_t resident = 0;
    statm >> total >> resident;
    return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

/// A plain socket connected to the run, for peers that do not behave.
int rawConnection(const std::string& path = socketPath(kRun).string()) {
    const int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    if (connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        close(descriptor);
        return -1;
    }
    return descriptor;
}

void sendRaw(int descriptor, const std::string& bytes) {
    (void)::send(descriptor, bytes.data(), bytes.size(), MSG_NOSIGNAL);
}

/// Whether the other side hangs up in time.
bool isHungUp(int descriptor) {
    timeval patience{kPatienceMs / 1000, 0};
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    std::array<char, 4096> bytes{};
    ssize_t count = 0;
    while ((count = recv(descriptor, bytes.data(), bytes.size(), 0)) > 0) {
    }
    return count == 0 || errno == ECONNRESET;
}

} // namespace

class TestChannel : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void init() {
        m_folder = std::make_unique<QTemporaryDir>();
        qputenv("XDG_RUNTIME_DIR", m_folder->path().toLocal8Bit());
        m_recorder = std::make_unique<Recorder>();
        listen();
    }

    void cleanup() { m_server.reset(); }

    void bothSidesSayHello() {
        m_server->publishState({RunState::Running, {}, "started"});
        const auto client = connect();
        QVERIFY(client);
        QVERIFY(client->peer() == kHello);
        const auto state = receive<StateChanged>(*client);
        QVERIFY(state);
        QVERIFY(state->state == RunState::Running);
        QCOMPARE(state->reason, std::string("started"));
    }

    void everybodyHearsOfStatesAndNotices() {
        const auto first = connect();
        const auto second = connect();
        m_server->publishState({RunState::Paused, {}, ""});
        m_server->publishNotice({Notice::Level::Warning, {}, "something"});
        for (ControlClient* client : {first.get(), second.get()}) {
            const auto state = receive<StateChanged>(*client);
            QVERIFY(state && state->state == RunState::Paused);
            const auto notice = receive<Notice>(*client);
            QVERIFY(notice && notice->text == "something");
        }
    }

    void aCommandIsAnsweredToItsSenderOnly() {
        const auto first = connect();
        const auto second = connect();
        QVERIFY(first->send(Command{CommandId{5}, PauseCommand()}).has_value());
        const std::vector<Command> one = m_recorder->commands(1);
        QCOMPARE(one.size(), 1U);
        QVERIFY(one[0] == (Command{CommandId{5}, PauseCommand()}));

        // Another peer may choose the same number.
        QVERIFY(second->send(Command{CommandId{5}, StepCommand{3}}).has_value());
        const std::vector<Command> two = m_recorder->commands(2);
        QCOMPARE(two.size(), 2U);
        QVERIFY(two[1].id != two[0].id);
        QVERIFY(std::get<StepCommand>(two[1].body).updates == 3);

        m_server->reply({two[1].id, std::nullopt, std::nullopt, "for the second"});
        m_server->reply({two[0].id, Error{ErrorCode::IllegalTransition, "no", {}}, std::nullopt, "for the first"});
        m_server->reply({CommandId{99}, std::nullopt, std::nullopt, "for nobody"});
        const auto forSecond = receive<CommandResult>(*second);
        const auto forFirst = receive<CommandResult>(*first);
        QVERIFY(forSecond && forSecond->id == CommandId{5} && forSecond->text == "for the second");
        QVERIFY(forFirst && forFirst->id == CommandId{5} && forFirst->text == "for the first");
        QVERIFY(forFirst->error && forFirst->error->code == ErrorCode::IllegalTransition);
        QVERIFY(!receive<CommandResult>(*first, 50));
    }

    void manyRequestsAreOneSnapshot() {
        const auto first = connect();
        const auto second = connect();
        for (int i = 0; i < 100; ++i) {
            QVERIFY(first->send(SnapshotRequest()).has_value());
            QVERIFY(second->send(SnapshotRequest()).has_value());
        }
        // A later message of each peer tells that its requests have been taken.
        QVERIFY(first->send(Command{CommandId{1}, PauseCommand()}).has_value());
        QVERIFY(second->send(Command{CommandId{2}, PauseCommand()}).has_value());
        QCOMPARE(m_recorder->commands(2).size(), 2U);
        QCOMPARE(m_recorder->waitForWanted(1), 1);

        m_server->publishSnapshot(snapshotOf(7));
        m_server->publishSnapshot(snapshotOf(8)); // nobody asked for a second one
        for (ControlClient* client : {first.get(), second.get()}) {
            const auto snapshot = receive<Snapshot>(*client);
            QVERIFY(snapshot);
            QVERIFY(snapshot->clocks.update.value == 7 || snapshot->clocks.update.value == 8);
            QVERIFY(!receive<Snapshot>(*client, 50));
        }
    }

    void aPeerCanAskAgainAtOnce() {
        const auto client = connect();
        for (int round = 1; round <= 200; ++round) {
            QVERIFY(client->send(SnapshotRequest()).has_value());
            QCOMPARE(m_recorder->waitForWanted(round), round);
            m_server->publishSnapshot(snapshotOf(round));
            const auto snapshot = receive<Snapshot>(*client);
            QVERIFY(snapshot);
            QCOMPARE(snapshot->clocks.update.value, round);
        }
    }

    void aStoppedPeerCostsNothing() {
        const auto stopped = connect(); // never reads
        const auto reading = connect();
        QVERIFY(stopped->send(SnapshotRequest()).has_value());
        m_recorder->waitForWanted(1);
        const std::size_t before = residentBytes();
        Snapshot large = snapshotOf(1);
        large.neurons.sites = {{"site", 1 << 20, true, "", {{"rua", std::vector<float>(1 << 20)}}, {}}};
        for (int round = 0; round < 50; ++round) {
            m_server->publishSnapshot(large);
            (void)stopped->send(SnapshotRequest());
        }
        const auto begin = std::chrono::steady_clock::now();
        for (int i = 0; i < 100000; ++i) {
            m_server->publishNotice({Notice::Level::Info, {}, "notice " + std::to_string(i)});
            m_server->publishState({RunState::Running, {UpdateStep{i}, {}, {}, 0.0}, ""});
        }
        const auto publishing = std::chrono::steady_clock::now() - begin;
        QVERIFY(reading->send(Command{CommandId{1}, PauseCommand()}).has_value());
        QCOMPARE(m_recorder->commands(1).size(), 1U);
        m_server->reply({CommandId{1}, std::nullopt, std::nullopt, "in time"});
        const auto asked = std::chrono::steady_clock::now();
        QVERIFY(receive<CommandResult>(*reading));
        const auto answering = std::chrono::steady_clock::now() - asked;
        const std::size_t grown = residentBytes() - std::min(before, residentBytes());
        qInfo("100,000 notices and states published in %lld ms; answer after %lld ms; %zu kB more resident",
              static_cast<long long>(publishing / std::chrono::milliseconds(1)),
              static_cast<long long>(answering / std::chrono::milliseconds(1)), grown >> 10U);
        QVERIFY(answering < std::chrono::seconds(1));
        // Sanitizers keep freed memory for a while.
        constexpr std::size_t kAllowedMb = kSanitized ? 512 : 32;
        QVERIFY(grown < kAllowedMb << 20U);
    }

    void lostNoticesAreCounted() {
        const auto client = connect();
        constexpr int kCount = 50000;
        for (int i = 0; i < kCount; ++i) {
            m_server->publishNotice({Notice::Level::Info, {}, "n"});
        }
        int heard = 0;
        int lost = 0;
        while (heard + lost < kCount) {
            const auto notice = receive<Notice>(*client, 1000);
            QVERIFY2(notice, qPrintable(QString("only %1 heard and %2 lost").arg(heard).arg(lost)));
            if (notice->text == "n") {
                ++heard;
            } else {
                QVERIFY(notice->level == Notice::Level::Warning);
                lost += std::stoi(notice->text);
            }
        }
        QCOMPARE(heard + lost, kCount);
    }

    void aDyingPeerIsSurvived() {
        const pid_t child = fork();
        if (child == 0) {
            const int descriptor = rawConnection();
            sendRaw(descriptor,
                    encode(kHello) + encode(SnapshotRequest()) + encode(Command{CommandId{1}, PauseCommand()}));
            while (true) {
                pause();
            }
        }
        QCOMPARE(m_recorder->commands(1).size(), 1U);
        QCOMPARE(kill(child, SIGKILL), 0);
        int status = 0;
        QCOMPARE(waitpid(child, &status, 0), child);
        m_server->publishSnapshot(snapshotOf(1));
        m_server->reply({CommandId{1}, std::nullopt, std::nullopt, ""});
        m_server->publishNotice({Notice::Level::Info, {}, "still here"});
        QVERIFY(connect());
    }

    void aPeerThatTalksNonsenseIsHungUpOn() {
        for (const std::string& nonsense :
             {std::string("GET / HTTP/1.1\r\n\r\n"), std::string("\x04\0\0\0abcd", 8), encode(SnapshotRequest()),
              encode(kHello) + encode(StateChanged{}), encode(kHello) + std::string(100, '\xFF')}) {
            const int descriptor = rawConnection();
            QVERIFY(descriptor >= 0);
            sendRaw(descriptor, nonsense);
            QVERIFY(isHungUp(descriptor));
            close(descriptor);
        }
        QVERIFY(connect());
    }

    void anotherVersionIsRefusedInWords() {
        const int descriptor = rawConnection();
        sendRaw(descriptor, encode(Hello{kProtocolVersion + 1, "a later window", kRun}));
        FrameDecoder decoder;
        std::array<char, 4096> bytes{};
        std::string text;
        for (ssize_t count = 0; (count = recv(descriptor, bytes.data(), bytes.size(), 0)) > 0;) {
            decoder.feed({bytes.data(), static_cast<std::size_t>(count)});
            for (auto message = decoder.next(); message && *message; message = decoder.next()) {
                text = std::holds_alternative<Notice>(**message) ? std::get<Notice>(**message).text : text;
            }
        }
        close(descriptor);
        QVERIFY(text.find("version 1") != std::string::npos && text.find("version 2") != std::string::npos);

        m_server.reset();
        Result<std::unique_ptr<ControlServer>> later =
            ControlServer::listen(kRun, Hello{kProtocolVersion + 1, "later", kRun}, m_recorder->handlers());
        QVERIFY(later.has_value());
        const auto client = ControlClient::connect(kRun);
        QVERIFY(!client);
        QVERIFY(client.error().code == ErrorCode::Protocol);
    }

    void nobodyElseGetsIn() {
        struct stat info {};
        QCOMPARE(stat(socketPath(kRun).c_str(), &info), 0);
        QCOMPARE(info.st_mode & 0777U, 0600U);
        QCOMPARE(stat(socketPath(kRun).parent_path().c_str(), &info), 0);
        QCOMPARE(info.st_mode & 0777U, 0700U);
        if (geteuid() != 0) {
            QSKIP("becoming somebody else needs root");
        }
        // The file permissions are opened on purpose: the server itself must still look at who is calling.
        QCOMPARE(chmod(socketPath(kRun).c_str(), 0777), 0);
        QCOMPARE(chmod(socketPath(kRun).parent_path().c_str(), 0755), 0);
        QCOMPARE(chmod(qPrintable(m_folder->path()), 0755), 0);
        const std::string path = socketPath(kRun).string(); // of this user; another user's would be elsewhere
        const pid_t child = fork();
        if (child == 0) {
            const bool other = setuid(65534) == 0;
            const int descriptor = rawConnection(path);
            sendRaw(descriptor, encode(kHello));
            std::array<char, 64> bytes{};
            const bool heardNothing = recv(descriptor, bytes.data(), bytes.size(), 0) <= 0;
            _exit(other && descriptor >= 0 && heardNothing ? 0 : 1);
        }
        int status = 0;
        QCOMPARE(waitpid(child, &status, 0), child);
        QVERIFY(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }

    void aSecondServerIsTurnedAway() {
        const auto second = ControlServer::listen(kRun, kHello, m_recorder->handlers());
        QVERIFY(!second);
        QVERIFY(second.error().code == ErrorCode::Locked);
        QVERIFY(connect());
    }

    void aDeadServersSocketIsReplaced() {
        m_server.reset();
        const pid_t child = fork();
        if (child == 0) {
            const auto server = ControlServer::listen(kRun, kHello,
                                                      {[](Command) {},
                                                       [] {
                                                       }});
            raise(SIGKILL);
            _exit(server ? 0 : 1);
        }
        int status = 0;
        QCOMPARE(waitpid(child, &status, 0), child);
        QVERIFY(std::filesystem::exists(socketPath(kRun)));
        const auto nobody = ControlClient::connect(kRun);
        QVERIFY(!nobody);
        QVERIFY(nobody.error().code == ErrorCode::NotFound);
        listen();
        QVERIFY(m_server);
        QVERIFY(connect());
    }

    void closingDeliversTheLastWordAndRemovesTheSocket() {
        const auto client = connect();
        m_server->publishState({RunState::Finished, {}, "done"});
        m_server.reset();
        QVERIFY(!std::filesystem::exists(socketPath(kRun)));
        const auto state = receive<StateChanged>(*client);
        QVERIFY(state && state->state == RunState::Finished);
        const auto after = client->receive(kPatienceMs);
        QVERIFY(!after);
        QVERIFY(after.error().code == ErrorCode::Protocol);
        QVERIFY(std::filesystem::is_empty(socketPath(kRun).parent_path()));
    }

    void closingDoesNotWaitForAStoppedPeer() {
        const auto stopped = connect();
        for (int i = 0; i < 20000; ++i) {
            m_server->publishNotice({Notice::Level::Info, {}, std::string(200, 'x')});
        }
        const auto begin = std::chrono::steady_clock::now();
        m_server.reset();
        QVERIFY(std::chrono::steady_clock::now() - begin < std::chrono::seconds(2));
    }

    void receiveTimesOut() {
        const auto client = connect();
        while (*client->receive(20)) {
        }
        const auto begin = std::chrono::steady_clock::now();
        QVERIFY(!client->receive(100)->has_value());
        QVERIFY(std::chrono::steady_clock::now() - begin >= std::chrono::milliseconds(95));
        QVERIFY(!client->receive(0)->has_value());
    }

    void manyConnectionsComeAndGo() {
        for (int i = 0; i < 300; ++i) {
            QVERIFY(connect());
        }
    }

  private:
    void listen() {
        Result<std::unique_ptr<ControlServer>> server = ControlServer::listen(kRun, kHello, m_recorder->handlers());
        QVERIFY2(server.has_value(), server ? "" : server.error().describe().c_str());
        m_server = std::move(*server);
    }

    std::unique_ptr<ControlClient> connect() {
        Result<std::unique_ptr<ControlClient>> client = ControlClient::connect(kRun);
        if (!client) {
            qWarning("%s", client.error().describe().c_str());
            return nullptr;
        }
        return std::move(*client);
    }

    std::unique_ptr<QTemporaryDir> m_folder;
    std::unique_ptr<Recorder> m_recorder;
    std::unique_ptr<ControlServer> m_server;
};

QTEST_APPLESS_MAIN(TestChannel)
#include "tst_channel.moc"
