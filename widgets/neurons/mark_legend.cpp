// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/neurons/mark_legend.h"

#include <QEvent>
#include <QHBoxLayout>
#include <QLabel>
#include <QPainter>

#include "widgets/format.h"
#include "widgets/neurons/heatmap_marks.h"

namespace knife {

MarkLegend::MarkLegend(QWidget* parent) : QWidget(parent) {
    auto* row = new QHBoxLayout(this);
    row->setContentsMargins(0, 0, 0, 0);
    for (std::size_t i = 0; i < m_icons.size(); ++i) {
        m_icons[i] = new QLabel(this);
        m_texts[i] = new QLabel(this);
        row->addWidget(m_icons[i]);
        row->addWidget(m_texts[i]);
    }
    drawIcons();
}

void MarkLegend::setThresholds(double staleBelow, double volatileAbove) {
    m_texts[static_cast<std::size_t>(CellMark::Composite)]->setText(tr("composite"));
    m_texts[static_cast<std::size_t>(CellMark::Stagnant)]->setText(
        tr("stagnant, RUA < %1").arg(formatValue(staleBelow)));
    m_texts[static_cast<std::size_t>(CellMark::Volatile)]->setText(
        tr("volatile, RUA > %1").arg(formatValue(volatileAbove)));
}

void MarkLegend::drawIcons() {
    const int side = fontMetrics().height();
    const qreal ratio = devicePixelRatioF();
    for (const CellMark mark : {CellMark::Composite, CellMark::Stagnant, CellMark::Volatile}) {
        QPixmap pixmap(QSize(side, side) * ratio);
        pixmap.setDevicePixelRatio(ratio);
        pixmap.fill(palette().color(QPalette::Base));
        QPainter painter(&pixmap);
        painter.drawPixmap(0, 0, cellMark(mark, side, palette().color(QPalette::Text), ratio));
        painter.setPen(palette().color(QPalette::Mid));
        painter.drawRect(0, 0, side - 1, side - 1);
        painter.end();
        m_icons[static_cast<std::size_t>(mark)]->setPixmap(pixmap);
    }
}

void MarkLegend::changeEvent(QEvent* event) {
    if (event->type() == QEvent::PaletteChange || event->type() == QEvent::FontChange) {
        drawIcons();
    }
    QWidget::changeEvent(event);
}

} // namespace knife
