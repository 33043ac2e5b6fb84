// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/plot/plot_overlay.h"

#include <algorithm>
#include <cmath>

#include "widgets/plot/qcp.h"
#include "widgets/theme.h"

namespace knife {

namespace {

const QString kCursorLayer = QStringLiteral("cursor");

QColor markColour(MarkKind kind, const QPalette& palette) {
    switch (kind) {
    case MarkKind::TaskSwitch:
        return toneColour(Tone::Info, palette);
    case MarkKind::Surgery:
        return toneColour(Tone::Bad, palette);
    case MarkKind::Checkpoint:
        return toneColour(Tone::Good, palette);
    case MarkKind::Pause:
    case MarkKind::Parameter:
    case MarkKind::Segment:
        break;
    }
    return toneColour(Tone::Neutral, palette);
}

Qt::PenStyle markDash(MarkKind kind) {
    switch (kind) {
    case MarkKind::TaskSwitch:
        return Qt::DashLine;
    case MarkKind::Surgery:
        return Qt::SolidLine;
    case MarkKind::Segment:
        return Qt::DashDotLine;
    case MarkKind::Checkpoint:
    case MarkKind::Pause:
    case MarkKind::Parameter:
        break;
    }
    return Qt::DotLine;
}

/// A shape per kind, so that colour is not the only sign. The point is the top end of the line.
QPainterPath markGlyph(MarkKind kind, QPointF top, double size) {
    const double half = 0.5 * size;
    QPainterPath path;
    switch (kind) {
    case MarkKind::TaskSwitch:
        path.addPolygon(QPolygonF({top + QPointF(-half, 0), top + QPointF(half, 0), top + QPointF(0, size)}));
        break;
    case MarkKind::Surgery:
        path.addPolygon(
            QPolygonF({top, top + QPointF(half, half), top + QPointF(0, size), top + QPointF(-half, half)}));
        break;
    case MarkKind::Pause:
        path.addRect(QRectF(top + QPointF(-half, 0), QSizeF(0.35 * size, size)));
        path.addRect(QRectF(top + QPointF(half - 0.35 * size, 0), QSizeF(0.35 * size, size)));
        break;
    case MarkKind::Parameter:
        path.addEllipse(top + QPointF(0, half), half, half);
        break;
    case MarkKind::Checkpoint:
    case MarkKind::Segment:
        path.addRect(QRectF(top + QPointF(-half, 0), QSizeF(size, size)));
        break;
    }
    path.closeSubpath();
    return path;
}

QFont smallFont(const QCustomPlot& plot) {
    QFont font = plot.font();
    font.setPointSizeF(0.85 * font.pointSizeF());
    return font;
}

class Layerable : public QCPLayerable {
  public:
    Layerable(QCustomPlot& plot, const QString& layer, const PlotOverlay& overlay)
        : QCPLayerable(&plot, layer), m_overlay(overlay) {}

  protected:
    void applyDefaultAntialiasingHint(QCPPainter* painter) const override { painter->setAntialiasing(true); }
    [[nodiscard]] QRect clipRect() const override { return mParentPlot->axisRect()->rect(); }
    [[nodiscard]] QRectF area() const { return mParentPlot->axisRect()->rect(); }
    [[nodiscard]] double pixelOfX(double x) const { return std::round(mParentPlot->xAxis->coordToPixel(x)) + 0.5; }
    [[nodiscard]] double pixelOfY(double y) const { return std::round(mParentPlot->yAxis->coordToPixel(y)) + 0.5; }
    [[nodiscard]] bool shown(double x) const {
        const QRectF rect = area();
        const double pixel = pixelOfX(x);
        return std::isfinite(pixel) && pixel >= rect.left() && pixel <= rect.right() + 1;
    }

    const PlotOverlay& m_overlay;
};

class MarksLayer final : public Layerable {
  public:
    using Layerable::Layerable;

