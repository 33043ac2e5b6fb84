// SPDX-License-Identifier: GPL-3.0-or-later
// Mouse and keyboard of the heatmap: hover, click, rubber band, cell cursor, selection.
#include <algorithm>

#include <QApplication>
#include <QHelpEvent>
#include <QKeyEvent>
#include <QMouseEvent>
#include <QToolTip>

#include "widgets/neurons/heatmap_canvas.h"

namespace knife {

void HeatmapCanvas::pointAt(std::optional<CellRef> cell) {
    if (m_hover == cell) {
        return;
    }
    m_hover = cell;
    update();
    Q_EMIT cellDescribed(cell ? describe(*cell) : QString());
}

void HeatmapCanvas::replaceSelection(std::set<CellRef> selection) {
    if (selection != m_selection) {
        m_selection = std::move(selection);
        update();
        Q_EMIT selectionEdited();
    }
}

void HeatmapCanvas::extendTo(CellRef cell) {
    const CellRef from = m_anchor.value_or(cell);
    std::set<CellRef> selection;
    const auto& sites = m_layout.sites();
    // Reading order, also across sites, as in a text.
    const auto [first, last] = std::minmax(from, cell);
    for (int site = first.site; site <= last.site; ++site) {
        const int begin = site == first.site ? first.unit : 0;
        const int end = site == last.site ? last.unit + 1 : sites[static_cast<std::size_t>(site)].units;
        for (int unit = begin; unit < end; ++unit) {
            selection.insert({site, unit});
        }
    }
    replaceSelection(std::move(selection));
}

void HeatmapCanvas::mousePressEvent(QMouseEvent* event) {
    if (event->button() != Qt::LeftButton || !m_frame) {
        return;
    }
    m_pressed = event->position().toPoint();
    m_selectionBefore = event->modifiers() & Qt::ControlModifier ? m_selection : std::set<CellRef>();
}

void HeatmapCanvas::mouseMoveEvent(QMouseEvent* event) {
    if (!m_frame) {
        return;
    }
    const QPoint point = event->position().toPoint();
    pointAt(m_layout.at(point));
    if (!m_pressed) {
        return;
    }
    if (m_band.isNull() && (point - *m_pressed).manhattanLength() < QApplication::startDragDistance()) {
        return;
    }
    m_band = QRect(*m_pressed, point).normalized();
    std::set<CellRef> selection = m_selectionBefore;
    const std::vector<CellRef> touched = m_layout.within(m_band);
    selection.insert(touched.begin(), touched.end());
    update();
    replaceSelection(std::move(selection));
}

void HeatmapCanvas::mouseReleaseEvent(QMouseEvent* event) {
    if (event->button() != Qt::LeftButton || !m_pressed) {
        return;
    }
    const bool wasBand = !m_band.isNull();
    m_pressed.reset();
    m_band = QRect();
    update();
    if (wasBand) {
        return;
    }
    const auto cell = m_layout.at(event->position().toPoint());
    if (!cell) {
        if (!(event->modifiers() & (Qt::ControlModifier | Qt::ShiftModifier))) {
            replaceSelection({});
        }
        return;
    }
    m_cursor = cell;
    if (event->modifiers() & Qt::ShiftModifier) {
        extendTo(*cell);
        return;
    }
    m_anchor = cell;
    if (event->modifiers() & Qt::ControlModifier) {
        std::set<CellRef> selection = m_selection;
        if (selection.erase(*cell) == 0) {
            selection.insert(*cell);
        }
        replaceSelection(std::move(selection));
        return;
    }
    replaceSelection({*cell});
    Q_EMIT cellActivated(*cell);
}

void HeatmapCanvas::moveCursor(CellRef to, Qt::KeyboardModifiers modifiers) {
    if (modifiers & Qt::ShiftModifier) {
        if (!m_anchor) {
            m_anchor = m_cursor;
        }
        extendTo(to);
    } else {
        m_anchor = to;
    }
    m_cursor = to;
    update();
    Q_EMIT cellDescribed(describe(to));
    Q_EMIT cursorMovedTo(m_layout.rect(to));
}

void HeatmapCanvas::keyPressEvent(QKeyEvent* event) {
    if (!m_frame || m_layout.sites().empty()) {
        QWidget::keyPressEvent(event);
        return;
    }
    const CellRef from = m_cursor.value_or(CellRef{});
    const auto step = [&](int right, int down) {
        moveCursor(m_cursor ? m_layout.moved(from, right, down) : from, event->modifiers());
    };
    switch (event->key()) {
    case Qt::Key_Left:
        return step(-1, 0);
    case Qt::Key_Right:
        return step(1, 0);
    case Qt::Key_Up:
        return step(0, -1);
    case Qt::Key_Down:
        return step(0, 1);
    case Qt::Key_Home:
        return moveCursor({from.site, 0}, event->modifiers());
    case Qt::Key_End:
        return moveCursor({from.site, m_layout.sites()[static_cast<std::size_t>(from.site)].units - 1},
                          event->modifiers());
    case Qt::Key_Space:
        if (m_cursor) {
            std::set<CellRef> selection = m_selection;
            if (selection.erase(*m_cursor) == 0) {
                selection.insert(*m_cursor);
            }
            replaceSelection(std::move(selection));
        }
        return;
    case Qt::Key_Return:
    case Qt::Key_Enter:
        if (m_cursor) {
            replaceSelection({*m_cursor});
            Q_EMIT cellActivated(*m_cursor);
        }
        return;
    case Qt::Key_Escape:
        return replaceSelection({});
    default:
        QWidget::keyPressEvent(event);
    }
}

void HeatmapCanvas::leaveEvent(QEvent* event) {
    pointAt(std::nullopt);
    QWidget::leaveEvent(event);
}

bool HeatmapCanvas::event(QEvent* event) {
    if (event->type() == QEvent::ToolTip && m_frame) {
        auto* help = static_cast<QHelpEvent*>(event);
        const auto cell = m_layout.at(help->pos());
        QToolTip::showText(help->globalPos(), cell ? tooltip(*cell) : QString(), this,
                           cell ? m_layout.rect(*cell) : QRect());
        return true;
    }
    return QWidget::event(event);
}

} // namespace knife
