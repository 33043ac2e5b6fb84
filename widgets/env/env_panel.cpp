// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/env/env_panel.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <QKeyEvent>
#include <QLabel>
#include <QLocale>
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
    /// The live picture or a step of the recording, or why there is none.
    void show();
    void draw(const EnvView& view);
    void say(const QString& text);

    EpisodeBar* bar = nullptr;
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
    QString recordingText;
    std::optional<EnvView> live;
    std::shared_ptr<const EpisodeRecording> recording;
    // What the choice panel may be asked for.
    std::vector<std::string> featureNames;
    std::vector<std::string> actionNames;
    std::vector<ChoiceView> choices;
};

EnvPanel::Impl::Impl(EnvPanel& panel) {
    emptyText = EnvPanel::tr("No environment yet. Start a run, or open one that is running.");
    recordingText = EnvPanel::tr("No evaluation has been recorded yet.");
    auto* column = new QVBoxLayout(&panel);
    column->setSpacing(column->spacing() / 2); // the picture needs the room
    bar = new EpisodeBar(&panel);
    bar->setObjectName(QStringLiteral("episodeBar"));
    column->addWidget(bar);
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
    QObject::connect(bar, &EpisodeBar::stepChanged, &panel, [this] { show(); });
    QObject::connect(bar, &EpisodeBar::sourceChosen, &panel, [this, &panel](EpisodeBar::Source source) {
        show();
        Q_EMIT panel.sourceChosen(source);
    });
    QObject::connect(bar, &EpisodeBar::episodeChosen, &panel, &EnvPanel::episodeChosen);
}

void EnvPanel::Impl::show() {
    if (bar->source() == EpisodeBar::Source::Live) {
        if (live) {
            draw(*live);
        } else {
            say(emptyText);
        }
        return;
    }
    if (!recording || recording->moments.empty()) {
        say(recordingText);
        return;
    }
    const auto steps = static_cast<int>(recording->moments.size()) - 1;
    const EnvView& view = recording->moments[static_cast<std::size_t>(std::min(bar->step(), steps))];
    draw(view);
    name->hide(); // says no more than the line below
    progress->setText(EnvPanel::tr("evaluation at env step %1, task %2, step %3 of %4, return %5")
                          .arg(QLocale().toString(recording->clocks.envStep.value), QString::fromStdString(view.task),
                               QLocale().toString(view.step), QLocale().toString(steps),
                               formatValue(static_cast<double>(view.episodeReturn))));
}

void EnvPanel::Impl::say(const QString& text) {
    name->hide();
    progress->hide();
    empty->setText(text);
    stack->setCurrentIndex(EmptyPage);
    showChoice();
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

void EnvPanel::Impl::draw(const EnvView& view) {
    QString heading = QString::fromStdString(view.envName);
    if (!view.task.empty()) {
        heading += QStringLiteral(" · ") + QString::fromStdString(view.task);
    }
    if (view.greedy) {
        heading += QStringLiteral(" · ") + EnvPanel::tr("greedy evaluation");
    }
    name->setText(heading);
    progress->setText(EnvPanel::tr("step %1 of %2 · reward %3 · return %4")
                          .arg(view.step)
                          .arg(view.episodeLimit)
                          .arg(formatValue(static_cast<double>(view.lastReward)),
                               formatValue(static_cast<double>(view.episodeReturn))));
    name->show();
    progress->show();
    featureNames = view.featureNames;
    choices = view.choices;
    if (const auto* game = std::get_if<MatrixView>(&view.scene)) {
        matrix->setGame(*game);
        stack->setCurrentIndex(MatrixPage);
    } else if (const auto* boardScene = std::get_if<BoardView>(&view.scene)) {
        board->setBoard(*boardScene);
        stack->setCurrentIndex(BoardPage);
    } else if (const auto* battleScene = std::get_if<BattleView>(&view.scene)) {
        actionNames = battleScene->actionNames;
        battle->setBattle(*battleScene);
        stack->setCurrentIndex(BattlePage);
    } else if (const auto* planeScene = std::get_if<PlaneView>(&view.scene)) {
        actionNames = planeScene->actionNames;
        plane->setPlane(*planeScene);
        stack->setCurrentIndex(PlanePage);
    } else {
        empty->setText(EnvPanel::tr("This environment has no picture."));
        stack->setCurrentIndex(EmptyPage);
    }
    showChoice();
}

EnvPanel::EnvPanel(QWidget* parent) : QWidget(parent), m_impl(std::make_unique<Impl>(*this)) {
    m_impl->show();
}

EnvPanel::~EnvPanel() = default;

void EnvPanel::setView(const EnvView& view) {
    m_impl->live = view;
    if (source() == EpisodeBar::Source::Live) {
        m_impl->show();
    }
}

void EnvPanel::clear() {
    m_impl->live.reset();
    if (source() == EpisodeBar::Source::Live) {
        m_impl->show();
    }
}

void EnvPanel::setRecording(std::shared_ptr<const EpisodeRecording> recording, int number, int count) {
    m_impl->recording = std::move(recording);
    m_impl->bar->setSteps(m_impl->recording ? static_cast<int>(m_impl->recording->moments.size()) - 1 : 0);
    m_impl->bar->setEpisode(number, m_impl->recording ? count : 0);
    if (source() == EpisodeBar::Source::Recorded) {
        m_impl->show();
    }
}

void EnvPanel::setRecordingText(const QString& text) {
    m_impl->recordingText = text;
    if (source() == EpisodeBar::Source::Recorded && !m_impl->recording) {
        m_impl->show();
    }
}

void EnvPanel::setSource(EpisodeBar::Source source) {
    if (source != m_impl->bar->source()) {
        m_impl->bar->setSource(source);
        m_impl->show();
    }
}

EpisodeBar::Source EnvPanel::source() const {
    return m_impl->bar->source();
}

void EnvPanel::keyPressEvent(QKeyEvent* event) {
    if (!m_impl->bar->handleKey(event)) {
        QWidget::keyPressEvent(event);
    }
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
    if (source() == EpisodeBar::Source::Live && !m_impl->live) {
        m_impl->show();
    }
}

} // namespace knife
