// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/run_panel.h"

#include <algorithm>

#include <QAction>
#include <QApplication>
#include <QClipboard>
#include <QCollator>
#include <QHeaderView>
#include <QLabel>
#include <QLineEdit>
#include <QMenu>
#include <QMetaMethod>
#include <QPushButton>
#include <QSortFilterProxyModel>
#include <QStackedWidget>
#include <QTreeView>
#include <QVBoxLayout>

#include "core/types/run_state.h"
#include "widgets/empty_state.h"
#include "widgets/icons.h"
#include "widgets/run_delegate.h"
#include "widgets/state_glyph.h"
#include "widgets/table_copy.h"

namespace knife {

namespace {

/// Every word of the filter must occur in some column or in the state; numbers sort as numbers.
class RunFilter final : public QSortFilterProxyModel {
  public:
    explicit RunFilter(QObject* parent) : QSortFilterProxyModel(parent) {
        setRecursiveFilteringEnabled(true);
        setDynamicSortFilter(true);
        m_collator.setNumericMode(true);
        m_collator.setCaseSensitivity(Qt::CaseInsensitive);
    }

    void setWords(const QStringList& words) {
        m_words = words;
        invalidateFilter();
    }

  protected:
    [[nodiscard]] bool filterAcceptsRow(int row, const QModelIndex& parent) const override {
        QString text;
        for (int column = 0; column < sourceModel()->columnCount(parent); ++column) {
            text += sourceModel()->index(row, column, parent).data().toString() + QLatin1Char(' ');
        }
        const QVariant state = sourceModel()->index(row, 0, parent).data(RunStateRole);
        if (state.isValid()) {
            text += stateName(static_cast<RunState>(state.toInt()));
        }
        return std::all_of(m_words.begin(), m_words.end(),
                           [&](const QString& word) { return text.contains(word, Qt::CaseInsensitive); });
    }

    [[nodiscard]] bool lessThan(const QModelIndex& left, const QModelIndex& right) const override {
        const QVariant a = left.data(Qt::EditRole);
        const QVariant b = right.data(Qt::EditRole);
        if (a.typeId() == QMetaType::QString || b.typeId() == QMetaType::QString || !a.isValid() || !b.isValid()) {
            return m_collator.compare(a.toString(), b.toString()) < 0;
        }
        return QVariant::compare(a, b) == QPartialOrdering::Less;
    }

  private:
    QStringList m_words;
    QCollator m_collator;
};

enum Page : int { ListPage, EmptyPage };

} // namespace

class RunPanel::Impl {
  public:
    Impl(RunPanel& panel, QAbstractItemModel* source);

    void refreshPage();
    void columnsForHeader();
    [[nodiscard]] QString idOf(const QModelIndex& index) const {
        return index.siblingAtColumn(0).data(RunIdRole).toString();
    }

