// SPDX-License-Identifier: GPL-3.0-or-later
// The run process's end of the control channel: a local stream socket (Boost.Asio) in the user's runtime directory,
// mode 0600, that no other user can connect to.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>

#include "core/protocol/messages.h"
#include "core/types/error.h"
#include "core/types/ids.h"

namespace knife {

/// Where the socket of a run lives: $XDG_RUNTIME_DIR/knife-workbench/<run>.sock, or a 0700 directory under the
/// temporary directory when there is no runtime directory. The same answer in every process of one user. Creates
/// nothing.
[[nodiscard]] std::filesystem::path socketPath(const RunId& run);

/// Serves any number of peers from one thread of its own. Peers are checked to be the same user (SO_PEERCRED). A peer
/// that is slow, stopped or dead costs nothing: at most one snapshot and a bounded queue of small messages wait for it.
/// Notices beyond that are lost to it and it is told how many; with too many unread results it is dropped.
class ControlServer {
  public:
    /// Called on the server's thread; must not block.
    struct Handlers {
        std::function<void(Command)> command; ///< its result goes back through reply()
        std::function<void()> snapshotWanted; ///< somebody waits for publishSnapshot()
    };

    /// Binds and starts serving. A stale socket of a dead process is replaced; a live one is ErrorCode::Locked.
    [[nodiscard]] static Result<std::unique_ptr<ControlServer>> listen(const RunId& run, Hello hello,
                                                                       Handlers handlers);
    virtual ~ControlServer() = default; ///< closes all peers and removes the socket file

    // Thread-safe, never block.
    virtual void publishState(StateChanged state) = 0;   ///< to all, and to everyone who connects later
    virtual void publishNotice(Notice notice) = 0;       ///< to all now connected
    virtual void publishSnapshot(Snapshot snapshot) = 0; ///< to those who asked since the last one
    virtual void reply(CommandResult result) = 0;        ///< to the peer that sent the command
};

/// A blocking client for scripts and tests. Not thread-safe.
class ControlClient {
  public:
    /// Connects and exchanges Hello. ErrorCode::NotFound when nobody listens, ErrorCode::Protocol for another version.
    [[nodiscard]] static Result<std::unique_ptr<ControlClient>> connect(const RunId& run);
    virtual ~ControlClient() = default;
    [[nodiscard]] virtual const Hello& peer() const = 0;
    [[nodiscard]] virtual Result<void> send(const Message& message) = 0;
    /// Waits for the next message of any kind; nullopt after `timeoutMs`.
    [[nodiscard]] virtual Result<std::optional<Message>> receive(int timeoutMs) = 0;
};

} // namespace knife
