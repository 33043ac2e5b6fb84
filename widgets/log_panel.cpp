// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/log_panel.h"

#include <algorithm>

#include <QApplication>
#include <QClipboard>
#include <QComboBox>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QLabel>
#include <QLineEdit>
#include <QScrollBar>
#include <QShortcut>
#include <QSortFilterProxyModel>
#include <QStyledItemDelegate>
#include <QToolButton>
#include <QTreeView>
#include <QVBoxLayout>

#include "widgets/empty_state.h"
#include "widgets/icons.h"
#include "widgets/theme.h"

namespace knife {

namespace {

class LevelFilter final : public QSortFilterProxyModel {
  public:
    using QSortFilterProxyModel::QSortFilterProxyModel;

    void setLeast(LogLevel level) {
        m_least = level;
        invalidateFilter();
    }
    void setText(const QString& text) {
        m_text = text;
        invalidateFilter();
    }

  protected:
    [[nodiscard]] bool filterAcceptsRow(int row, const QModelIndex& /*parent*/) const override {
        const LogLine& line = static_cast<const LogModel*>(sourceModel())->line(row);
        return line.level >= m_least && (m_text.isEmpty() || line.text.contains(m_text, Qt::CaseInsensitive) ||
                                         line.source.contains(m_text, Qt::CaseInsensitive));
    }

  private:
    LogLevel m_least = LogLevel::Info;
    QString m_text;
};

Tone toneOf(LogLevel level) {
    switch (level) {
    case LogLevel::Error:
        return Tone::Bad;
    case LogLevel::Warning:
        return Tone::Warning;
    case LogLevel::Info:
    case LogLevel::Debug:
        break;
    }
    return Tone::Neutral;
}

/// Colours the level word by the palette of the moment; a model would hand out colours of an older theme.
class LevelDelegate final : public QStyledItemDelegate {
  public:
    using QStyledItemDelegate::QStyledItemDelegate;

  protected:
    void initStyleOption(QStyleOptionViewItem* option, const QModelIndex& index) const override {
        QStyledItemDelegate::initStyleOption(option, index);
        const auto level = static_cast<LogLevel>(index.data(LogModel::LevelRole).toInt());
        if (index.column() != LogModel::Text || level == LogLevel::Debug) {
            option->palette.setColor(QPalette::Text, toneColour(toneOf(level), option->palette));
        }
        if (index.column() == LogModel::Level && level >= LogLevel::Warning) {
            option->font.setWeight(QFont::DemiBold);
        }
    }
};

} // namespace

class LogPanel::Impl {
  public:
    explicit Impl(LogPanel& panel);

