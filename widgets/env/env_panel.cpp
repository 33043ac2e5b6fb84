// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/env/env_panel.h"

#include <QLabel>
#include <QSplitter>
#include <QStackedWidget>
#include <QVBoxLayout>

#include "widgets/empty_state.h"
#include "widgets/env/battle_widget.h"
#include "widgets/env/board_widget.h"
#include "widgets/env/choice_panel.h"
#include "widgets/env/matrix_widget.h"
#include "widgets/env/plane_widget.h"
#include "widgets/format.h"

namespace knife {

namespace {

enum Page : int { EmptyPage, MatrixPage, BoardPage, BattlePage, PlanePage };

} // namespace

class EnvPanel::Impl {
  public:
    explicit Impl(EnvPanel& panel);
    /// Of the agent that is selected in the scene that is shown.
    void showChoice();

    QLabel* name = nullptr;
    QLabel* progress = nullptr;
    QStackedWidget* stack = nullptr;
    QLabel* empty = nullptr;
    MatrixWidget* matrix = nullptr;
    BoardWidget* board = nullptr;
    BattleWidget* battle = nullptr;
    PlaneWidget* plane = nullptr;
    QSplitter* splitter = nullptr;
    ChoicePanel* choice = nullptr;
    QString emptyText;
    // What the choice panel may be asked for.
    std::vector<std::string> featureNames;
    std::vector<std::string> actionNames;
    std::vector<ChoiceView> choices;
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
    splitter = new QSplitter(Qt::Vertical, &panel);
    splitter->setObjectName(QStringLiteral("envSplitter"));
    splitter->setChildrenCollapsible(false);
    stack = new QStackedWidget(splitter);
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
    plane = new PlaneWidget(stack);
    plane->setObjectName(QStringLiteral("planeView"));
    stack->addWidget(battle);
    stack->addWidget(plane);
    choice = new ChoicePanel(splitter);
    choice->setObjectName(QStringLiteral("choicePanel"));
    splitter->addWidget(stack);
    splitter->addWidget(choice);
    splitter->setStretchFactor(0, 2);
    splitter->setStretchFactor(1, 1);
    column->addWidget(splitter, 1);
    for (const AgentScene* scene : {static_cast<AgentScene*>(battle), static_cast<AgentScene*>(plane)}) {
        QObject::connect(scene, &AgentScene::agentSelected, choice, [this] { showChoice(); });
    }
}

void EnvPanel::Impl::showChoice() {
    const auto* scene = qobject_cast<const AgentScene*>(stack->currentWidget());
    const int agent = scene != nullptr ? scene->selectedAgent() : -1;
    choice->setVisible(agent >= 0);
    if (agent >= 0 && static_cast<std::size_t>(agent) >= choices.size()) {
        choice->showNothing(agent);
    } else if (agent >= 0) {
        choice->showChoice(agent, choices[static_cast<std::size_t>(agent)], featureNames, actionNames);
    }
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
    m_impl->featureNames = view.featureNames;
    m_impl->choices = view.choices;
    if (const auto* game = std::get_if<MatrixView>(&view.scene)) {
        m_impl->matrix->setGame(*game);
        m_impl->stack->setCurrentIndex(MatrixPage);
    } else if (const auto* board = std::get_if<BoardView>(&view.scene)) {
        m_impl->board->setBoard(*board);
        m_impl->stack->setCurrentIndex(BoardPage);
    } else if (const auto* battle = std::get_if<BattleView>(&view.scene)) {
        m_impl->actionNames = battle->actionNames;
        m_impl->battle->setBattle(*battle);
        m_impl->stack->setCurrentIndex(BattlePage);
    } else if (const auto* plane = std::get_if<PlaneView>(&view.scene)) {
        m_impl->actionNames = plane->actionNames;
        m_impl->plane->setPlane(*plane);
        m_impl->stack->setCurrentIndex(PlanePage);
    } else {
        m_impl->empty->setText(tr("This environment has no picture."));
        m_impl->stack->setCurrentIndex(EmptyPage);
    }
    m_impl->showChoice();
}

void EnvPanel::clear() {
    m_impl->name->hide();
    m_impl->progress->hide();
    m_impl->empty->setText(m_impl->emptyText);
    m_impl->stack->setCurrentIndex(EmptyPage);
    m_impl->showChoice();
}

// What the agent goes by stands below its picture, or beside it where there is more room.
void EnvPanel::resizeEvent(QResizeEvent* event) {
    const bool isWide = 4 * width() > 5 * height();
    m_impl->splitter->setOrientation(isWide ? Qt::Horizontal : Qt::Vertical);
    m_impl->choice->setOrientation(isWide ? Qt::Vertical : Qt::Horizontal);
    QWidget::resizeEvent(event);
}

void EnvPanel::setEmptyText(const QString& text) {
    m_impl->emptyText = text;
    if (m_impl->name->isHidden()) {
        m_impl->empty->setText(text);
    }
}

} // namespace knife
