// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/neurons/colour_bar.h"

#include <algorithm>
#include <cmath>

#include <QPainter>

#include "widgets/format.h"
#include "widgets/plot/ticks.h"
#include "widgets/theme.h"

namespace knife {

ColourBar::ColourBar(QWidget* parent) : QWidget(parent) {
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
}

void ColourBar::setScale(const ColourScale& scale, const QString& unit) {
    if (m_scale == scale && m_unit == unit) {
        return;
    }
    m_scale = scale;
    m_unit = unit;
    setAccessibleName(
        tr("Colour scale: %1 from %2 to %3").arg(unit, formatValue(scale.lower), formatValue(scale.upper)));
    setToolTip(accessibleName());
    update();
}

void ColourBar::setThresholds(std::vector<double> values) {
    if (m_thresholds != values) {
        m_thresholds = std::move(values);
        update();
    }
}

QSize ColourBar::sizeHint() const {
    const int line = fontMetrics().height();
    return {26 * line, 2 * line};
}

QSize ColourBar::minimumSizeHint() const {
    const int line = fontMetrics().height();
    return {10 * line, 2 * line};
}

std::vector<double> ColourBar::ticks() const {
    std::vector<double> ticks;
    if (m_scale.kind == ColourScale::Kind::Log || m_scale.kind == ColourScale::Kind::LogAroundOne) {
        const double octaves = std::log2(m_scale.upper / m_scale.lower);
        const double step = octaves <= 8 ? 2.0 : octaves <= 16 ? 4.0 : std::pow(10.0, std::ceil(octaves / 24.0));
        const double first = std::ceil(std::log(m_scale.lower) / std::log(step) - 1e-9);
        for (double tick = std::pow(step, first); tick <= m_scale.upper * (1 + 1e-9); tick *= step) {
            ticks.push_back(tick);
        }
    } else {
        ticks = niceTicks({m_scale.lower, m_scale.upper}, 5);
    }
    return ticks;
}

void ColourBar::paintEvent(QPaintEvent* /*event*/) {
    QPainter painter(this);
    const QFontMetrics metrics(fontMetrics());
    const int line = metrics.height();
    const int label = metrics.horizontalAdvance(m_unit) + line;
    painter.setPen(palette().color(QPalette::WindowText));
    painter.drawText(QRect(0, 0, label, line), Qt::AlignLeft | Qt::AlignVCenter, m_unit);

    const int right = metrics.horizontalAdvance(formatValue(m_scale.upper)) / 2 + line / 2;
    const QRect bar(label, (line - 3 * line / 4) / 2, width() - label - right, 3 * line / 4);
    const ColourTable& table = colourTable(m_scale.map(palette()));
    QImage image(static_cast<int>(table.size()), 1, QImage::Format_RGB32);
    std::copy(table.begin(), table.end(), reinterpret_cast<QRgb*>(image.scanLine(0)));
    painter.setRenderHint(QPainter::SmoothPixmapTransform);
    painter.drawImage(bar, image);
    painter.setPen(palette().color(QPalette::Mid));
    painter.drawRect(bar.adjusted(0, 0, -1, -1));

    const auto pixel = [&](double value) {
        return bar.left() + static_cast<int>(std::lround(m_scale.position(value).value_or(0.0) * (bar.width() - 1)));
    };
    int freeFrom = 0;
    for (const double tick : ticks()) {
        const QString text = formatValue(tick);
        const int half = metrics.horizontalAdvance(text) / 2 + 1;
        const int x = pixel(tick);
        painter.setPen(quietText(palette()));
        painter.drawLine(x, bar.bottom() + 1, x, bar.bottom() + line / 4);
        if (x - half >= freeFrom) {
            painter.drawText(QRect(x - half, bar.bottom() + line / 4, 2 * half, line), Qt::AlignCenter, text);
            freeFrom = x + half + line / 3;
        }
    }
    painter.setRenderHint(QPainter::Antialiasing);
    for (const double threshold : m_thresholds) {
        if (threshold <= m_scale.lower || threshold >= m_scale.upper) {
            continue;
        }
        const double x = pixel(threshold) + 0.5;
        const QColor ground = table[static_cast<std::size_t>(std::lround(*m_scale.position(threshold) * 255.0))];
        painter.setPen(QPen(readableOn(ground), 1.5));
        painter.drawLine(QPointF(x, bar.top()), QPointF(x, bar.bottom() + 1));
    }
}

} // namespace knife
