// SPDX-License-Identifier: GPL-3.0-or-later
// Everything that is said to the user: the message bar for what needs attention, the log for the rest.
#pragma once

#include <deque>
#include <set>
#include <utility>

#include <QObject>

#include "widgets/log_model.h"
#include "widgets/message_bar.h"

namespace knife {

class LogPanel;
class RunController;
class RunHistory;
class TimeCursor;
struct Error;
struct EventRecord;
struct Notice;

class LogController final : public QObject {
    Q_OBJECT

  public:
    struct Views {
        LogPanel& log;
        MessageBar& bar;
    };

    /// All outlive the controller. Follows the run in focus: the log shows its stored events among our own lines.
    LogController(RunController& runs, TimeCursor& cursor, Views views, QObject* parent = nullptr);

    /// A line in the log.
    void say(LogLevel level, const QString& source, const QString& text);
    /// In the bar, and in the log.
    void post(const MessageBar::Message& message);
    void postError(const Error& error);

  private:
    void onFocusChanged();
    void onNotice(const Notice& notice);
    void addEvents(const RunHistory& history, std::size_t first);
    void append(LogLine line);

    static constexpr std::size_t kKeptLines = 500;

    RunController& m_runs;
    Views m_views;
    std::deque<LogLine> m_ownLines;                       ///< of the window itself; they stay when the focus changes
    std::set<std::pair<std::int64_t, QString>> m_noticed; ///< (update, text): will come from the store once more
};

} // namespace knife