  protected:
    void draw(QCPPainter* painter) override {
        drawLevels(painter);
        drawMarks(painter);
        drawOutside(painter);
        if (!m_overlay.emptyText.isEmpty()) {
            painter->setFont(mParentPlot->font());
            painter->setPen(quietText(m_overlay.palette));
            painter->drawText(area(), Qt::AlignCenter | Qt::TextWordWrap, m_overlay.emptyText);
        }
    }

  private:
    void drawLevels(QCPPainter* painter) const {
        const QRectF rect = area();
        painter->setFont(smallFont(*mParentPlot));
        for (const PlotLevel& level : m_overlay.levels) {
            const double y = pixelOfY(level.y);
            if (!std::isfinite(y) || y < rect.top() || y > rect.bottom()) {
                continue;
            }
            painter->setPen(QPen(quietText(m_overlay.palette), 1, Qt::DashDotLine));
            painter->drawLine(QLineF(rect.left(), y, rect.right(), y));
            const int height = painter->fontMetrics().height();
            const bool below = y - height < rect.top();
            const double width = painter->fontMetrics().horizontalAdvance(level.label) + height / 2.0;
            const QRectF box(rect.right() - width - 4, below ? y + 1 : y - height - 1, width, height);
            QColor ground = m_overlay.palette.color(QPalette::Base);
            ground.setAlphaF(0.75F);
            painter->fillRect(box, ground);
            painter->drawText(box, Qt::AlignCenter, level.label);
        }
    }

    void drawMarks(QCPPainter* painter) const {
        const QRectF rect = area();
        painter->setFont(smallFont(*mParentPlot));
        const QFontMetricsF metrics = painter->fontMetrics();
        const double glyph = 0.55 * metrics.height();
        double labelFreeFrom = rect.left();
        for (const PlotMark& mark : m_overlay.marks) {
            if (!shown(mark.x)) {
                continue;
            }
            const double x = pixelOfX(mark.x);
            const QColor colour = markColour(mark.kind, m_overlay.palette);
            QColor line = colour;
            line.setAlphaF(0.6F);
            painter->setBrush(Qt::NoBrush);
            painter->setPen(QPen(line, 1, markDash(mark.kind)));
            painter->drawLine(QLineF(x, rect.top(), x, rect.bottom()));
            painter->setPen(Qt::NoPen);
            painter->setBrush(colour);
            painter->drawPath(markGlyph(mark.kind, {x, rect.top()}, glyph));
            // Switches structure the whole axis; the other kinds come often and say their text in the tooltip.
            const QString text = mark.kind == MarkKind::TaskSwitch
                                     ? metrics.elidedText(mark.label, Qt::ElideRight, 0.8 * rect.height())
                                     : QString();
            if (!text.isEmpty() && x >= labelFreeFrom && x + metrics.height() < rect.right()) {
                labelFreeFrom = x + 1.2 * metrics.height();
                painter->save();
                painter->translate(x + 0.15 * metrics.height(), rect.top() + 0.35 * metrics.height());
                painter->rotate(90);
                painter->setPen(colour);
                painter->drawText(QPointF(glyph * 0.4, -metrics.descent()), text);
                painter->restore();
            }
        }
    }

    void drawOutside(QCPPainter* painter) const {
        const QRectF rect = area();
        const double size = 0.35 * QFontMetricsF(mParentPlot->font()).height();
        painter->setPen(Qt::NoPen);
        for (const PlotOverlay::Outside& point : m_overlay.outside) {
            if (!shown(point.x)) {
                continue;
            }
            const double x = pixelOfX(point.x);
            const double tip = point.above ? rect.top() : rect.bottom();
            const double foot = point.above ? tip + size : tip - size;
            painter->setBrush(point.colour);
            painter->drawPolygon(
                QPolygonF({QPointF(x, tip), QPointF(x - 0.5 * size, foot), QPointF(x + 0.5 * size, foot)}));
        }
    }
};

class CursorLayer final : public Layerable {
  public:
    using Layerable::Layerable;

