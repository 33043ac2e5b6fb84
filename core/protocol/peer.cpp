// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/protocol/peer.h"

#include <boost/asio.hpp>

namespace knife {

namespace asio = boost::asio;
using boost::system::error_code;

void Peer::send(Outbox::Kind kind, Frame frame) {
    if (!m_outbox.push(kind, std::move(frame))) {
        close();
        return;
    }
    write();
}

void Peer::lose(std::size_t notices) {
    m_outbox.lose(notices);
    write();
}

void Peer::read() {
    m_socket.async_read_some(
        asio::buffer(m_incoming),
        [self = shared_from_this()](const error_code& error, std::size_t bytes) { self->didRead(error, bytes); });
}

void Peer::close() {
    if (m_socket.is_open()) {
        error_code ignored;
        m_socket.close(ignored);
        m_owner.left(shared_from_this());
    }
}

void Peer::closeAfterWriting() {
    m_closing = true;
    if (idle()) {
        close();
    }
}

void Peer::didRead(const error_code& error, std::size_t bytes) {
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

void Peer::write() {
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

void Peer::didWrite(const error_code& error) {
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

CommandId PendingCommands::add(const PeerPointer& peer, CommandId id) {
    CommandId inside = id;
    while (!m_origins.try_emplace(inside, Origin{peer, id}).second) {
        inside = CommandId{m_next++};
    }
    ++peer->commands;
    return inside;
}

std::optional<PendingCommands::Origin> PendingCommands::take(CommandId inside) {
    auto node = m_origins.extract(inside);
    if (node.empty()) {
        return std::nullopt;
    }
    --node.mapped().peer->commands;
    return std::move(node.mapped());
}

void PendingCommands::forget(const PeerPointer& peer) {
    std::erase_if(m_origins, [&peer](const auto& entry) { return entry.second.peer == peer; });
}

} // namespace knife
