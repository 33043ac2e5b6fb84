// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/protocol/channel.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <iterator>
#include <set>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio.hpp>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/protocol/file_lock.h"
#include "core/protocol/local_socket.h"
#include "core/protocol/mailboxes.h"
#include "core/protocol/peer.h"
#include "core/protocol/wire.h"

namespace knife {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using std::chrono::milliseconds;

constexpr std::size_t kMaxPeers = 64;
constexpr auto kFarewell = milliseconds(500);    ///< how long closing waits for peers to take their last messages
constexpr auto kAcceptPause = milliseconds(100); ///< after a failed accept (no descriptors left)

class Server final : public ControlServer, private PeerOwner {
  public:
    Server(FileLock lock, std::filesystem::path path, Hello hello, Handlers handlers)
        : m_lock(std::move(lock)),
          m_path(std::move(path)),
          m_hello(frameOf(std::move(hello))),
          m_handlers(std::move(handlers)),
          m_acceptor(m_io),
          m_timer(m_io) {}

    ~Server() override {
        if (m_thread.joinable()) {
            asio::post(m_io, [this] { sayFarewell(); });
            m_thread.join();
        }
        std::error_code ignored;
        std::filesystem::remove(m_path, ignored);
    }

    [[nodiscard]] Result<void> open() {
        const asio::local::stream_protocol::endpoint endpoint(m_path.string());
        error_code error;
        ::unlink(m_path.c_str()); // we hold the lock, so whoever bound it is dead
        m_acceptor.open(endpoint.protocol(), error);
        if (!error) {
            m_acceptor.bind(endpoint, error);
        }
        if (!error && chmod(m_path.c_str(), S_IRUSR | S_IWUSR) != 0) {
            error.assign(errno, boost::system::system_category());
        }
        if (!error) {
            m_acceptor.listen(asio::socket_base::max_listen_connections, error);
        }
        if (error) {
            return fail(ErrorCode::Io, fmt::format("cannot listen on {}: {}", m_path.string(), error.message()));
        }
        accept();
        m_thread = std::jthread([this] { m_io.run(); });
        return {};
    }

    void publishState(StateChanged state) override { publish(std::move(state)); }
    void publishNotice(Notice notice) override { publish(std::move(notice)); }
    void publishSnapshot(Snapshot snapshot) override { publish(std::move(snapshot)); }
    void reply(CommandResult result) override { publish(std::move(result)); }

  private:
    template <typename Published>
    void publish(Published published) {
        if (m_inbox.add(std::move(published))) {
            asio::post(m_io, [this] { distribute(); });
        }
    }

    void accept() {
        m_acceptor.async_accept([this](const error_code& error, LocalSocket socket) {
            if (error == asio::error::operation_aborted) {
                return;
            }
            if (error) {
                m_timer.expires_after(kAcceptPause);
                m_timer.async_wait([this](const error_code& aborted) {
                    if (!aborted) {
                        accept();
                    }
                });
                return;
            }
            if (m_peers.size() < kMaxPeers && isSameUser(socket)) {
                const auto peer = std::make_shared<Peer>(std::move(socket), static_cast<PeerOwner&>(*this));
                m_peers.insert(peer);
                peer->read();
            }
            accept();
        });
    }

    void messageCame(const PeerPointer& peer, Message message) override {
        if (const auto* hello = std::get_if<Hello>(&message)) {
            greet(peer, *hello);
        } else if (!peer->greeted) {
            peer->close();
        } else if (auto* command = std::get_if<Command>(&message)) {
            takeCommand(peer, std::move(*command));
        } else if (std::holds_alternative<SnapshotRequest>(message)) {
            wantSnapshot(peer);
        } else {
            peer->close(); // only a run process says such things
        }
    }

    /// Our Hello answers theirs, so that whoever has read it hears of everything that is published from then on.
    void greet(const PeerPointer& peer, const Hello& hello) {
        if (std::exchange(peer->greeted, true)) {
            return;
        }
        peer->send(Outbox::Kind::Greeting, m_hello);
        if (hello.version != kProtocolVersion) {
            peer->send(Outbox::Kind::Notice,
                       frameOf(Notice{Notice::Level::Error,
                                      {},
                                      fmt::format("this run speaks version {} of the control protocol, not version {}",
                                                  kProtocolVersion, hello.version)}));
            peer->closeAfterWriting();
        } else if (m_state) {
            peer->send(Outbox::Kind::State, m_state);
        }
    }

    void takeCommand(const PeerPointer& peer, Command command) {
        if (peer->commands >= kMaxUnreadResults) {
            peer->close();
            return;
        }
        command.id = m_pending.add(peer, command.id);
        m_handlers.command(std::move(command));
    }

    void wantSnapshot(const PeerPointer& peer) {
        if (peer->snapshotInFlight()) {
            peer->asksAgain = true; // the peer may have read it to the end already, or not yet: wait to see
        } else if (!peer->snapshotWaits()) {
            peer->wantsSnapshot = true;
            if (!std::exchange(m_snapshotAsked, true)) {
                m_handlers.snapshotWanted();
            }
        }
    }