  protected:
    void draw(QCPPainter* painter) override {
        if (!m_overlay.onScreen) {
            return;
        }
        const QRectF rect = area();
        if (m_overlay.focused) {
            painter->setBrush(Qt::NoBrush);
            painter->setPen(QPen(m_overlay.palette.color(QPalette::Highlight), 1));
            painter->drawRect(rect.adjusted(0.5, 0.5, -0.5, -0.5));
        }
        if (m_overlay.cursor && shown(*m_overlay.cursor)) {
            const double x = pixelOfX(*m_overlay.cursor);
            const QColor colour = m_overlay.palette.color(QPalette::Highlight);
            painter->setPen(QPen(colour, 2));
            painter->drawLine(QLineF(x, rect.top(), x, rect.bottom()));
        }
        if (m_overlay.crosshair && shown(*m_overlay.crosshair)) {
            const double x = pixelOfX(*m_overlay.crosshair);
            painter->setPen(QPen(quietText(m_overlay.palette), 1, Qt::DotLine));
            painter->drawLine(QLineF(x, rect.top(), x, rect.bottom()));
            drawReadout(painter, x);
        }
    }

  private:
    void drawReadout(QCPPainter* painter, double x) const {
        if (m_overlay.readout.empty()) {
            return;
        }
        const QRectF rect = area();
        painter->setFont(smallFont(*mParentPlot));
        const QFontMetricsF metrics = painter->fontMetrics();
        const double line = metrics.height();
        const double swatch = 0.6 * line;
        double width = metrics.horizontalAdvance(m_overlay.readoutTitle);
        for (const PlotOverlay::ReadoutLine& entry : m_overlay.readout) {
            width = std::max(width, metrics.horizontalAdvance(entry.text) + 1.5 * swatch);
            painter->setPen(QPen(m_overlay.palette.color(QPalette::Base), 1));
            painter->setBrush(entry.colour);
            const QPointF dot(mParentPlot->xAxis->coordToPixel(entry.x), mParentPlot->yAxis->coordToPixel(entry.y));
            if (rect.contains(dot)) {
                painter->drawEllipse(dot, 0.22 * line, 0.22 * line);
            }
        }
        const double pad = 0.4 * line;
        const double boxWidth = width + 2 * pad;
        const double left = x + pad + boxWidth < rect.right() ? x + pad : std::max(rect.left(), x - pad - boxWidth);
        QRectF box(left, rect.top() + pad, boxWidth,
                   line * static_cast<double>(m_overlay.readout.size() + 1) + 1.2 * pad);
        QColor ground = m_overlay.palette.color(QPalette::ToolTipBase);
        ground.setAlphaF(0.93F);
        painter->setPen(QPen(m_overlay.palette.color(QPalette::Mid), 1));
        painter->setBrush(ground);
        painter->drawRoundedRect(box, 3, 3);
        QRectF text(box.left() + pad, box.top() + 0.6 * pad, width, line);
        painter->setPen(quietText(m_overlay.palette));
        painter->drawText(text, Qt::AlignLeft | Qt::AlignVCenter, m_overlay.readoutTitle);
        for (const PlotOverlay::ReadoutLine& entry : m_overlay.readout) {
            text.translate(0, line);
            painter->fillRect(QRectF(text.left(), text.center().y() - 0.15 * line, swatch, 0.3 * line), entry.colour);
            painter->setPen(m_overlay.palette.color(QPalette::ToolTipText));
            painter->drawText(text.adjusted(1.5 * swatch, 0, 0, 0), Qt::AlignLeft | Qt::AlignVCenter, entry.text);
        }
    }
};

} // namespace

void installOverlay(QCustomPlot& plot, const PlotOverlay& overlay) {
    plot.addLayer(QStringLiteral("marks"), plot.layer(QStringLiteral("main")), QCustomPlot::limAbove);
    plot.addLayer(kCursorLayer, plot.layer(QStringLiteral("overlay")), QCustomPlot::limAbove);
    plot.layer(kCursorLayer)->setMode(QCPLayer::lmBuffered);
    new MarksLayer(plot, QStringLiteral("marks"), overlay); // both are owned by the plot
    new CursorLayer(plot, kCursorLayer, overlay);
}

void replotCursor(QCustomPlot& plot) {
    plot.layer(kCursorLayer)->replot();
}

} // namespace knife
