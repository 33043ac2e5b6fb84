// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/neurons/waterfall_view.h"

#include <algorithm>
#include <cmath>

#include <QHelpEvent>
#include <QKeyEvent>
#include <QMouseEvent>
#include <QPainter>
#include <QToolTip>

#include "widgets/format.h"
#include "widgets/plot/ticks.h"
#include "widgets/theme.h"

namespace knife {

WaterfallView::WaterfallView(QWidget* parent)
    : QWidget(parent), m_emptyText(tr("Choose a unit in the heatmap to see its site over time.")) {
    setFocusPolicy(Qt::StrongFocus);
    setMouseTracking(true);
    setAccessibleName(tr("Units over time"));
}

void WaterfallView::start(const QString& site, const QString& diagnostic, int units, const QString& axisLabel) {
    m_site = site;
    m_diagnostic = diagnostic;
    m_axisLabel = axisLabel;
    m_units = units;
    m_x.clear();
    m_values.clear();
    setAccessibleName(tr("%1 of %2 over time").arg(displayName(diagnostic), site));
    update();
}

void WaterfallView::append(double x, std::span<const float> values) {
    if (values.size() != static_cast<std::size_t>(m_units) || (!m_x.empty() && x < m_x.back())) {
        return;
    }
    m_x.push_back(x);
    m_values.insert(m_values.end(), values.begin(), values.end());
    update();
}

void WaterfallView::setScale(const ColourScale& scale) {
    m_scale = scale;
    update();
}

void WaterfallView::setCursor(std::optional<double> x) {
    m_cursor = x;
    update();
}

void WaterfallView::setEmptyText(const QString& text) {
    m_emptyText = text;
    update();
}

QSize WaterfallView::sizeHint() const {
    const int line = fontMetrics().height();
    return {30 * line, 9 * line};
}

QSize WaterfallView::minimumSizeHint() const {
    const int line = fontMetrics().height();
    return {14 * line, 6 * line};
}

QRect WaterfallView::plotArea() const {
    const QFontMetrics metrics(fontMetrics());
    const int line = metrics.height();
    const int left = metrics.horizontalAdvance(QStringLiteral("0000")) + line;
    const int right = metrics.horizontalAdvance(QStringLiteral("0.000M")) / 2 + line / 2;
    return rect().adjusted(left, line + line / 2, -right, -2 * line - line / 2);
}

double WaterfallView::xAt(double pixel) const {
    const QRect area = plotArea();
    const double share = std::clamp((pixel - area.left()) / std::max(1, area.width()), 0.0, 1.0);
    return std::lerp(m_x.front(), m_x.back(), share);
}

double WaterfallView::pixelAt(double x) const {
    const QRect area = plotArea();
    const double size = m_x.back() - m_x.front();
    return area.left() + (size > 0.0 ? (x - m_x.front()) / size : 0.0) * area.width();
}

int WaterfallView::frameAt(double x) const {
    const auto after = std::upper_bound(m_x.begin(), m_x.end(), x);
    return std::max(0, static_cast<int>(after - m_x.begin()) - 1);
}

int WaterfallView::unitAt(double pixel) const {
    const QRect area = plotArea();
    const int unit = static_cast<int>((pixel - area.top()) * m_units / std::max(1, area.height()));
    return std::clamp(unit, 0, m_units - 1);
}

QImage WaterfallView::render(QSize size) const {
    const ColourTable& table = colourTable(m_scale.map(palette()));
    const QRgb missing = missingColour(palette());
    // One column per pixel and one line per unit: frames need not be evenly spaced, units are then scaled up as blocks.
    QImage image(size.width(), m_units, QImage::Format_RGB32);
    for (int column = 0; column < size.width(); ++column) {
        const double x = std::lerp(m_x.front(), m_x.back(), (column + 0.5) / size.width());
        const float* values = m_values.data() + static_cast<std::ptrdiff_t>(frameAt(x)) * m_units;
        for (int unit = 0; unit < m_units; ++unit) {
            const auto position = m_scale.position(values[unit]);
            reinterpret_cast<QRgb*>(image.scanLine(unit))[column] =
                position ? table[static_cast<std::size_t>(std::lround(*position * 255.0))] : missing;
        }
    }
    return image;
}

void WaterfallView::paintAxes(QPainter& painter, const QRect& area) const {
    const QFontMetrics metrics(fontMetrics());
    const int line = metrics.height();
    painter.setPen(palette().color(QPalette::WindowText));
    painter.drawText(QRect(area.left(), 0, area.width(), line + line / 4), Qt::AlignLeft | Qt::AlignVCenter,
                     tr("%1 of %2, unit by unit").arg(displayName(m_diagnostic), m_site));
    painter.setPen(quietText(palette()));
    for (const int unit : {0, m_units - 1}) {
        const int middle = area.top() + static_cast<int>((unit + 0.5) * area.height() / m_units);
        const int top = std::clamp(middle - line / 2, area.top() - line / 4, area.bottom() + line / 4 - line);
        painter.drawText(QRect(0, top, area.left() - line / 3, line), Qt::AlignRight | Qt::AlignVCenter,
                         QString::number(unit));
    }
    painter.save();
    painter.translate(line / 2.0, area.center().y());
    painter.rotate(-90);
    painter.drawText(QRect(-area.height() / 2, -line / 2, area.height(), line), Qt::AlignCenter, tr("unit"));
    painter.restore();

    const int half = metrics.horizontalAdvance(widestTickLabel()) / 2;
    const std::vector<double> ticks = niceTicks({m_x.front(), m_x.back()}, std::max(1, area.width() / (4 * half)));
    const std::vector<QString> labels = tickLabels(ticks);
    for (std::size_t i = 0; i < ticks.size(); ++i) {
        const int pixel = static_cast<int>(std::lround(pixelAt(ticks[i])));
        painter.drawLine(pixel, area.bottom() + 1, pixel, area.bottom() + line / 4);
        painter.drawText(QRect(pixel - half, area.bottom() + line / 4, 2 * half, line), Qt::AlignCenter, labels[i]);
    }
    painter.drawText(QRect(area.left(), area.bottom() + line + line / 4, area.width(), line), Qt::AlignCenter,
                     m_axisLabel);
}

void WaterfallView::paintEvent(QPaintEvent* /*event*/) {
    QPainter painter(this);
    painter.fillRect(rect(), palette().color(QPalette::Base));
    if (m_x.empty() || m_units == 0) {
        painter.setPen(quietText(palette()));
        painter.drawText(rect(), Qt::AlignCenter | Qt::TextWordWrap, m_emptyText);
        return;
    }
    const QRect area = plotArea();
    if (area.isEmpty()) {
        return;
    }
    painter.drawImage(area, render(area.size()));
    paintAxes(painter, area);
    if (m_cursor && *m_cursor >= m_x.front() && *m_cursor <= m_x.back()) {
        const int pixel = static_cast<int>(std::lround(pixelAt(*m_cursor)));
        painter.setPen(QPen(palette().color(QPalette::Base), 4));
        painter.drawLine(pixel, area.top(), pixel, area.bottom());
        painter.setPen(QPen(palette().color(QPalette::Highlight), 2));
        painter.drawLine(pixel, area.top(), pixel, area.bottom());
    }
    if (hasFocus()) {
        painter.setPen(palette().color(QPalette::Highlight));
        painter.drawRect(area.adjusted(-1, -1, 0, 0));
    }
}

void WaterfallView::moveCursorTo(double x) {
    setCursor(std::clamp(x, m_x.front(), m_x.back()));
    Q_EMIT cursorMoved(*m_cursor);
}

void WaterfallView::mousePressEvent(QMouseEvent* event) {
    if (event->button() == Qt::LeftButton && !m_x.empty()) {
        moveCursorTo(xAt(event->position().x()));
    }
}

void WaterfallView::mouseMoveEvent(QMouseEvent* event) {
    if ((event->buttons() & Qt::LeftButton) && !m_x.empty()) {
        moveCursorTo(xAt(event->position().x()));
    }
}

void WaterfallView::mouseDoubleClickEvent(QMouseEvent* event) {
    if (!m_x.empty() && plotArea().contains(event->position().toPoint())) {
        Q_EMIT unitActivated({m_site.toStdString(), unitAt(event->position().y())});
    }
}

void WaterfallView::keyPressEvent(QKeyEvent* event) {
    if (m_x.empty() || (event->key() != Qt::Key_Left && event->key() != Qt::Key_Right)) {
        QWidget::keyPressEvent(event);
        return;
    }
    const int now = frameAt(m_cursor.value_or(m_x.back()));
    const int next = std::clamp(now + (event->key() == Qt::Key_Right ? 1 : -1), 0, frames() - 1);
    moveCursorTo(m_x[static_cast<std::size_t>(next)]);
}

bool WaterfallView::event(QEvent* event) {
    if (event->type() == QEvent::ToolTip) {
        auto* help = static_cast<QHelpEvent*>(event);
        if (m_x.empty() || !plotArea().contains(help->pos())) {
            QToolTip::hideText();
            return true;
        }
        const int unit = unitAt(help->pos().y());
        const int frame = frameAt(xAt(help->pos().x()));
        const float value = m_values[static_cast<std::size_t>(frame) * static_cast<std::size_t>(m_units) +
                                     static_cast<std::size_t>(unit)];
        QToolTip::showText(
            help->globalPos(),
            tr("%1, unit %2\n%3 %4 at %5")
                .arg(m_site)
                .arg(unit)
                .arg(displayName(m_diagnostic), formatValue(value), formatCount(m_x[static_cast<std::size_t>(frame)])),
            this);
        return true;
    }
    return QWidget::event(event);
}

} // namespace knife
