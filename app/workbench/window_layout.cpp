// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/window_layout.h"

#include <algorithm>
#include <utility>

#include <QDockWidget>
#include <QEvent>
#include <QGuiApplication>
#include <QMainWindow>
#include <QScreen>
#include <QSplitter>

#include "app/workbench/preferences.h"

namespace knife {

namespace {

constexpr int kSettleMs = 2000;

QList<QRect> screenAreas() {
    QList<QRect> areas;
    for (const QScreen* screen : QGuiApplication::screens()) {
        areas << screen->availableGeometry();
    }
    return areas;
}

int overlap(const QRect& a, const QRect& b) {
    const QRect common = a.intersected(b);
    return common.isEmpty() ? 0 : common.width() * common.height();
}

} // namespace

QRect clampedToScreens(QRect window, const QList<QRect>& screens) {
    if (screens.isEmpty()) {
        return window;
    }
    const QRect area = *std::max_element(screens.begin(), screens.end(), [&window](const QRect& a, const QRect& b) {
        return overlap(window, a) < overlap(window, b);
    });
    window.setSize(window.size().boundedTo(area.size()));
    window.moveLeft(std::clamp(window.left(), area.left(), area.right() - window.width() + 1));
    window.moveTop(std::clamp(window.top(), area.top(), area.bottom() - window.height() + 1));
    return window;
}

WindowLayout::WindowLayout(QMainWindow& window, Splitters splitters)
    : QObject(&window),
      m_window(window),
      m_splitters(splitters),
      m_defaultState(window.saveState(Preferences::kLayoutVersion)) {
    m_settle.setSingleShot(true);
    m_settle.setInterval(kSettleMs);
    connect(&m_settle, &QTimer::timeout, this, &WindowLayout::settled);
    const auto touch = [this] {
        m_settle.start();
    };
    for (QDockWidget* dock : window.findChildren<QDockWidget*>()) {
        connect(dock, &QDockWidget::dockLocationChanged, this, touch);
        connect(dock, &QDockWidget::topLevelChanged, this, touch);
        connect(dock, &QDockWidget::visibilityChanged, this, touch);
    }
    for (QSplitter* splitter : {&m_splitters.columns, &m_splitters.rows, &m_splitters.neurons}) {
        connect(splitter, &QSplitter::splitterMoved, this, touch);
    }
    window.installEventFilter(this);
}

void WindowLayout::restore(const Preferences& preferences) {
    m_hasSavedState = !preferences.windowState.isEmpty();
    restoreDefault();
    if (!preferences.geometry.isEmpty()) {
        m_window.restoreGeometry(preferences.geometry);
    }
    m_window.restoreState(preferences.windowState, Preferences::kLayoutVersion);
    m_splitters.columns.restoreState(preferences.columnsSplit);
    m_splitters.rows.restoreState(preferences.rowsSplit);
    m_splitters.neurons.restoreState(preferences.neuronsSplit);
    clamp();
}

void WindowLayout::restoreDefault() {
    const QSize size = m_window.size();
    m_window.restoreState(m_defaultState, Preferences::kLayoutVersion);
    const auto dock = [this](const char* name) {
        return m_window.findChild<QDockWidget*>(QLatin1String(name));
    };
    m_window.resizeDocks({dock("dock.runs"), dock("dock.inspector")},
                         {size.width() * 17 / 100, size.width() * 19 / 100}, Qt::Horizontal);
    m_window.resizeDocks({dock("dock.log")}, {size.height() * 14 / 100}, Qt::Vertical);
    m_window.resizeDocks({dock("dock.inspector"), dock("dock.surgery")},
                         {size.height() * 45 / 100, size.height() * 55 / 100}, Qt::Vertical);
    m_splitters.columns.setSizes({4800, 5200}); // shares
    m_splitters.rows.setSizes({4400, 5600});
    m_splitters.neurons.setSizes({6000, 4000});
}

void WindowLayout::save(Preferences& preferences) const {
    preferences.geometry = m_window.saveGeometry();
    preferences.windowState = m_window.saveState(Preferences::kLayoutVersion);
    preferences.columnsSplit = m_splitters.columns.saveState();
    preferences.rowsSplit = m_splitters.rows.saveState();
    preferences.neuronsSplit = m_splitters.neurons.saveState();
}

bool WindowLayout::eventFilter(QObject* watched, QEvent* event) {
    if (event->type() == QEvent::Show && !std::exchange(m_wasShown, true) && !m_hasSavedState) {
        restoreDefault(); // docks do not take sizes before they are laid out
    }
    if (event->type() == QEvent::Resize || event->type() == QEvent::Move ||
        event->type() == QEvent::WindowStateChange) {
        m_settle.start();
    }
    return QObject::eventFilter(watched, event);
}

void WindowLayout::clamp() {
    if (!m_window.isMaximized() && !m_window.isFullScreen()) {
        m_window.setGeometry(clampedToScreens(m_window.geometry(), screenAreas()));
    }
}

} // namespace knife
