// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/table_copy.h"

#include <QAbstractItemView>
#include <QApplication>
#include <QClipboard>
#include <QShortcut>

namespace knife {

namespace {

void collect(const QAbstractItemModel& model, const QModelIndex& parent, QModelIndexList& rows) {
    for (int row = 0; row < model.rowCount(parent); ++row) {
        const QModelIndex index = model.index(row, 0, parent);
        rows.append(index);
        collect(model, index, rows);
    }
}

QString rowText(const QModelIndex& first) {
    QStringList cells;
    for (int column = 0; column < first.model()->columnCount(first.parent()); ++column) {
        cells.append(first.siblingAtColumn(column).data().toString());
    }
    return cells.join(QLatin1Char('\t'));
}

} // namespace

QString tableText(const QAbstractItemView& view) {
    const QAbstractItemModel& model = *view.model();
    QStringList lines(QString{});
    for (int column = 0; column < model.columnCount(); ++column) {
        lines[0] += (column > 0 ? QStringLiteral("\t") : QString()) +
                    model.headerData(column, Qt::Horizontal).toString().replace(QLatin1Char('\n'), QLatin1Char(' '));
    }
    QModelIndexList rows;
    collect(model, view.rootIndex(), rows);
    const QItemSelectionModel& selection = *view.selectionModel();
    const bool some = selection.hasSelection();
    for (const QModelIndex& row : rows) {
        if (!some || selection.rowIntersectsSelection(row.row(), row.parent())) {
            lines.append(rowText(row));
        }
    }
    return lines.join(QLatin1Char('\n')) + QLatin1Char('\n');
}

void copyOnShortcut(QAbstractItemView& view) {
    auto* shortcut = new QShortcut(QKeySequence::Copy, &view);
    shortcut->setContext(Qt::WidgetShortcut);
    QObject::connect(shortcut, &QShortcut::activated, &view,
                     [&view] { QApplication::clipboard()->setText(tableText(view)); });
}

} // namespace knife
