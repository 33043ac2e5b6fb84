// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/run_connection.h"

#include <utility>
#include <variant>

#include <QCoreApplication>

#include "app/workbench/text.h"
#include "core/protocol/channel.h"

namespace knife {

namespace {

constexpr int kRetryMs = 150;
constexpr int kSnapshotIntervalMs = 50;
/// A read buffer keeps a peer that floods us from filling our memory; large snapshots come in portions.
constexpr qint64 kReadBufferBytes = 4 << 20;

template <typename... Handlers>
struct Overloaded : Handlers... {
    using Handlers::operator()...;
};
template <typename... Handlers>
Overloaded(Handlers...) -> Overloaded<Handlers...>;

CommandResult refusal(CommandId id, std::string message) {
    return {id, Error{ErrorCode::Protocol, std::move(message), {}}, std::nullopt, {}};
}

} // namespace

RunConnection::RunConnection(QObject* parent) : QObject(parent) {
    m_retry.setInterval(kRetryMs);
    connect(&m_retry, &QTimer::timeout, this, &RunConnection::connectToRun);
    m_snapshotTimer.setInterval(kSnapshotIntervalMs);
    connect(&m_snapshotTimer, &QTimer::timeout, this, &RunConnection::requestSnapshot);
    m_socket.setReadBufferSize(kReadBufferBytes);
    connect(&m_socket, &QLocalSocket::connected, this, &RunConnection::onConnected);
    connect(&m_socket, &QLocalSocket::readyRead, this, &RunConnection::onReadable);
    connect(&m_socket, &QLocalSocket::disconnected, this, &RunConnection::onDisconnected);
}

RunConnection::~RunConnection() {
    m_socket.disconnect(this);
    m_socket.abort();
}

void RunConnection::attach(const RunId& run) {
    if (m_link != Link::Detached && m_run == run) {
        return;
    }
    detach();
    m_run = run;
    m_link = Link::Connecting;
    m_retry.start();
    connectToRun();
}

void RunConnection::detach() {
    if (m_link == Link::Detached) {
        return;
    }
    dropLink(tr("The window let go of the run."));
    m_retry.stop();
    m_link = Link::Detached;
    m_run = {};
}

CommandId RunConnection::send(CommandBody body) {
    const CommandId id{++m_lastCommand};
    if (m_link != Link::Attached || m_socket.bytesToWrite() > kMaxUnsentBytes) {
        const std::string why = m_link != Link::Attached ? "The window is not attached to the run."
                                                         : "The run process does not read its commands.";
        // Later, so that the caller knows the id before the answer comes.
        QMetaObject::invokeMethod(
            this, [this, id, why] { Q_EMIT commandAnswered(refusal(id, why)); }, Qt::QueuedConnection);
        return id;
    }
    m_unanswered.emplace(id, body);
    write(Command{id, std::move(body)});
    return id;
}

void RunConnection::setSnapshotsWanted(bool wanted) {
    m_snapshotsWanted = wanted;
    if (wanted && m_link == Link::Attached) {
        m_snapshotTimer.start();
        requestSnapshot();
    } else {
        m_snapshotTimer.stop();
    }
}

void RunConnection::connectToRun() {
    if (m_link == Link::Connecting && m_socket.state() == QLocalSocket::UnconnectedState) {
        m_socket.connectToServer(QString::fromStdString(socketPath(m_run).string()));
    }
}

void RunConnection::onConnected() {
    m_decoder = FrameDecoder();
    write(Hello{kProtocolVersion, "knife-workbench " + QCoreApplication::applicationVersion().toStdString(), m_run});
}

void RunConnection::onReadable() {
    const QByteArray bytes = m_socket.readAll();
    m_decoder.feed({bytes.constData(), static_cast<std::size_t>(bytes.size())});
    while (true) {
        Result<std::optional<Message>> message = m_decoder.next();
        if (!message) {
            dropLink(toQString(message.error().describe()));
            return;
        }
        if (!*message) {
            return;
        }
        handle(std::move(**message));
        if (m_socket.state() != QLocalSocket::ConnectedState) {
            return; // a handler let go of the run, or the peer was refused
        }
    }
}

void RunConnection::onDisconnected() {
    dropLink(tr("The run process closed the connection."));
}

void RunConnection::dropLink(const QString& reason) {
    const bool wasAttached = m_link == Link::Attached;
    if (wasAttached) {
        m_link = Link::Connecting;
    }
    m_state.reset();
    m_snapshotTimer.stop();
    m_snapshotUnderWay = false;
    m_socket.abort();
    for (const auto& [id, body] : std::exchange(m_unanswered, {})) {
        Q_EMIT commandAnswered(refusal(id, "The run process left before it answered."));
    }
    if (wasAttached) {
        m_retry.start();
        Q_EMIT disconnected(reason);
    }
}

void RunConnection::handle(Message message) {
    const auto onHello = [this](const Hello& hello) {
        if (hello.version != kProtocolVersion) {
            const QString reason =
                tr("%1 speaks another version of the control protocol.").arg(toQString(hello.program));
            detach(); // trying again would not change its version
            Q_EMIT disconnected(reason);
            return;
        }
        m_link = Link::Attached;
        m_retry.stop();
        Q_EMIT helloReceived(hello);
        setSnapshotsWanted(m_snapshotsWanted);
    };
    std::visit(Overloaded{
                   onHello,
                   [this](const StateChanged& state) {
                       m_state = state.state;
                       Q_EMIT stateChanged(state);
                   },
                   [this](const Notice& notice) { Q_EMIT noticeReceived(notice); },
                   [this](Snapshot& snapshot) {
                       m_snapshotUnderWay = false;
                       Q_EMIT snapshotReceived(std::make_shared<const Snapshot>(std::move(snapshot)));
                   },
                   [this](const CommandResult& result) {
                       if (m_unanswered.erase(result.id) > 0) {
                           Q_EMIT commandAnswered(result);
                       }
                   },
                   [](const Command&) {},         // only windows send these
                   [](const SnapshotRequest&) {}, // likewise
               },
               message);
}

void RunConnection::requestSnapshot() {
    if (m_link == Link::Attached && m_snapshotsWanted && !m_snapshotUnderWay) {
        m_snapshotUnderWay = true;
        write(SnapshotRequest{});
    }
}

void RunConnection::write(const Message& message) {
    const std::string bytes = encode(message);
    m_socket.write(bytes.data(), static_cast<qint64>(bytes.size()));
}

} // namespace knife
