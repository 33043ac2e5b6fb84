// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/run_columns.h"

#include <algorithm>
#include <array>

#include <QHeaderView>
#include <QMenu>
#include <QTreeView>

#include "app/workbench/models/run_table_model.h"
#include "widgets/run_panel.h"

namespace knife {

namespace {

struct ColumnShape {
    RunTableModel::Column column;
    const char* widest; ///< text that must fit
    bool shown;
};

constexpr std::array<ColumnShape, RunTableModel::ColumnCount> kShapes{{
    {RunTableModel::Name, "matrix sequence", true},
    {RunTableModel::Seed, "", true},
    {RunTableModel::Progress, "100 %", true},
    {RunTableModel::Return, "−100.25", true},
    {RunTableModel::Step, "999.9k", true},
    {RunTableModel::Age, "59 min", true},
    {RunTableModel::State, "interrupted", false}, // its sign stands beside the name
    {RunTableModel::Speed, "999.9k", false},
}};

void showColumnMenu(QHeaderView* header, const QPoint& position) {
    auto* menu = new QMenu(header);
    menu->setAttribute(Qt::WA_DeleteOnClose);
    for (int column = 1; column < header->count(); ++column) { // the name always stays
        QAction* action = menu->addAction(header->model()->headerData(column, Qt::Horizontal).toString());
        action->setCheckable(true);
        action->setChecked(!header->isSectionHidden(column));
        QObject::connect(action, &QAction::toggled, header,
                         [header, column](bool shown) { header->setSectionHidden(column, !shown); });
    }
    menu->popup(header->mapToGlobal(position));
}

} // namespace

QHeaderView* arrangeRunColumns(RunPanel& panel, const QByteArray& saved) {
    QHeaderView* header = panel.findChild<QTreeView*>()->header();
    const QFontMetrics metrics = header->fontMetrics();
    header->setMinimumSectionSize(2 * metrics.height());
    for (const ColumnShape& shape : kShapes) {
        header->setSectionResizeMode(shape.column, QHeaderView::Interactive);
        const QString title = header->model()->headerData(shape.column, Qt::Horizontal).toString();
        const int text =
            std::max(metrics.horizontalAdvance(QString::fromUtf8(shape.widest)), metrics.horizontalAdvance(title));
        const int margins = shape.column == RunTableModel::Name ? 4 * metrics.height() : metrics.height();
        header->resizeSection(shape.column, text + margins);
        header->setSectionHidden(shape.column, !shape.shown);
    }
    if (!saved.isEmpty()) {
        header->restoreState(saved);
    }
    header->setContextMenuPolicy(Qt::CustomContextMenu);
    QObject::connect(header, &QWidget::customContextMenuRequested, header,
                     [header](const QPoint& position) { showColumnMenu(header, position); });
    return header;
}

} // namespace knife