    RunPanel& q;
    QAbstractItemModel* model;
    RunFilter* filter = nullptr;
    QLineEdit* line = nullptr;
    QTreeView* tree = nullptr;
    QStackedWidget* stack = nullptr;
};

RunPanel::Impl::Impl(RunPanel& panel, QAbstractItemModel* source) : q(panel), model(source) {
    auto* column = new QVBoxLayout(&q);
    line = new QLineEdit(&q);
    line->setObjectName(QStringLiteral("runFilter"));
    line->setAccessibleName(RunPanel::tr("Filter runs"));
    line->setPlaceholderText(RunPanel::tr("Filter by name, task, state…"));
    line->setClearButtonEnabled(true);
    line->addAction(icon(QStringLiteral("search")), QLineEdit::LeadingPosition);
    column->addWidget(line);

    filter = new RunFilter(&q);
    filter->setSourceModel(model);
    tree = new QTreeView(&q);
    tree->setObjectName(QStringLiteral("runTree"));
    tree->setAccessibleName(RunPanel::tr("Runs"));
    tree->setModel(filter);
    tree->setItemDelegate(new RunDelegate(tree));
    tree->setUniformRowHeights(true);
    tree->setAlternatingRowColors(true);
    tree->setSelectionMode(QAbstractItemView::ExtendedSelection);
    tree->setAllColumnsShowFocus(true);
    tree->setEditTriggers(QAbstractItemView::NoEditTriggers);
    tree->setSortingEnabled(true);
    tree->sortByColumn(-1, Qt::AscendingOrder); // the model's own order until a header is clicked
    tree->setContextMenuPolicy(Qt::CustomContextMenu);
    tree->setTextElideMode(Qt::ElideMiddle);
    stack = new QStackedWidget(&q);
    auto* list = new QWidget(stack);
    auto* listColumn = new QVBoxLayout(list);
    listColumn->setContentsMargins(0, 0, 0, 0);
    listColumn->addWidget(tree);
    copyOnShortcut(*tree);
    showHintWhenEmpty(*tree, RunPanel::tr("No run matches the filter."));
    stack->addWidget(list);

    auto* empty = new QWidget(stack);
    auto* emptyColumn = new QVBoxLayout(empty);
    auto* start = new QPushButton(icon(QStringLiteral("new")), RunPanel::tr("&New run…"), empty);
    start->setObjectName(QStringLiteral("firstRun"));
    start->setAccessibleName(RunPanel::tr("New run"));
    emptyColumn->addStretch(1);
    emptyColumn->addWidget(makeEmptyState(RunPanel::tr("No runs here yet."), empty));
    emptyColumn->addWidget(start, 0, Qt::AlignHCenter);
    emptyColumn->addStretch(1);
    stack->addWidget(empty);
    column->addWidget(stack, 1);

    QObject::connect(start, &QPushButton::clicked, &q, &RunPanel::newRunRequested);
    QObject::connect(line, &QLineEdit::textChanged, &q, [this](const QString& text) {
        filter->setWords(text.split(QLatin1Char(' '), Qt::SkipEmptyParts));
        refreshPage();
    });
    QObject::connect(tree, &QTreeView::activated, &q,
                     [this](const QModelIndex& index) { Q_EMIT q.runActivated(idOf(index)); });
    QObject::connect(tree->selectionModel(), &QItemSelectionModel::currentChanged, &q,
                     [this](const QModelIndex& index) { Q_EMIT q.currentRunChanged(idOf(index)); });
    QObject::connect(tree->selectionModel(), &QItemSelectionModel::selectionChanged, &q,
                     [this] { Q_EMIT q.selectedRunsChanged(q.selectedRuns()); });
    QObject::connect(tree, &QWidget::customContextMenuRequested, &q, &RunPanel::showMenu);
    for (const auto signal : {&QAbstractItemModel::rowsInserted, &QAbstractItemModel::rowsRemoved}) {
        QObject::connect(model, signal, &q, [this] { refreshPage(); });
    }
    QObject::connect(model, &QAbstractItemModel::rowsInserted, &q, [this](const QModelIndex& parent) {
        if (parent.isValid()) { // a fork appeared: show it
            tree->expand(filter->mapFromSource(parent));
        }
    });
    QObject::connect(model, &QAbstractItemModel::modelReset, &q, [this] { refreshPage(); });
    columnsForHeader();
    refreshPage();
}

void RunPanel::Impl::columnsForHeader() {
    tree->header()->setStretchLastSection(false);
    const int columns = model->columnCount();
    const int em = tree->fontMetrics().height();
    for (int column = 0; column < columns; ++column) {
        const bool progress = model->headerData(column, Qt::Horizontal, RunProgressRole).toBool();
        tree->header()->setSectionResizeMode(column, column == 0 ? QHeaderView::Stretch : QHeaderView::Interactive);
        tree->header()->resizeSection(column, progress ? 5 * em : 9 * em / 2);
    }
    tree->header()->setMinimumSectionSize(3 * em);
}

void RunPanel::Impl::refreshPage() {
    const bool none = model->rowCount() == 0;
    stack->setCurrentIndex(none ? EmptyPage : ListPage);
    line->setEnabled(!none);
    if (!line->text().isEmpty()) {
        tree->expandAll();
    }
}

RunPanel::RunPanel(QAbstractItemModel* model, QWidget* parent)
    : QWidget(parent), m_impl(std::make_unique<Impl>(*this, model)) {
    m_impl->tree->expandAll();
}

RunPanel::~RunPanel() = default;

QString RunPanel::currentRun() const {
    return m_impl->idOf(m_impl->tree->currentIndex());
}

QStringList RunPanel::selectedRuns() const {
    QStringList ids;
    for (const QModelIndex& index : m_impl->tree->selectionModel()->selectedRows()) {
        ids.append(m_impl->idOf(index));
    }
    return ids;
}

void RunPanel::setCurrentRun(const QString& runId) {
    const QModelIndexList found =
        m_impl->filter->match(m_impl->filter->index(0, 0), RunIdRole, runId, 1, Qt::MatchExactly | Qt::MatchRecursive);
    if (!found.isEmpty() && found.first() != m_impl->tree->currentIndex().siblingAtColumn(0)) {
        m_impl->tree->setCurrentIndex(found.first());
    }
}

void RunPanel::focusFilter() {
    m_impl->line->setFocus(Qt::ShortcutFocusReason);
    m_impl->line->selectAll();
}

void RunPanel::showMenu(const QPoint& position) {
    const QModelIndex index = m_impl->tree->indexAt(position).siblingAtColumn(0);
    if (!index.isValid()) {
        return;
    }
    const QString id = m_impl->idOf(index);
    const auto state = static_cast<RunState>(index.data(RunStateRole).toInt());
    QMenu menu(this);
    const auto add = [&](const QString& iconName, const QString& text, auto call) {
        QAction* action = menu.addAction(icon(iconName), text);
        connect(action, &QAction::triggered, this, call);
        return action;
    };
    add(QStringLiteral("open"), tr("Open"), [this, id] { Q_EMIT runActivated(id); });
    add(QStringLiteral("resume"), tr("Resume"), [this, id] { Q_EMIT resumeRequested(id); })->setEnabled(isEnded(state));
    if (isSignalConnected(QMetaMethod::fromSignal(&RunPanel::forkRequested))) { // offer nothing that nobody does
        add(QStringLiteral("fork"), tr("Fork…"), [this, id] { Q_EMIT forkRequested(id); });
    }
    menu.addSeparator();
    add(QStringLiteral("copy"), tr("Copy run id"), [id] { QApplication::clipboard()->setText(id); });
    if (!actions().isEmpty()) {
        menu.addSeparator();
        menu.addActions(actions());
    }
    menu.exec(m_impl->tree->viewport()->mapToGlobal(position));
}

} // namespace knife
