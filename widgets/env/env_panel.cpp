// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/env/env_panel.h"

#include <QLabel>
#include <QStackedWidget>
#include <QVBoxLayout>

#include "widgets/empty_state.h"
#include "widgets/env/battle_widget.h"
#include "widgets/env/board_widget.h"
#include "widgets/env/matrix_widget.h"
#include "widgets/format.h"

namespace knife {

namespace {

enum Page : int { EmptyPage, MatrixPage, BoardPage, BattlePage };

} // namespace

class EnvPanel::Impl {
  public:
    explicit Impl(EnvPanel& panel);

    QLabel* name = nullptr;
    QLabel* progress = nullptr;
    QStackedWidget* stack = nullptr;
    QLabel* empty = nullptr;
    MatrixWidget* matrix = nullptr;
    BoardWidget* board = nullptr;
    BattleWidget* battle = nullptr;
    QString emptyText;
};

EnvPanel::Impl::Impl(EnvPanel& panel) {
    emptyText = EnvPanel::tr("No environment yet. Start a run, or open one that is running.");
    auto* column = new QVBoxLayout(&panel);
    name = new QLabel(&panel);
    name->setObjectName(QStringLiteral("envName"));
    name->setWordWrap(true);
    progress = new QLabel(&panel);
    progress->setObjectName(QStringLiteral("envProgress"));
    progress->setWordWrap(true);
    column->addWidget(name);
    column->addWidget(progress);
    stack = new QStackedWidget(&panel);
    empty = makeEmptyState(emptyText, stack);
    matrix = new MatrixWidget(stack);
    matrix->setObjectName(QStringLiteral("matrixView"));
    matrix->setAccessibleName(EnvPanel::tr("Matrix game"));
    matrix->layout()->setContentsMargins(0, 0, 0, 0);
    board = new BoardWidget(stack);
    board->setObjectName(QStringLiteral("boardView"));
    battle = new BattleWidget(stack);
    battle->setObjectName(QStringLiteral("battleView"));
    stack->addWidget(empty);
    stack->addWidget(matrix);
    stack->addWidget(board);
    stack->addWidget(battle);
    column->addWidget(stack, 1);
}

EnvPanel::EnvPanel(QWidget* parent) : QWidget(parent), m_impl(std::make_unique<Impl>(*this)) {
    clear();
}

EnvPanel::~EnvPanel() = default;

void EnvPanel::setView(const EnvView& view) {
    QString heading = QString::fromStdString(view.envName);
    if (!view.task.empty()) {
        heading += QStringLiteral(" · ") + QString::fromStdString(view.task);
    }
    if (view.greedy) {
        heading += QStringLiteral(" · ") + tr("greedy evaluation");
    }
    m_impl->name->setText(heading);
    m_impl->progress->setText(tr("step %1 of %2 · reward %3 · return %4")
                                  .arg(view.step)
                                  .arg(view.episodeLimit)
                                  .arg(formatValue(static_cast<double>(view.lastReward)),
                                       formatValue(static_cast<double>(view.episodeReturn))));
    m_impl->name->show();
    m_impl->progress->show();
    if (const auto* game = std::get_if<MatrixView>(&view.scene)) {
        m_impl->matrix->setGame(*game);
        m_impl->stack->setCurrentIndex(MatrixPage);
    } else if (const auto* board = std::get_if<BoardView>(&view.scene)) {
        m_impl->board->setBoard(*board);
        m_impl->stack->setCurrentIndex(BoardPage);
    } else if (const auto* battle = std::get_if<BattleView>(&view.scene)) {
        m_impl->battle->setBattle(*battle);
        m_impl->stack->setCurrentIndex(BattlePage);
    } else {
        m_impl->empty->setText(tr("This environment has no picture."));
        m_impl->stack->setCurrentIndex(EmptyPage);
    }
}

void EnvPanel::clear() {
    m_impl->name->hide();
    m_impl->progress->hide();
    m_impl->empty->setText(m_impl->emptyText);
    m_impl->stack->setCurrentIndex(EmptyPage);
}

void EnvPanel::setEmptyText(const QString& text) {
    m_impl->emptyText = text;
    if (m_impl->name->isHidden()) {
        m_impl->empty->setText(text);
    }
}

} // namespace knife
