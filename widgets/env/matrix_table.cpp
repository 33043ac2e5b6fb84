// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/env/matrix_table.h"

#include <algorithm>
#include <cmath>

#include <QHeaderView>
#include <QPainter>
#include <QStyledItemDelegate>

#include "widgets/format.h"
#include "widgets/table_copy.h"
#include "widgets/theme.h"

namespace knife {

namespace {

/// Two digits after the point are enough beside a colour, and keep columns narrow; the tooltip has the rest.
QString cellText(float value) {
    return QString::number(static_cast<double>(value), 'f', std::abs(value) >= 100.F ? 0 : 2)
        .replace(QLatin1Char('-'), QChar(0x2212));
}

class CellDelegate final : public QStyledItemDelegate {
  public:
    explicit CellDelegate(MatrixTable* table) : QStyledItemDelegate(table), m_table(table) {}

    void paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const override {
        const QVariant value = index.data(MatrixSliceModel::ValueRole);
        const auto position = value.isValid() ? m_table->scale().position(value.toDouble()) : std::nullopt;
        const QColor ground = position ? QColor(colourTable(m_table->scale().map(
                                             option.palette))[static_cast<std::size_t>(std::lround(*position * 255.0))])
                                       : QColor(missingColour(option.palette));
        painter->save();
        painter->setRenderHint(QPainter::Antialiasing);
        painter->fillRect(option.rect, ground);
        const QColor ink = readableOn(ground);
        const int line = option.fontMetrics.height();
        const QRectF cell = QRectF(option.rect).adjusted(1, 1, -1, -1);
        if (index.data(MatrixSliceModel::OutlinedRole).toBool()) {
            painter->setPen(QPen(ink, std::max(2.0, line / 6.0)));
            painter->setBrush(Qt::NoBrush);
            painter->drawRect(cell.adjusted(1, 1, -1, -1));
        }
        if (index.data(MatrixSliceModel::LastRole).toBool()) {
            const double side = 0.45 * line;
            painter->setPen(Qt::NoPen);
            painter->setBrush(ink);
            painter->drawPolygon(
                QPolygonF({cell.topLeft(), cell.topLeft() + QPointF(side, 0), cell.topLeft() + QPointF(0, side)}));
        }
        painter->setPen(ink);
        painter->setFont(option.font);
        painter->drawText(option.rect, Qt::AlignCenter, index.data(Qt::DisplayRole).toString());
        if (option.state & QStyle::State_HasFocus) {
            painter->setPen(QPen(ink, 1, Qt::DotLine));
            painter->setBrush(Qt::NoBrush);
            painter->drawRect(cell.adjusted(4, 4, -4, -4));
        }
        painter->restore();
    }

  private:
    MatrixTable* m_table;
};

} // namespace

void MatrixSliceModel::setSlice(const MatrixSlice& slice, const QString& outlineName) {
    m_outlineName = outlineName;
    if (slice == m_slice) {
        return;
    }
    const bool sameShape = slice.rows == m_slice.rows && slice.columns == m_slice.columns;
    if (!sameShape) {
        beginResetModel();
    }
    m_slice = slice;
    if (!sameShape) {
        endResetModel();
    } else if (slice.rows > 0 && slice.columns > 0) {
        Q_EMIT dataChanged(index(0, 0), index(slice.rows - 1, slice.columns - 1));
        Q_EMIT headerDataChanged(Qt::Vertical, 0, slice.rows - 1);
        Q_EMIT headerDataChanged(Qt::Horizontal, 0, slice.columns - 1);
    }
}

int MatrixSliceModel::rowCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : m_slice.rows;
}

int MatrixSliceModel::columnCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : m_slice.columns;
}

QVariant MatrixSliceModel::data(const QModelIndex& index, int role) const {
    const int place = index.row() * m_slice.columns + index.column();
    const bool known = static_cast<std::size_t>(place) < m_slice.values.size();
    const float value = known ? m_slice.values[static_cast<std::size_t>(place)] : 0.F;
    const bool outlined = std::find(m_slice.outlined.begin(), m_slice.outlined.end(), place) != m_slice.outlined.end();
    switch (role) {
    case Qt::DisplayRole:
        return known ? cellText(value) : QString();
    case ValueRole:
        return known ? QVariant(static_cast<double>(value)) : QVariant();
    case OutlinedRole:
        return outlined;
    case LastRole:
        return place == m_slice.last;
    case Qt::ToolTipRole:
    case Qt::AccessibleTextRole: {
        QString text = tr("actions %1, %2: %3")
                           .arg(index.row())
                           .arg(index.column())
                           .arg(known ? formatValue(static_cast<double>(value)) : tr("nothing learned yet"));
        if (outlined) {
            text += QStringLiteral(", ") + m_outlineName;
        }
        if (place == m_slice.last) {
            text += tr(", last joint action");
        }
        return text;
    }
    default:
        return {};
    }
}

