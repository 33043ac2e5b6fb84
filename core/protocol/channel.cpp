// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/protocol/channel.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <deque>
#include <iterator>
#include <map>
#include <mutex>
#include <set>
#include <system_error>
#include <thread>
#include <utility>

#include <boost/asio.hpp>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/protocol/file_lock.h"
#include "core/protocol/wire.h"

namespace knife {
namespace {

namespace asio = boost::asio;
using LocalSocket = asio::local::stream_protocol::socket;
using boost::system::error_code;
using std::chrono::milliseconds;

constexpr std::size_t kMaxPeers = 64;
constexpr std::size_t kMaxWaitingNotices = 1024; ///< per peer, and between the publishers and the server's thread
constexpr std::size_t kMaxWaitingStates = 64;
constexpr std::size_t kMaxUnreadResults = 1024;
constexpr std::size_t kReadBytes = 64U << 10U;
constexpr auto kFarewell = milliseconds(500);    ///< how long closing waits for peers to take their last messages
constexpr auto kAcceptPause = milliseconds(100); ///< after a failed accept (no descriptors left)
constexpr auto kClientPatience = milliseconds(5000);

using Frame = std::shared_ptr<const std::string>;

Frame frameOf(const Message& message) {
    return std::make_shared<const std::string>(encode(message));
}

Notice lostNotices(std::size_t count) {
    return {
        Notice::Level::Warning, {}, fmt::format("{} notices were lost: they came faster than they were read", count)};
}

bool isSameUser(LocalSocket& socket) {
    ucred credentials{};
    socklen_t size = sizeof credentials;
    return getsockopt(socket.native_handle(), SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0 &&
           credentials.uid == geteuid();
}

/// What waits to be written to one peer.
class Outbox {
  public:
    enum class Kind { Greeting, State, Notice, Result, Snapshot };

    /// False: the peer leaves so much unread that it must go.
    [[nodiscard]] bool push(Kind kind, Frame frame) {
        if (kind == Kind::Notice && count(kind) >= kMaxWaitingNotices) {
            ++m_lost;
            return true;
        }
        if (kind == Kind::Result && count(kind) >= kMaxUnreadResults) {
            return false;
        }
        if (kind == Kind::State && count(kind) >= kMaxWaitingStates) {
            dropOldest(Kind::State);
        }
        ++m_counts[static_cast<std::size_t>(kind)];
        m_items.push_back({kind, std::move(frame)});
        return true;
    }
    void lose(std::size_t notices) { m_lost += notices; }
    [[nodiscard]] bool empty() const { return m_items.empty() && m_lost == 0; }
    [[nodiscard]] bool holds(Kind kind) const { return count(kind) > 0; }
    [[nodiscard]] std::vector<Frame> take() {
        std::vector<Frame> frames;
        frames.reserve(m_items.size() + 1);
        for (Item& item : m_items) {
            frames.push_back(std::move(item.frame));
        }
        if (m_lost > 0) {
            frames.push_back(frameOf(lostNotices(m_lost)));
        }
        *this = Outbox();
        return frames;
    }

  private:
    struct Item {
        Kind kind;
        Frame frame;
    };
    [[nodiscard]] std::size_t count(Kind kind) const { return m_counts[static_cast<std::size_t>(kind)]; }
    void dropOldest(Kind kind) {
        const auto oldest =
            std::find_if(m_items.begin(), m_items.end(), [kind](const Item& item) { return item.kind == kind; });
        if (oldest != m_items.end()) {
            m_items.erase(oldest);
            --m_counts[static_cast<std::size_t>(kind)];
        }
    }

    std::deque<Item> m_items;
    std::array<std::size_t, 5> m_counts{};
    std::size_t m_lost = 0;
};

/// What the run process has published and the server's thread has not taken yet. Bounded like an Outbox.
class Inbox {
  public:
    using Item = std::variant<StateChanged, Notice, CommandResult>;
    struct Content {
        std::deque<Item> items;
        std::optional<Snapshot> snapshot;
        std::size_t lost = 0;
    };

    /// True: nobody has been told yet that there is something to take.
    template <typename Published>
    [[nodiscard]] bool add(Published published) {
        const std::lock_guard lock(m_mutex);
        if constexpr (std::is_same_v<Published, Snapshot>) {
            m_content.snapshot = std::move(published);
        } else if constexpr (std::is_same_v<Published, Notice>) {
            if (m_notices >= kMaxWaitingNotices) {
                ++m_content.lost;
            } else {
                ++m_notices;
                m_content.items.emplace_back(std::move(published));
            }
        } else if constexpr (std::is_same_v<Published, StateChanged>) {
            addState(std::move(published));
        } else {
            m_content.items.emplace_back(std::move(published)); // results: no more than there are commands
        }
        return !std::exchange(m_announced, true);
    }
    [[nodiscard]] Content take() {
        const std::lock_guard lock(m_mutex);
        m_announced = false;
        m_notices = 0;
        m_states = 0;
        return std::exchange(m_content, Content());
    }

  private:
    /// States that nobody has taken yet may be passed over, but never the newest one.
    void addState(StateChanged state) {
        if (m_states < kMaxWaitingStates) {
            ++m_states;
            m_content.items.emplace_back(std::move(state));
            return;
        }
        const auto newest = std::find_if(m_content.items.rbegin(), m_content.items.rend(),
                                         [](const Item& item) { return std::holds_alternative<StateChanged>(item); });
        *newest = std::move(state);
    }

    std::mutex m_mutex;
    Content m_content;
    std::size_t m_notices = 0;
    std::size_t m_states = 0;
    bool m_announced = false;
};

class Peer;
using PeerPointer = std::shared_ptr<Peer>;

/// What a peer tells the server. All calls are on the server's thread.
class PeerOwner {
  public:
    virtual void messageCame(const PeerPointer& peer, Message message) = 0;
    virtual void wrote(const PeerPointer& peer) = 0;
    virtual void left(const PeerPointer& peer) = 0;

  protected:
    ~PeerOwner() = default;
};

/// One connection. Lives on the server's thread only.
class Peer : public std::enable_shared_from_this<Peer> {
  public:
    Peer(LocalSocket socket, PeerOwner& owner) : m_socket(std::move(socket)), m_owner(owner) {}

    bool greeted = false;
    bool wantsSnapshot = false;
    bool asksAgain = false;   ///< a request that came while a snapshot was being written
    std::size_t commands = 0; ///< not answered yet

    [[nodiscard]] bool snapshotWaits() const { return m_outbox.holds(Outbox::Kind::Snapshot); }
    [[nodiscard]] bool snapshotInFlight() const { return m_snapshotInFlight; }
    [[nodiscard]] bool idle() const { return m_inFlight.empty() && m_outbox.empty(); }

    void send(Outbox::Kind kind, Frame frame) {
        if (!m_outbox.push(kind, std::move(frame))) {
            close();
            return;
        }
        write();
    }

    /// Tells the peer that notices were lost before they came here.
    void lose(std::size_t notices) {
        m_outbox.lose(notices);
        write();
    }

    void read() {
        m_socket.async_read_some(
            asio::buffer(m_incoming),
            [self = shared_from_this()](const error_code& error, std::size_t bytes) { self->didRead(error, bytes); });
    }

    void close() {
        if (m_socket.is_open()) {
            error_code ignored;
            m_socket.close(ignored);
            m_owner.left(shared_from_this());
        }
    }

    /// Whatever is queued is written first.
    void closeAfterWriting() {
        m_closing = true;
        if (idle()) {
            close();
        }
    }

  private:
    void didRead(const error_code& error, std::size_t bytes) {
        if (error) {
            close();
            return;
        }
        m_decoder.feed({m_incoming.data(), bytes});
        while (m_socket.is_open() && !m_closing) {
            Result<std::optional<Message>> message = m_decoder.next();
            if (!message) {
                close();
                return;
            }
            if (!*message) {
                break;
            }
            m_owner.messageCame(shared_from_this(), std::move(**message));
        }
        if (m_socket.is_open() && !m_closing) {
            read();
        }
    }

    void write() {
        if (!m_inFlight.empty() || m_outbox.empty() || !m_socket.is_open()) {
            return;
        }
        m_snapshotInFlight = snapshotWaits();
        m_inFlight = m_outbox.take();
        std::vector<asio::const_buffer> buffers;
        buffers.reserve(m_inFlight.size());
        for (const Frame& frame : m_inFlight) {
            buffers.push_back(asio::buffer(*frame));
        }
        asio::async_write(m_socket, buffers,
                          [self = shared_from_this()](const error_code& error, std::size_t) { self->didWrite(error); });
    }

    void didWrite(const error_code& error) {
        m_inFlight.clear();
        m_snapshotInFlight = false;
        if (error) {
            close();
            return;
        }
        write();
        if (m_closing && idle()) {
            close();
        } else {
            m_owner.wrote(shared_from_this());
        }
    }

    LocalSocket m_socket;
    PeerOwner& m_owner;
    std::array<char, kReadBytes> m_incoming{};
    FrameDecoder m_decoder;
    Outbox m_outbox;
    std::vector<Frame> m_inFlight;
    bool m_snapshotInFlight = false;
    bool m_closing = false;
};

/// Commands that wait for their result. Two peers may choose the same id; inside the run process every id is unique.
class PendingCommands {
  public:
    struct Origin {
        PeerPointer peer;
        CommandId id; ///< as the peer said it
    };

    /// The id to use inside.
    [[nodiscard]] CommandId add(const PeerPointer& peer, CommandId id) {
        CommandId inside = id;
        while (!m_origins.try_emplace(inside, Origin{peer, id}).second) {
            inside = CommandId{m_next++};
        }
        ++peer->commands;
        return inside;
    }
    [[nodiscard]] std::optional<Origin> take(CommandId inside) {
        auto node = m_origins.extract(inside);
        if (node.empty()) {
            return std::nullopt;
        }
        --node.mapped().peer->commands;
        return std::move(node.mapped());
    }
    void forget(const PeerPointer& peer) {
        std::erase_if(m_origins, [&peer](const auto& entry) { return entry.second.peer == peer; });
    }

  private:
    std::map<CommandId, Origin> m_origins;
    std::uint64_t m_next = std::uint64_t{1} << 63U;
};

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

class Client final : public ControlClient {
  public:
    Client() : m_socket(m_io) {}

    [[nodiscard]] Result<void> open(const RunId& run) {
        const std::filesystem::path path = socketPath(run);
        error_code error;
        m_socket.connect(asio::local::stream_protocol::endpoint(path.string()), error);
        if (error == asio::error::access_denied) {
            return fail(ErrorCode::Io, fmt::format("cannot connect to {}: {}", path.string(), error.message()));
        }
        if (error) {
            return fail(ErrorCode::NotFound,
                        fmt::format("no process serves run {} ({}: {})", run.value, path.string(), error.message()));
        }
        if (!isSameUser(m_socket)) {
            return fail(ErrorCode::Protocol, fmt::format("{} belongs to another user", path.string()));
        }
        return exchangeHellos(run);
    }

    [[nodiscard]] const Hello& peer() const override { return m_peer; }

    [[nodiscard]] Result<void> send(const Message& message) override {
        const std::string frame = encode(message);
        std::optional<error_code> outcome;
        asio::async_write(m_socket, asio::buffer(frame),
                          [&outcome](const error_code& error, std::size_t) { outcome = error; });
        waitFor(outcome, kClientPatience);
        if (*outcome) {
            return fail(ErrorCode::Protocol, fmt::format("the run process is gone: {}", outcome->message()));
        }
        return {};
    }

    [[nodiscard]] Result<std::optional<Message>> receive(int timeoutMs) override {
        const auto deadline = std::chrono::steady_clock::now() + milliseconds(timeoutMs);
        while (true) {
            Result<std::optional<Message>> message = m_decoder.next();
            if (!message || *message) {
                return message;
            }
            const auto left = deadline - std::chrono::steady_clock::now();
            std::optional<error_code> outcome;
            std::size_t bytes = 0;
            m_socket.async_read_some(asio::buffer(m_incoming), [&](const error_code& error, std::size_t count) {
                outcome = error;
                bytes = count;
            });
            waitFor(outcome, std::max<std::chrono::nanoseconds>(left, milliseconds(0)));
            if (*outcome == asio::error::operation_aborted) {
                return std::optional<Message>();
            }
            if (*outcome) {
                return fail(ErrorCode::Protocol, fmt::format("the run process is gone: {}", outcome->message()));
            }
            m_decoder.feed({m_incoming.data(), bytes});
        }
    }

  private:
    [[nodiscard]] Result<void> exchangeHellos(const RunId& run) {
        if (Result<void> sent = send(Hello{kProtocolVersion, "control client", run}); !sent) {
            return sent;
        }
        Result<std::optional<Message>> answer = receive(static_cast<int>(kClientPatience.count()));
        if (!answer) {
            return tl::unexpected(answer.error());
        }
        const auto* hello = *answer ? std::get_if<Hello>(&**answer) : nullptr;
        if (hello == nullptr) {
            return fail(ErrorCode::Protocol, fmt::format("the process behind run {} does not answer", run.value));
        }
        if (hello->version != kProtocolVersion) {
            return fail(ErrorCode::Protocol,
                        fmt::format("run {} speaks version {} of the control protocol, this program speaks version {}",
                                    run.value, hello->version, kProtocolVersion));
        }
        m_peer = *hello;
        return {};
    }

    /// Runs until the operation is over; one that is still going on at the end of `patience` is cancelled.
    void waitFor(const std::optional<error_code>& outcome, std::chrono::nanoseconds patience) {
        m_io.restart();
        m_io.run_for(patience);
        if (!outcome) {
            error_code ignored;
            m_socket.cancel(ignored);
            m_io.restart();
            m_io.run();
        }
    }

    asio::io_context m_io;
    LocalSocket m_socket;
    std::array<char, kReadBytes> m_incoming{};
    FrameDecoder m_decoder;
    Hello m_peer;
};

bool isOwnDirectory(const std::filesystem::path& folder) {
    struct stat info {};
    return folder.is_absolute() && stat(folder.c_str(), &info) == 0 && S_ISDIR(info.st_mode) &&
           info.st_uid == geteuid();
}

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

std::filesystem::path socketPath(const RunId& run) {
    const std::string file = run.value + ".sock";
    const char* named = std::getenv("XDG_RUNTIME_DIR");
    // A process that was started without the variable (cron, su) must find the same place.
    for (const std::filesystem::path& runtime : {std::filesystem::path(named != nullptr ? named : ""),
                                                 std::filesystem::path("/run/user") / std::to_string(geteuid())}) {
        std::filesystem::path path = runtime / "knife-workbench" / file;
        if (isOwnDirectory(runtime) && path.native().size() < sizeof(sockaddr_un::sun_path)) {
            return path;
        }
    }
    // Not TMPDIR: batch systems give every job its own.
    return std::filesystem::path("/tmp") / fmt::format("knife-workbench-{}", geteuid()) / file;
}

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

Result<std::unique_ptr<ControlClient>> ControlClient::connect(const RunId& run) {
    auto client = std::make_unique<Client>();
    if (Result<void> opened = client->open(run); !opened) {
        return tl::unexpected(std::move(opened).error());
    }
    return client;
}

} // namespace knife
