// SPDX-License-Identifier: GPL-3.0-or-later
// Where the window, its docks and its splitters are: from the preferences, back into them, and never off the screen.
#pragma once

#include <vector>

#include <QByteArray>
#include <QList>
#include <QObject>
#include <QRect>
#include <QTimer>

class QMainWindow;
class QSplitter;

namespace knife {

struct Preferences;

/// `window` moved and shrunk so that it lies within the screen it overlaps most, or the first one. `screens` are
/// available areas; without any, the window stays where it is.
[[nodiscard]] QRect clampedToScreens(QRect window, const QList<QRect>& screens);

class WindowLayout final : public QObject {
    Q_OBJECT

  public:
    struct Splitters {
        QSplitter& columns;
        QSplitter& rows;
        QSplitter& neurons;
    };

    /// The window is complete: all docks and toolbars are there, in their default places.
    WindowLayout(QMainWindow& window, Splitters splitters);

    void restore(const Preferences& preferences);
    void restoreDefault();
    void save(Preferences& preferences) const;

    bool eventFilter(QObject* watched, QEvent* event) override;

  Q_SIGNALS:
    /// Something was moved or resized, and has been left alone for two seconds since.
    void settled();

  private:
    void clamp();

    QMainWindow& m_window;
    Splitters m_splitters;
    QByteArray m_defaultState;
    QTimer m_settle;
    bool m_hasSavedState = false;
    bool m_wasShown = false;
};

} // namespace knife