QVariant MatrixSliceModel::headerData(int section, Qt::Orientation orientation, int role) const {
    const std::vector<float>& utilities = orientation == Qt::Vertical ? m_slice.rowUtilities : m_slice.columnUtilities;
    const bool known = static_cast<std::size_t>(section) < utilities.size();
    if (role == Qt::DisplayRole) {
        // The utility of the action, as the agent itself sees it, belongs to its row or column.
        return known ? (orientation == Qt::Vertical ? QStringLiteral("%1:  %2") : QStringLiteral("%1\n%2"))
                           .arg(section)
                           .arg(cellText(utilities[static_cast<std::size_t>(section)]))
                     : QString::number(section);
    }
    if (role == Qt::ToolTipRole && known) {
        return tr("action %1, utility %2")
            .arg(section)
            .arg(formatValue(static_cast<double>(utilities[static_cast<std::size_t>(section)])));
    }
    return {};
}

MatrixTable::MatrixTable(QWidget* parent) : QTableView(parent), m_model(new MatrixSliceModel(this)) {
    setModel(m_model);
    setItemDelegate(new CellDelegate(this));
    setShowGrid(false);
    setFrameShape(QFrame::NoFrame);
    setSelectionMode(QAbstractItemView::NoSelection);
    setEditTriggers(QAbstractItemView::NoEditTriggers);
    setCornerButtonEnabled(false);
    copyOnShortcut(*this);
    setBackgroundRole(QPalette::Window);
    viewport()->setBackgroundRole(QPalette::Window);
    for (QHeaderView* header : {horizontalHeader(), verticalHeader()}) {
        header->setSectionResizeMode(QHeaderView::Fixed);
        header->setSectionsClickable(false);
        header->setHighlightSections(false);
        header->setDefaultAlignment(Qt::AlignCenter);
        header->setMinimumSectionSize(1);
    }
}

void MatrixTable::setSlice(const MatrixSlice& slice, const QString& outlineName) {
    m_model->setSlice(slice, outlineName);
    fitCells();
}

void MatrixTable::setScale(const ColourScale& scale) {
    m_scale = scale;
    viewport()->update();
}

void MatrixTable::setHeaderLines(int lines) {
    horizontalHeader()->setFixedHeight(lines * fontMetrics().height() + fontMetrics().height() / 2);
    fitCells();
}

void MatrixTable::fitCells() {
    const int rows = m_model->rowCount();
    const int columns = m_model->columnCount();
    if (rows == 0 || columns == 0) {
        return;
    }
    const QFontMetrics metrics(fontMetrics());
    const int least = metrics.horizontalAdvance(QStringLiteral("−00.00")) + metrics.height() / 2;
    const int fittingWidth = (width() - verticalHeader()->sizeHint().width()) / columns;
    const int fittingHeight = (height() - horizontalHeader()->height()) / rows;
    const int columnWidth = std::clamp(fittingWidth, least, 2 * least);
    const int rowHeight =
        std::clamp(fittingHeight, 3 * metrics.height() / 2, std::min(columnWidth, 4 * metrics.height()));
    // Bars only where there is something to scroll: they would take the room that was just given away.
    setHorizontalScrollBarPolicy(fittingWidth >= least ? Qt::ScrollBarAlwaysOff : Qt::ScrollBarAsNeeded);
    setVerticalScrollBarPolicy(fittingHeight >= rowHeight ? Qt::ScrollBarAlwaysOff : Qt::ScrollBarAsNeeded);
    horizontalHeader()->setDefaultSectionSize(columnWidth);
    verticalHeader()->setDefaultSectionSize(rowHeight);
}

void MatrixTable::resizeEvent(QResizeEvent* event) {
    QTableView::resizeEvent(event);
    fitCells();
}

QSize MatrixTable::sizeHint() const {
    const int line = fontMetrics().height();
    return {verticalHeader()->sizeHint().width() + std::clamp(m_model->columnCount(), 2, 12) * 5 * line,
            horizontalHeader()->sizeHint().height() + std::clamp(m_model->rowCount(), 2, 12) * 3 * line};
}

QSize MatrixTable::minimumSizeHint() const {
    const int line = fontMetrics().height();
    return {10 * line, 5 * line};
}

} // namespace knife
