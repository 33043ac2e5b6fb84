// SPDX-License-Identifier: GPL-3.0-or-later
// The window's end of the control channel of one run. Never blocks; survives a peer that is slow, stopped, dead in the
// middle of a message, or talks nonsense. GUI thread only.
#pragma once

#include <map>
#include <memory>
#include <optional>

#include <QLocalSocket>
#include <QObject>
#include <QTimer>

#include "core/protocol/messages.h"
#include "core/protocol/wire.h"

namespace knife {

class RunConnection final : public QObject {
    Q_OBJECT

  public:
    enum class Link {
        Detached,   ///< nothing is wanted
        Connecting, ///< tries again and again until the run's socket answers
        Attached,   ///< Hello has been exchanged
    };
    /// Bytes that may wait for a peer that does not read before further commands are refused.
    static constexpr qint64 kMaxUnsentBytes = 1 << 20;

    explicit RunConnection(QObject* parent = nullptr);
    ~RunConnection() override;

    /// Attaches to a run, now or as soon as its socket appears, and again whenever the link is lost.
    void attach(const RunId& run);
    void detach();

    [[nodiscard]] Link link() const { return m_link; }
    [[nodiscard]] const RunId& run() const { return m_run; }
    /// Newest state that the run process told; nothing before that and after the link is lost.
    [[nodiscard]] std::optional<RunState> state() const { return m_state; }

    /// Sends a command; commandAnswered() follows in every case, also when the link is or gets lost.
    CommandId send(CommandBody body);

    /// Asks for a snapshot 20 times a second while `wanted`: never more than one request is under way, so a run that is
    /// busy answers as seldom as it likes.
    void setSnapshotsWanted(bool wanted);

  Q_SIGNALS:
    void helloReceived(const knife::Hello& hello);
    void stateChanged(const knife::StateChanged& state);
    void noticeReceived(const knife::Notice& notice);
    void snapshotReceived(const std::shared_ptr<const knife::Snapshot>& snapshot);
    void commandAnswered(const knife::CommandResult& result);
    /// The link is lost: the run ended, died, or said something that cannot be understood.
    void disconnected(const QString& reason);

  private:
    void connectToRun();
    void onConnected();
    void onReadable();
    void onDisconnected();
    void dropLink(const QString& reason);
    void handle(Message message);
    void requestSnapshot();
    void write(const Message& message);

    QLocalSocket m_socket;
    QTimer m_retry;
    QTimer m_snapshotTimer;
    FrameDecoder m_decoder;
    RunId m_run;
    Link m_link = Link::Detached;
    std::optional<RunState> m_state;
    std::uint64_t m_lastCommand = 0;
    std::map<CommandId, CommandBody> m_unanswered;
    bool m_snapshotsWanted = false;
    bool m_snapshotUnderWay = false;
};

} // namespace knife
