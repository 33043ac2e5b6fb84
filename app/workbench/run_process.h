// SPDX-License-Identifier: GPL-3.0-or-later
// Run processes, seen from outside: how they are started, and how one that dies before it says a word is noticed.
#pragma once

#include <optional>

#include <QObject>
#include <QString>
#include <QStringList>
#include <QTimer>

#include "core/types/error.h"
#include "core/types/ids.h"

namespace knife {

/// knifectl beside this program, else in the search path; empty when there is none.
[[nodiscard]] QString findKnifectl();

/// What is started, and where it writes.
struct RunLaunch {
    RunId run;
    QString program;
    QStringList arguments;
    QString workspace;

    /// Output of the process: <workspace>/logs/<run>.log
    [[nodiscard]] QString logFile() const;
};

enum class FirstState { Running, Paused };

[[nodiscard]] RunLaunch trainLaunch(const QString& experimentFile, const QString& workspace, const RunId& run,
                                    std::optional<std::uint64_t> seed = {}, FirstState first = FirstState::Running);
[[nodiscard]] RunLaunch resumeLaunch(const QString& workspace, const RunId& run);

/// The last line of a text file that says something, at most a few hundred characters of it; empty when there is none.
[[nodiscard]] QString lastLine(const QString& file);

/// Starts one run process that outlives this program, and watches until it ends or is let go of.
class RunProcess final : public QObject {
    Q_OBJECT

  public:
    explicit RunProcess(QObject* parent = nullptr);

    /// ErrorCode::NotFound without a program, Io when the operating system refuses. Does not wait for the process.
    [[nodiscard]] Result<void> start(const RunLaunch& launch);
    [[nodiscard]] bool isWatching() const { return m_timer.isActive(); }
    [[nodiscard]] const RunLaunch& launch() const { return m_launch; }
    [[nodiscard]] qint64 pid() const { return m_pid; }
    /// Unix time, milliseconds.
    [[nodiscard]] qint64 startedMs() const { return m_startedMs; }
    /// The process goes on; ended() will not come.
    void letGo() { m_timer.stop(); }

  Q_SIGNALS:
    void ended();

  private:
    RunLaunch m_launch;
    QTimer m_timer;
    qint64 m_pid = 0;
    qint64 m_startedMs = 0;
};

} // namespace knife
