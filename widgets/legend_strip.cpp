// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/legend_strip.h"

#include <QPainter>

#include "widgets/plot/colour_map.h"

namespace knife {

LegendStrip::LegendStrip(QWidget* parent) : QWidget(parent) {
    QSizePolicy policy(QSizePolicy::Preferred, QSizePolicy::Fixed);
    policy.setHeightForWidth(true);
    setSizePolicy(policy);
}

void LegendStrip::setEntries(std::vector<Entry> entries) {
    if (m_entries == entries) {
        return;
    }
    m_entries = std::move(entries);
    QStringList names;
    for (const Entry& entry : m_entries) {
        names.append(entry.label);
    }
    setAccessibleName(tr("Runs shown: %1").arg(names.join(QStringLiteral(", "))));
    setVisible(!m_entries.empty());
    updateGeometry();
    update();
}

std::vector<QRect> LegendStrip::places(int width) const {
    const QFontMetrics metrics(fontMetrics());
    const int line = metrics.height();
    std::vector<QRect> result;
    QPoint at(0, 0);
    for (const Entry& entry : m_entries) {
        const int wanted = std::min(width, metrics.horizontalAdvance(entry.label) + 3 * line);
        if (at.x() > 0 && at.x() + wanted > width) {
            at = QPoint(0, at.y() + line + line / 4);
        }
        result.emplace_back(at, QSize(wanted, line));
        at.rx() += wanted + line / 2;
    }
    return result;
}

int LegendStrip::heightForWidth(int width) const {
    const std::vector<QRect> rects = places(width);
    return rects.empty() ? 0 : rects.back().bottom() + 1;
}

QSize LegendStrip::sizeHint() const {
    const int width = 24 * fontMetrics().height();
    return {width, heightForWidth(width)};
}

void LegendStrip::paintEvent(QPaintEvent* /*event*/) {
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    const int line = fontMetrics().height();
    const std::vector<QRect> rects = places(width());
    constexpr Qt::PenStyle kDashes[] = {Qt::SolidLine, Qt::DashLine, Qt::DotLine, Qt::DashDotLine};
    for (std::size_t i = 0; i < rects.size(); ++i) {
        const Entry& entry = m_entries[i];
        const QRect& rect = rects[i];
        painter.setPen(
            QPen(seriesColour(entry.colour, palette()), line / 6.0, kDashes[dashIndex(entry.colour) % 4], Qt::FlatCap));
        const double middle = rect.center().y() + 0.5;
        painter.drawLine(QPointF(rect.left(), middle), QPointF(rect.left() + 1.8 * line, middle));
        painter.setPen(palette().color(QPalette::WindowText));
        const QRect text = rect.adjusted(9 * line / 4, 0, 0, 0);
        painter.drawText(text, Qt::AlignLeft | Qt::AlignVCenter,
                         fontMetrics().elidedText(entry.label, Qt::ElideMiddle, text.width()));
    }
}

} // namespace knife
