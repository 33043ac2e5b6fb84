// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/env/choice_panel.h"

#include <QHeaderView>
#include <QLabel>
#include <QSplitter>
#include <QTreeView>
#include <QVBoxLayout>

#include "widgets/env/choice_models.h"

namespace knife {

namespace {

constexpr int kLines = 5; // that are seen at least

// Widths are those of the longest texts that are to be expected: measuring every row at every moment takes too long.
QTreeView* makeTable(QAbstractItemModel* model, const QString& objectName, const QString& name,
                     const QStringList& longest, QWidget* parent) {
    auto* view = new QTreeView(parent);
    view->setObjectName(objectName);
    view->setAccessibleName(name);
    view->setModel(model);
    view->setRootIsDecorated(false);
    view->setUniformRowHeights(true);
    view->header()->setObjectName(objectName + QStringLiteral("Header"));
    view->header()->setSectionResizeMode(0, QHeaderView::Stretch);
    view->header()->setStretchLastSection(false);
    view->header()->setMinimumSectionSize(view->fontMetrics().height());
    for (int column = 1; column < model->columnCount(); ++column) {
        const int room = view->fontMetrics().horizontalAdvance(longest[column - 1]) + view->fontMetrics().height();
        view->header()->resizeSection(column, room);
    }
    view->setMinimumHeight(kLines * view->fontMetrics().height());
    return view;
}

} // namespace

ChoicePanel::ChoicePanel(QWidget* parent) : QWidget(parent) {
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(0, 0, 0, 0);
    m_heading = new QLabel(this);
    m_heading->setObjectName(QStringLiteral("choiceHeading"));
    m_heading->setWordWrap(true);
    column->addWidget(m_heading);
    m_tables = new QSplitter(Qt::Horizontal, this);
    m_tables->setObjectName(QStringLiteral("choiceTables"));
    m_actions = new ActionValueModel(this);
    m_observation = new ObservationModel(this);
    m_tables->addWidget(makeTable(m_actions, QStringLiteral("actionValues"), tr("Values of actions"),
                                  {QStringLiteral("−0.12345"), tr("explored")}, m_tables));
    m_tables->addWidget(makeTable(m_observation, QStringLiteral("observation"), tr("Observation"),
                                  {QStringLiteral("−0.12345")}, m_tables));
    column->addWidget(m_tables, 1);
}

void ChoicePanel::setOrientation(Qt::Orientation orientation) {
    m_tables->setOrientation(orientation);
}

void ChoicePanel::say(const QString& text, bool tables) {
    m_heading->setText(text);
    m_tables->setVisible(tables);
}

void ChoicePanel::showNothing(int agent) {
    say(tr("Agent %1 has not chosen an action in this episode yet.").arg(agent), false);
}

void ChoicePanel::showChoice(int agent, const ChoiceView& choice, const std::vector<std::string>& featureNames,
                             const std::vector<std::string>& actionNames) {
    m_actions->setChoice(actionNames, choice);
    m_observation->setObservation(featureNames, choice.observation);
    say(tr("Agent %1 when it chose its last action").arg(agent), true);
}

} // namespace knife
