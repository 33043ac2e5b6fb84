// SPDX-License-Identifier: GPL-3.0-or-later
// What the user does to a plot: zoom, pan, rubber band, cursor, crosshair, keys and menu.
#include <algorithm>
#include <cmath>

#include <QApplication>
#include <QClipboard>
#include <QContextMenuEvent>
#include <QHelpEvent>
#include <QMenu>
#include <QRubberBand>
#include <QToolTip>

#include "widgets/icons.h"
#include "widgets/plot/plot_impl.h"
#include "widgets/plot/qcp.h"

namespace knife {

namespace {

constexpr double kWheelFactor = 0.8;

} // namespace

QRect PlotView::Impl::plotRect() const {
    return plot->axisRect()->rect();
}

double PlotView::Impl::xAt(double pixel) const {
    return plot->xAxis->pixelToCoord(pixel);
}

void PlotView::Impl::userMovedX() {
    const QCPRange range = plot->xAxis->range();
    zoomedX = PlotRange{range.lower, range.upper};
    schedule();
    Q_EMIT q.xRangeChanged(range.lower, range.upper);
}

void PlotView::Impl::zoomX(double pixel, double factor) {
    plot->xAxis->scaleRange(factor, plot->xAxis->pixelToCoord(pixel));
    userMovedX();
}

void PlotView::Impl::zoomY(double pixel, double factor) {
    plot->yAxis->scaleRange(factor, plot->yAxis->pixelToCoord(pixel));
    const QCPRange range = plot->yAxis->range();
    zoomedY = PlotRange{range.lower, range.upper};
    schedule();
}

void PlotView::Impl::panBy(QPointF pixels) {
    const QRect rect = plotRect();
    const QCPAxis& x = *plot->xAxis;
    plot->xAxis->setRange(x.pixelToCoord(rect.left() - pixels.x()), x.pixelToCoord(rect.right() + 1 - pixels.x()));
    if (zoomedY) { // while y follows the data, a pan must not pin it by accident
        const QCPAxis& y = *plot->yAxis;
        zoomedY = PlotRange{y.pixelToCoord(rect.bottom() + 1 - pixels.y()), y.pixelToCoord(rect.top() - pixels.y())};
    }
    userMovedX();
}

void PlotView::Impl::zoomTo(const QRect& pixels) {
    const QRect area = pixels & plotRect();
    const int least = QApplication::startDragDistance();
    if (area.width() < least || area.height() < least) {
        return;
    }
    const QCPAxis& y = *plot->yAxis;
    zoomedY = PlotRange{y.pixelToCoord(area.bottom()), y.pixelToCoord(area.top())};
    plot->xAxis->setRange(xAt(area.left()), xAt(area.right()));
    userMovedX();
}

void PlotView::Impl::moveCursor(double x) {
    q.setCursor(x);
    Q_EMIT q.cursorMoved(x);
}

bool PlotView::Impl::nearCursor(double pixel) const {
    const double reach = 0.35 * QFontMetricsF(q.font()).height();
    return overlay.cursor && std::abs(plot->xAxis->coordToPixel(*overlay.cursor) - pixel) <= reach;
}

std::optional<QString> PlotView::Impl::markAt(double pixel) const {
    const double reach = 0.4 * QFontMetricsF(q.font()).height();
    for (const PlotMark& mark : overlay.marks) {
        if (!mark.label.isEmpty() && std::abs(plot->xAxis->coordToPixel(mark.x) - pixel) <= reach) {
            return mark.label;
        }
    }
    return std::nullopt;
}

void PlotView::Impl::showMenu(QPoint globalPosition) {
    QMenu menu(&q);
    QAction* reset = menu.addAction(icon(QStringLiteral("reset-zoom")), PlotView::tr("Show everything"));
    reset->setEnabled(q.isZoomed());
    QObject::connect(reset, &QAction::triggered, &q, [this] {
        q.resetZoom();
        Q_EMIT q.zoomReset();
    });
    QAction* logY = menu.addAction(PlotView::tr("Logarithmic y axis"));
    logY->setCheckable(true);
    logY->setChecked(yScale == AxisScale::Log);
    QObject::connect(logY, &QAction::toggled, &q,
                     [this](bool on) { q.setScales(xScale, on ? AxisScale::Log : AxisScale::Linear); });
    menu.addSeparator();
    QObject::connect(menu.addAction(icon(QStringLiteral("copy")), PlotView::tr("Copy data")), &QAction::triggered, &q,
                     [this] { QApplication::clipboard()->setText(q.dataAsText()); });
    QObject::connect(menu.addAction(PlotView::tr("Copy image")), &QAction::triggered, &q,
                     [this] { QApplication::clipboard()->setPixmap(plot->grab()); });
    QObject::connect(menu.addAction(icon(QStringLiteral("export")), PlotView::tr("Export…")), &QAction::triggered, &q,
                     &PlotView::exportRequested);
    menu.exec(globalPosition);
}

bool PlotView::eventFilter(QObject* watched, QEvent* event) {
    if (watched != m_impl->plot) {
        return QWidget::eventFilter(watched, event);
    }
    Impl& d = *m_impl;
    switch (event->type()) {
    case QEvent::Wheel: {
        auto* wheel = static_cast<QWheelEvent*>(event);
        const double steps =
            wheel->angleDelta().y() != 0 ? wheel->angleDelta().y() / 120.0 : wheel->angleDelta().x() / 120.0;
        const double factor = std::pow(kWheelFactor, steps);
        if (wheel->modifiers() & Qt::ControlModifier) {
            d.zoomY(wheel->position().y(), factor);
        } else {
            d.zoomX(wheel->position().x(), factor);
        }
        return true;
    }
    case QEvent::MouseButtonPress: {
        auto* mouse = static_cast<QMouseEvent*>(event);
        setFocus(Qt::MouseFocusReason);
        d.pressed = d.lastPosition = mouse->position();
        if (mouse->button() == Qt::MiddleButton) {
            d.drag = Impl::Drag::Pan;
        } else if (mouse->button() == Qt::LeftButton && (mouse->modifiers() & Qt::ShiftModifier)) {
            d.drag = Impl::Drag::Band;
            d.band = new QRubberBand(QRubberBand::Rectangle, d.plot);
        } else if (mouse->button() == Qt::LeftButton) {
            d.drag = d.nearCursor(mouse->position().x()) ? Impl::Drag::Cursor : Impl::Drag::Pending;
        }
        return true;
    }
    case QEvent::MouseMove: {
        const QPointF position = static_cast<QMouseEvent*>(event)->position();
        if (d.drag == Impl::Drag::Pending &&
            (position - d.pressed).manhattanLength() >= QApplication::startDragDistance()) {
            d.drag = Impl::Drag::Pan;
        }
        if (d.drag == Impl::Drag::Pan) {
            d.panBy(position - d.lastPosition);
        } else if (d.drag == Impl::Drag::Cursor) {
            d.moveCursor(d.xAt(position.x()));
        } else if (d.drag == Impl::Drag::Band && d.band) {
            d.band->setGeometry(QRect(d.pressed.toPoint(), position.toPoint()).normalized());
            d.band->show();
        } else if (d.drag == Impl::Drag::None) {
            d.plot->setCursor(d.nearCursor(position.x()) ? Qt::SplitHCursor : Qt::ArrowCursor);
        }
        d.lastPosition = position;
        const bool inside = d.plotRect().contains(position.toPoint());
        setCrosshair(inside ? std::optional(d.xAt(position.x())) : std::nullopt);
        if (inside) {
            Q_EMIT crosshairMoved(d.xAt(position.x()));
        } else {
            Q_EMIT crosshairLeft();
        }
        return true;
    }
    case QEvent::MouseButtonRelease: {
        const QPointF position = static_cast<QMouseEvent*>(event)->position();
        const Impl::Drag drag = std::exchange(d.drag, Impl::Drag::None);
        if (drag == Impl::Drag::Pending && d.plotRect().contains(position.toPoint())) {
            d.moveCursor(d.xAt(position.x()));
        } else if (drag == Impl::Drag::Band) {
            delete d.band;
            d.zoomTo(QRect(d.pressed.toPoint(), position.toPoint()).normalized());
        }
        return true;
    }
    case QEvent::MouseButtonDblClick:
        resetZoom();
        Q_EMIT zoomReset();
        return true;
    case QEvent::Leave:
        setCrosshair(std::nullopt);
        Q_EMIT crosshairLeft();
        return false;
    case QEvent::ToolTip: {
        auto* help = static_cast<QHelpEvent*>(event);
        QToolTip::showText(help->globalPos(), d.markAt(help->pos().x()).value_or(QString()), this);
        return true;
    }
    case QEvent::ContextMenu:
        d.showMenu(static_cast<QContextMenuEvent*>(event)->globalPos());
        return true;
    default:
        return QWidget::eventFilter(watched, event);
    }
}

void PlotView::keyPressEvent(QKeyEvent* event) {
    Impl& d = *m_impl;
    const PlotRange range = xRange();
    const double step = (event->modifiers() & Qt::ControlModifier ? 0.1 : 0.01) * range.size();
    const double middle = d.plotRect().center().x();
    switch (event->key()) {
    case Qt::Key_Left:
        d.moveCursor(d.overlay.cursor.value_or(range.upper) - step);
        break;
    case Qt::Key_Right:
        d.moveCursor(d.overlay.cursor.value_or(range.lower) + step);
        break;
    case Qt::Key_Plus:
    case Qt::Key_Equal:
        d.zoomX(middle, kWheelFactor);
        break;
    case Qt::Key_Minus:
        d.zoomX(middle, 1.0 / kWheelFactor);
        break;
    case Qt::Key_0:
    case Qt::Key_Home:
        resetZoom();
        Q_EMIT zoomReset();
        break;
    default:
        QWidget::keyPressEvent(event);
    }
}

void PlotView::changeEvent(QEvent* event) {
    if (event->type() == QEvent::PaletteChange || event->type() == QEvent::FontChange) {
        m_impl->applyTheme(palette());
        m_impl->schedule();
    }
    QWidget::changeEvent(event);
}

void PlotView::resizeEvent(QResizeEvent* event) {
    QWidget::resizeEvent(event);
    m_impl->setMargins();
    m_impl->rebuildLegend();
    m_impl->schedule();
}

bool PlotView::event(QEvent* event) {
    if (event->type() == QEvent::FocusIn || event->type() == QEvent::FocusOut) {
        m_impl->overlay.focused = event->type() == QEvent::FocusIn;
        m_impl->replotCursor();
    }
    return QWidget::event(event);
}

} // namespace knife
