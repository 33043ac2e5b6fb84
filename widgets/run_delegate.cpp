// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/run_delegate.h"

#include <algorithm>
#include <utility>

#include <QApplication>
#include <QPainter>

#include "widgets/plot/colour_map.h"
#include "widgets/run_panel.h"
#include "widgets/state_glyph.h"

namespace knife {

namespace {

QColor textColour(const QStyleOptionViewItem& option) {
    return option.palette.color(option.state & QStyle::State_Selected ? QPalette::HighlightedText : QPalette::Text);
}

} // namespace

void RunDelegate::paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const {
    QStyleOptionViewItem opt(option);
    initStyleOption(&opt, index);
    const QStyle& style = opt.widget != nullptr ? *opt.widget->style() : *QApplication::style();
    const QModelIndex first = index.siblingAtColumn(0);
    const bool progressColumn = index.model()->headerData(index.column(), Qt::Horizontal, RunProgressRole).toBool();
    if (index.column() == 0) {
        const QString text = std::exchange(opt.text, QString());
        style.drawControl(QStyle::CE_ItemViewItem, &opt, painter, opt.widget);
        opt.text = text;
        paintName(*painter, opt, index);
    } else if (progressColumn) {
        opt.text.clear();
        style.drawControl(QStyle::CE_ItemViewItem, &opt, painter, opt.widget);
        const QVariant share = first.data(RunProgressRole);
        if (share.isValid()) {
            paintProgress(*painter, opt, std::clamp(share.toDouble(), 0.0, 1.0));
        }
    } else {
        QStyledItemDelegate::paint(painter, option, index);
    }
}

void RunDelegate::paintName(QPainter& painter, QStyleOptionViewItem option, const QModelIndex& index) const {
    const int line = option.fontMetrics.height();
    QRect rest = option.rect.adjusted(line / 4, 0, -line / 4, 0);
    const QVariant state = index.data(RunStateRole);
    const int glyph = 3 * line / 4;
    if (state.isValid()) {
        const auto value = static_cast<RunState>(state.toInt());
        const QColor colour =
            option.state & QStyle::State_Selected ? textColour(option) : toneColour(stateTone(value), option.palette);
        paintStateGlyph(painter, QRectF(rest.left(), rest.center().y() - glyph / 2 + 1, glyph, glyph), value, colour);
    }
    rest.setLeft(rest.left() + glyph + line / 3);
    const QVariant colour = index.data(RunColourRole);
    if (colour.isValid()) { // the run's curves are on screen: show in which colour
        const QRect swatch(rest.left(), rest.center().y() - line / 8, 2 * line / 3, line / 4);
        painter.fillRect(swatch, seriesColour(colour.toInt(), option.palette));
        if (option.state & QStyle::State_Selected) {
            painter.setPen(textColour(option));
            painter.drawRect(swatch.adjusted(-1, -1, 0, 0));
        }
        rest.setLeft(swatch.right() + line / 3);
    }
    painter.setFont(option.font);
    painter.setPen(textColour(option));
    painter.drawText(rest, Qt::AlignLeft | Qt::AlignVCenter,
                     option.fontMetrics.elidedText(option.text, Qt::ElideMiddle, rest.width()));
}

void RunDelegate::paintProgress(QPainter& painter, const QStyleOptionViewItem& option, double share) const {
    const int line = option.fontMetrics.height();
    const QRect bar = option.rect.adjusted(line / 4, option.rect.height() / 2 - line / 2, -line / 4,
                                           -(option.rect.height() / 2 - line / 2));
    const bool selected = option.state & QStyle::State_Selected;
    QColor done = option.palette.color(selected ? QPalette::HighlightedText : QPalette::Highlight);
    done.setAlphaF(0.35F);
    painter.setPen(QPen(option.palette.color(selected ? QPalette::HighlightedText : QPalette::Mid), 1));
    painter.setBrush(Qt::NoBrush);
    painter.drawRect(bar.adjusted(0, 0, -1, -1));
    QRect filled = bar.adjusted(1, 1, -1, -1);
    filled.setWidth(static_cast<int>(share * filled.width()));
    painter.fillRect(filled, done);
    painter.setFont(option.font);
    painter.setPen(textColour(option));
    // Rounded down: 100 % is only said of what is complete.
    painter.drawText(bar, Qt::AlignCenter, tr("%1 %").arg(static_cast<int>(100.0 * share)));
}

QSize RunDelegate::sizeHint(const QStyleOptionViewItem& option, const QModelIndex& index) const {
    QSize size = QStyledItemDelegate::sizeHint(option, index);
    const int line = option.fontMetrics.height();
    size.setHeight(std::max(size.height(), 3 * line / 2));
    if (index.column() == 0) {
        size.rwidth() += 3 * line;
    } else if (index.model()->headerData(index.column(), Qt::Horizontal, RunProgressRole).toBool()) {
        size.setWidth(5 * line);
    }
    return size;
}

} // namespace knife
