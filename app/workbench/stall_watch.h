// SPDX-License-Identifier: GPL-3.0-or-later
// An application that can time every event it delivers: the longest one is the longest the window stood still.
#pragma once

#include <QApplication>
#include <QString>

namespace knife {

class WatchedApplication final : public QApplication {
    Q_OBJECT

  public:
    WatchedApplication(int& argc, char** argv);

    /// From now on. Costs two clock reads per event.
    void startWatching();
    void stopWatching() { m_watching = false; }
    [[nodiscard]] double longestStallMs() const { return m_longestMs; }
    /// Receiver and kind of event of the longest stall.
    [[nodiscard]] const QString& longestStall() const { return m_longest; }

    bool notify(QObject* receiver, QEvent* event) override;

  private:
    bool m_watching = false;
    int m_depth = 0;
    quint64 m_rests = 0; ///< how often an event loop has come to rest, also a nested one of a menu
    double m_longestMs = 0.0;
    QString m_longest;
};

/// Milliseconds since this process began, to the hundredth of a second; 0 where the system does not say.
[[nodiscard]] double msSinceProcessStart();

} // namespace knife
