// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/log_controller.h"

#include <algorithm>
#include <vector>

#include <QDateTime>

#include "app/workbench/run_controller.h"
#include "app/workbench/text.h"
#include "app/workbench/time_cursor.h"
#include "widgets/log_panel.h"

namespace knife {

namespace {

LogLevel levelOf(Notice::Level level) {
    switch (level) {
    case Notice::Level::Info:
        return LogLevel::Info;
    case Notice::Level::Warning:
        return LogLevel::Warning;
    case Notice::Level::Error:
        return LogLevel::Error;
    }
    return LogLevel::Info;
}

LogLine lineOf(const RunHistory& history, const EventRecord& event) {
    const QString kind = toQString(event.kind).replace('_', ' ');
    return {QDateTime::fromMSecsSinceEpoch(history.approximateTimeMs(event)),
            event.kind == "error" ? LogLevel::Error : LogLevel::Info,
            history.run() ? runTitle(*history.run()) : toQString(history.id()),
            event.text.empty() ? kind : QStringLiteral("%1: %2").arg(kind, toQString(event.text)),
            event.clocks.update.value};
}

} // namespace

LogController::LogController(RunController& runs, TimeCursor& cursor, Views views, QObject* parent)
    : QObject(parent), m_runs(runs), m_views(views) {
    connect(&runs, &RunController::focusChanged, this, &LogController::onFocusChanged);
    connect(&runs, &RunController::noticed, this, &LogController::onNotice);
    connect(&runs, &RunController::troubled, this, &LogController::post);
    connect(&runs, &RunController::said, this,
            [this](const QString& text) { say(LogLevel::Info, tr("window"), text); });
    connect(&views.log, &LogPanel::updateActivated, &cursor,
            [&cursor](std::int64_t update) { cursor.moveToUpdate(UpdateStep{update}); });
}

void LogController::say(LogLevel level, const QString& source, const QString& text) {
    const LogLine line{QDateTime::currentDateTime(), level, source, text, std::nullopt};
    m_ownLines.push_back(line);
    if (m_ownLines.size() > kKeptLines) {
        m_ownLines.pop_front();
    }
    append(line);
}

void LogController::post(const MessageBar::Message& message) {
    using Severity = MessageBar::Message::Severity;
    m_views.bar.post(message);
    const LogLevel level = message.severity == Severity::Error     ? LogLevel::Error
                           : message.severity == Severity::Warning ? LogLevel::Warning
                                                                   : LogLevel::Info;
    say(level, tr("window"), message.text);
}

void LogController::postError(const Error& error) {
    post({MessageBar::Message::Severity::Error, toQString(error.message), toQString(error.describe()), {}, {}});
}

void LogController::onFocusChanged() {
    m_noticed.clear();
    m_views.log.clear();
    for (const LogLine& line : m_ownLines) {
        append(line);
    }
    if (RunHistory* history = m_runs.history()) {
        connect(history, &RunHistory::eventsAdded, this,
                [this, history](std::size_t first) { addEvents(*history, first); });
        connect(history, &RunHistory::failed, this, [this](const Error& error) {
            if (error.code != ErrorCode::NotFound) { // a run that has just been started is not there yet
                postError(error);
            }
        });
    }
}

void LogController::onNotice(const Notice& notice) {
    m_noticed.emplace(notice.clocks.update.value, toQString(notice.text));
    append({QDateTime::currentDateTime(), levelOf(notice.level), m_runs.title(), toQString(notice.text),
            notice.clocks.update.value});
}

void LogController::addEvents(const RunHistory& history, std::size_t first) {
    if (first > 0) {
        for (std::size_t i = first; i < history.events().size(); ++i) {
            const EventRecord& event = history.events()[i];
            if (m_noticed.erase({event.clocks.update.value, toQString(event.text)}) == 0) {
                append(lineOf(history, event));
            }
        }
        return;
    }
    // The first reading brings the past, which belongs among and before our own lines.
    std::vector<LogLine> lines(m_ownLines.begin(), m_ownLines.end());
    for (const EventRecord& event : history.events()) {
        lines.push_back(lineOf(history, event));
    }
    std::stable_sort(lines.begin(), lines.end(), [](const LogLine& a, const LogLine& b) { return a.time < b.time; });
    m_noticed.clear();
    m_views.log.clear();
    for (LogLine& line : lines) {
        append(std::move(line));
    }
}

void LogController::append(LogLine line) {
    m_views.log.append(std::move(line));
}

} // namespace knife
