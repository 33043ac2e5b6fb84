// SPDX-License-Identifier: GPL-3.0-or-later
// Which run is in focus, what state it is in, and everything the user can tell it. Starts run processes and attaches to
// them, also to those that somebody else started.
#pragma once

#include <map>
#include <memory>
#include <optional>

#include <QObject>

#include "app/workbench/run_connection.h"
#include "app/workbench/run_history.h"
#include "app/workbench/run_list.h"
#include "app/workbench/run_process.h"
#include "widgets/message_bar.h"

namespace knife {

class StoreReader;

class RunController final : public QObject {
    Q_OBJECT

  public:
    /// Store and list outlive the controller.
    RunController(StoreReader& store, RunList& list, QObject* parent = nullptr);
    ~RunController() override;

    /// Shows a run in all panels, and attaches to it if it is live.
    void setFocus(const RunId& run);
    void clearFocus();
    [[nodiscard]] const std::optional<RunId>& focus() const { return m_focus; }
    /// Of the run in focus; nullptr without one.
    [[nodiscard]] RunHistory* history() const { return m_history.get(); }
    /// Told by the run process where we are attached, else stored; nothing without a run in focus.
    [[nodiscard]] std::optional<RunState> state() const;
    [[nodiscard]] bool isAttached() const { return m_connection.link() == RunConnection::Link::Attached; }
    /// The newest one while attached, else nullptr.
    [[nodiscard]] const std::shared_ptr<const Snapshot>& snapshot() const { return m_snapshot; }
    /// Name of the run in focus, for messages.
    [[nodiscard]] QString title() const;

    /// Starts a new run and puts it into focus. Trouble arrives as a message.
    void startExperiment(const QString& file, FirstState first = FirstState::Running);
    void resume(const RunId& run);
    /// Continues a paused run, resumes an interrupted or failed one.
    void proceed();
    /// Tells the run in focus; `what` is for the log: "pause". A refusal arrives as a message.
    CommandId send(CommandBody body, const QString& what);

    /// Snapshots are asked for only while somebody can see them.
    void setWatched(bool watched) { m_connection.setSnapshotsWanted(watched); }

  Q_SIGNALS:
    void focusChanged();
    /// state(), isAttached() or the stored record may have changed.
    void stateChanged();
    void snapshotChanged();
    void commandDone(const knife::CommandResult& result);
    void noticed(const knife::Notice& notice);
    /// For the message bar.
    void troubled(const knife::MessageBar::Message& message);
    /// For the log.
    void said(const QString& text);

  private:
    void letGo();
    void launch(const RunLaunch& what);
    void onLaunchEnded(const RunId& run);
    void onListUpdated();
    void onRunEnded(const RunRecord& run);
    void onAnswer(const CommandResult& result);
    void updateAttachment();
    [[nodiscard]] const RunRecord* record() const;

    StoreReader& m_store;
    RunList& m_list;
    RunConnection m_connection;
    std::optional<RunId> m_focus;
    std::unique_ptr<RunHistory> m_history;
    std::shared_ptr<const Snapshot> m_snapshot;
    std::optional<RunState> m_told; ///< by the run process; an end is kept until the store knows of it too
    std::map<RunId, std::unique_ptr<RunProcess>> m_launches; ///< started by us and not seen alive in the store yet
    std::map<CommandId, QString> m_sent;
};

} // namespace knife
