// SPDX-License-Identifier: GPL-3.0-or-later
// The figures of the run in focus: progress, speed and time left in the toolbar; state, memory, store and checkpoint in
// the status bar.
#pragma once

#include <optional>

#include <QObject>
#include <QTimer>

class QLabel;
class QProgressBar;
class QStatusBar;
class QToolBar;

namespace knife {

class RunController;
class RunList;

/// Seconds until the budget is used up at this speed; nothing when that cannot be said.
[[nodiscard]] std::optional<double> secondsLeft(std::int64_t envStep, std::int64_t total, double envStepsPerS);

class StatusView final : public QObject {
    Q_OBJECT

  public:
    /// Adds its labels to both bars, which own them. All outlive the view.
    StatusView(RunController& runs, RunList& list, QToolBar& toolbar, QStatusBar& status);

    void setWorkspace(const QString& folder);

  private:
    void refresh();
    void refreshProgress();
    void refreshStatus();

    RunController& m_runs;
    RunList& m_list;
    QTimer m_timer; ///< ages grow without anything happening
    QString m_workspace;
    QProgressBar* m_progress;
    QLabel* m_speed;
    QLabel* m_state;
    QLabel* m_memory;
    QLabel* m_saved;
    QLabel* m_store;
};

} // namespace knife
