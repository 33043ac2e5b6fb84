// SPDX-License-Identifier: GPL-3.0-or-later
// One connection of the run process's end of the control channel. Private to the protocol.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "core/protocol/local_socket.h"
#include "core/protocol/mailboxes.h"
#include "core/protocol/messages.h"
#include "core/protocol/wire.h"

namespace knife {

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

    void send(Outbox::Kind kind, Frame frame);

    /// Tells the peer that notices were lost before they came here.
    void lose(std::size_t notices);

    /// Goes on until the connection ends; each message goes to the owner.
    void read();
    /// At once; tells the owner.
    void close();
    /// Whatever is queued is written first.
    void closeAfterWriting();

  private:
    void didRead(const boost::system::error_code& error, std::size_t bytes);
    void write();

    void didWrite(const boost::system::error_code& error);

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
    [[nodiscard]] CommandId add(const PeerPointer& peer, CommandId id);
    [[nodiscard]] std::optional<Origin> take(CommandId inside);
    void forget(const PeerPointer& peer);

  private:
    std::map<CommandId, Origin> m_origins;
    std::uint64_t m_next = std::uint64_t{1} << 63U;
};

} // namespace knife