    LogPanel& q;
    LogModel* model = nullptr;
    LevelFilter* filter = nullptr;
    QComboBox* level = nullptr;
    QTreeView* view = nullptr;
};

LogPanel::Impl::Impl(LogPanel& panel) : q(panel) {
    model = new LogModel(&q);
    filter = new LevelFilter(&q);
    filter->setSourceModel(model);
    auto* column = new QVBoxLayout(&q);
    auto* row = new QHBoxLayout;
    auto* levelLabel = new QLabel(LogPanel::tr("&Show"), &q);
    level = new QComboBox(&q);
    level->setObjectName(QStringLiteral("logLevel"));
    level->setAccessibleName(LogPanel::tr("Least level shown"));
    level->addItems({LogPanel::tr("everything"), LogPanel::tr("information and worse"),
                     LogPanel::tr("warnings and errors"), LogPanel::tr("errors only")});
    level->setCurrentIndex(static_cast<int>(LogLevel::Info));
    levelLabel->setBuddy(level);
    auto* text = new QLineEdit(&q);
    text->setObjectName(QStringLiteral("logFilter"));
    text->setAccessibleName(LogPanel::tr("Filter the log"));
    text->setPlaceholderText(LogPanel::tr("Filter"));
    text->setClearButtonEnabled(true);
    text->addAction(icon(QStringLiteral("search")), QLineEdit::LeadingPosition);
    const auto button = [&](const char* name, const QString& iconName, const QString& tip) {
        auto* made = new QToolButton(&q);
        made->setObjectName(QLatin1String(name));
        made->setIcon(icon(iconName));
        made->setToolTip(tip);
        made->setAccessibleName(tip);
        made->setAutoRaise(true);
        return made;
    };
    QToolButton* copy = button("logCopy", QStringLiteral("copy"), LogPanel::tr("Copy the selected lines, or all"));
    QToolButton* clear = button("logClear", QStringLiteral("clear"), LogPanel::tr("Clear the log view"));
    row->addWidget(levelLabel);
    row->addWidget(level);
    row->addWidget(text, 1);
    row->addWidget(copy);
    row->addWidget(clear);
    column->addLayout(row);

    view = new QTreeView(&q);
    view->setObjectName(QStringLiteral("logView"));
    view->setAccessibleName(LogPanel::tr("Events and log"));
    view->setModel(filter);
    view->setItemDelegate(new LevelDelegate(view));
    view->setRootIsDecorated(false);
    view->setUniformRowHeights(true);
    view->setAllColumnsShowFocus(true);
    view->setSelectionMode(QAbstractItemView::ExtendedSelection);
    view->setEditTriggers(QAbstractItemView::NoEditTriggers);
    const QFontMetrics metrics(view->fontMetrics());
    const int em = metrics.height();
    view->header()->resizeSection(LogModel::Time, metrics.horizontalAdvance(QStringLiteral("00:00:00")) + em);
    view->header()->resizeSection(LogModel::Level, metrics.horizontalAdvance(LogPanel::tr("warning")) + 3 * em / 2);
    view->header()->resizeSection(LogModel::Source, 7 * em);
    showHintWhenEmpty(*view, LogPanel::tr("Nothing to show."));
    column->addWidget(view, 1);

    QObject::connect(level, &QComboBox::currentIndexChanged, &q,
                     [this](int index) { filter->setLeast(static_cast<LogLevel>(index)); });
    QObject::connect(text, &QLineEdit::textChanged, &q, [this](const QString& words) { filter->setText(words); });
    QObject::connect(clear, &QToolButton::clicked, &q, &LogPanel::clear);
    const auto copyText = [this] {
        QApplication::clipboard()->setText(q.selectedText());
    };
    QObject::connect(copy, &QToolButton::clicked, &q, copyText);
    auto* shortcut = new QShortcut(QKeySequence::Copy, view);
    shortcut->setContext(Qt::WidgetShortcut);
    QObject::connect(shortcut, &QShortcut::activated, &q, copyText);
    QObject::connect(view, &QTreeView::activated, &q, [this](const QModelIndex& index) {
        const QVariant update = index.data(LogModel::UpdateRole);
        if (update.isValid()) {
            Q_EMIT q.updateActivated(update.toLongLong());
        }
    });
}

LogPanel::LogPanel(QWidget* parent) : QWidget(parent), m_impl(std::make_unique<Impl>(*this)) {}

LogPanel::~LogPanel() = default;

void LogPanel::append(LogLine line) {
    const QScrollBar* bar = m_impl->view->verticalScrollBar();
    const bool atEnd = bar->value() == bar->maximum(); // whoever scrolled up is reading
    m_impl->model->append(std::move(line));
    if (atEnd) {
        m_impl->view->scrollToBottom();
    }
}

void LogPanel::clear() {
    m_impl->model->clear();
}

void LogPanel::setLevel(LogLevel least) {
    m_impl->level->setCurrentIndex(static_cast<int>(least));
}

const LogModel& LogPanel::model() const {
    return *m_impl->model;
}

int LogPanel::visibleLines() const {
    return m_impl->filter->rowCount();
}

QString LogPanel::selectedText() const {
    QModelIndexList rows = m_impl->view->selectionModel()->selectedRows();
    if (rows.isEmpty()) {
        for (int row = 0; row < m_impl->filter->rowCount(); ++row) {
            rows.append(m_impl->filter->index(row, 0));
        }
    }
    std::sort(rows.begin(), rows.end());
    QString text;
    for (const QModelIndex& row : rows) {
        const LogLine& line = m_impl->model->line(m_impl->filter->mapToSource(row).row());
        text += QStringList{line.time.toString(Qt::ISODate), row.siblingAtColumn(LogModel::Level).data().toString(),
                            line.source, line.text}
                    .join(QLatin1Char('\t')) +
                QLatin1Char('\n');
    }
    return text;
}

} // namespace knife