    void wrote(const PeerPointer& peer) override {
        if (!peer->snapshotInFlight() && std::exchange(peer->asksAgain, false)) {
            wantSnapshot(peer);
        }
    }

    void left(const PeerPointer& peer) override {
        m_pending.forget(peer);
        m_peers.erase(peer);
        if (m_farewell && m_peers.empty()) {
            m_io.stop();
        }
    }

    void distribute() {
        Inbox::Content content = m_inbox.take();
        for (Inbox::Item& item : content.items) {
            std::visit([this](auto& published) { distributeOne(std::move(published)); }, item);
        }
        if (content.lost > 0) {
            for (const PeerPointer& peer : greetedPeers()) {
                peer->lose(content.lost);
            }
        }
        if (content.snapshot) {
            distributeSnapshot(std::move(*content.snapshot));
        }
    }

    void distributeOne(StateChanged state) {
        m_state = frameOf(std::move(state));
        sendToAll(Outbox::Kind::State, m_state);
    }

    void distributeOne(Notice notice) {
        if (!m_peers.empty()) {
            sendToAll(Outbox::Kind::Notice, frameOf(std::move(notice)));
        }
    }

    void distributeOne(CommandResult result) {
        const std::optional<PendingCommands::Origin> origin = m_pending.take(result.id);
        if (origin) {
            result.id = origin->id;
            origin->peer->send(Outbox::Kind::Result, frameOf(std::move(result)));
        }
    }

    void distributeSnapshot(Snapshot snapshot) {
        m_snapshotAsked = false;
        Frame frame;
        for (const PeerPointer& peer : greetedPeers()) {
            if (!std::exchange(peer->wantsSnapshot, false)) {
                continue;
            }
            if (!frame) {
                frame = frameOf(std::move(snapshot));
            }
            if (frame->size() <= kMaxFrameBytes) {
                peer->send(Outbox::Kind::Snapshot, frame);
            } else {
                peer->send(Outbox::Kind::Notice,
                           frameOf(Notice{Notice::Level::Error, {}, "the networks are too large to be shown live"}));
            }
        }
    }

    void sendToAll(Outbox::Kind kind, const Frame& frame) {
        for (const PeerPointer& peer : greetedPeers()) {
            peer->send(kind, frame);
        }
    }

    /// A copy, because sending may close a peer, which takes it out of m_peers.
    [[nodiscard]] std::vector<PeerPointer> greetedPeers() const {
        std::vector<PeerPointer> peers;
        std::copy_if(m_peers.begin(), m_peers.end(), std::back_inserter(peers),
                     [](const PeerPointer& peer) { return peer->greeted; });
        return peers;
    }

    void sayFarewell() {
        distribute();
        m_farewell = true;
        error_code ignored;
        m_acceptor.close(ignored);
        for (const PeerPointer& peer : std::vector(m_peers.begin(), m_peers.end())) {
            peer->closeAfterWriting();
        }
        if (m_peers.empty()) {
            m_io.stop();
            return;
        }
        m_timer.expires_after(kFarewell);
        m_timer.async_wait([this](const error_code&) { m_io.stop(); });
    }

    FileLock m_lock;
    std::filesystem::path m_path;
    Frame m_hello;
    Handlers m_handlers;
    Inbox m_inbox;
    asio::io_context m_io;
    asio::local::stream_protocol::acceptor m_acceptor;
    asio::steady_timer m_timer;
    std::set<PeerPointer> m_peers;
    PendingCommands m_pending;
    Frame m_state;
    bool m_snapshotAsked = false;
    bool m_farewell = false;
    std::jthread m_thread;
};

/// Whoever could write here could put a socket of their own in our place.
Result<void> preparePrivateDirectory(const std::filesystem::path& folder) {
    if (mkdir(folder.c_str(), S_IRWXU) != 0 && errno != EEXIST) {
        return fail(ErrorCode::Io,
                    fmt::format("cannot create {}: {}", folder.string(), std::generic_category().message(errno)));
    }
    struct stat info {};
    if (lstat(folder.c_str(), &info) != 0 || !S_ISDIR(info.st_mode) || info.st_uid != geteuid() ||
        chmod(folder.c_str(), S_IRWXU) != 0) {
        return fail(ErrorCode::Io, fmt::format("{} must be a directory of this user alone", folder.string()));
    }
    return {};
}

} // namespace

Result<std::unique_ptr<ControlServer>> ControlServer::listen(const RunId& run, Hello hello, Handlers handlers) {
    std::filesystem::path path = socketPath(run);
    if (Result<void> prepared = preparePrivateDirectory(path.parent_path()); !prepared) {
        return tl::unexpected(std::move(prepared).error());
    }
    std::filesystem::path lockFile = path;
    lockFile.replace_extension(".lock");
    Result<FileLock> lock = FileLock::take(lockFile, fmt::format("process {}", getpid()));
    if (!lock) {
        return tl::unexpected(std::move(lock).error().within(fmt::format("serving run {}", run.value)));
    }
    auto server = std::make_unique<Server>(std::move(*lock), std::move(path), std::move(hello), std::move(handlers));
    if (Result<void> opened = server->open(); !opened) {
        return tl::unexpected(std::move(opened).error());
    }
    return server;
}

} // namespace knife
