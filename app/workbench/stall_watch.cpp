// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/stall_watch.h"

#include <ctime>
#include <unistd.h>

#include <QAbstractEventDispatcher>
#include <QElapsedTimer>
#include <QEvent>
#include <QFile>
#include <QMetaEnum>

namespace knife {

WatchedApplication::WatchedApplication(int& argc, char** argv) : QApplication(argc, argv) {}

void WatchedApplication::startWatching() {
    m_watching = true;
    connect(QAbstractEventDispatcher::instance(), &QAbstractEventDispatcher::aboutToBlock, this, [this] { ++m_rests; });
}

bool WatchedApplication::notify(QObject* receiver, QEvent* event) {
    if (!m_watching || m_depth > 0) {
        return QApplication::notify(receiver, event);
    }
    const quint64 rests = m_rests;
    // The receiver may be gone afterwards.
    const char* className = receiver->metaObject()->className();
    const QString name = receiver->objectName();
    const QEvent::Type type = event->type();
    QElapsedTimer timer;
    timer.start();
    ++m_depth;
    const bool result = QApplication::notify(receiver, event);
    --m_depth;
    const double ms = static_cast<double>(timer.nsecsElapsed()) / 1e6;
    if (m_watching && rests == m_rests && ms > m_longestMs) {
        m_longestMs = ms;
        m_longest = QStringLiteral("%1 %2 to %3 \"%4\"")
                        .arg(QLatin1String(QMetaEnum::fromType<QEvent::Type>().valueToKey(type)))
                        .arg(static_cast<int>(type))
                        .arg(QLatin1String(className), name);
    }
    return result;
}

double msSinceProcessStart() {
    QFile file(QStringLiteral("/proc/self/stat"));
    if (!file.open(QIODevice::ReadOnly)) {
        return 0.0;
    }
    const QByteArray line = file.readAll();
    // The name may hold anything; the start time is field 22, the 20th after it.
    const QList<QByteArray> fields = line.mid(line.lastIndexOf(')') + 2).split(' ');
    constexpr int kStartTime = 19;
    if (fields.size() <= kStartTime) {
        return 0.0;
    }
    timespec now{};
    clock_gettime(CLOCK_BOOTTIME, &now);
    const double nowMs = 1e3 * static_cast<double>(now.tv_sec) + 1e-6 * static_cast<double>(now.tv_nsec);
    return nowMs - 1e3 * fields[kStartTime].toDouble() / static_cast<double>(sysconf(_SC_CLK_TCK));
}

} // namespace knife
