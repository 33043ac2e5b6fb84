// SPDX-License-Identifier: GPL-3.0-or-later
// One agent beside its picture: what it observed when it chose its last action, and its Q value of every action.
#pragma once

#include <string>
#include <vector>

#include <QWidget>

#include "core/types/env_view.h"

class QLabel;
class QSplitter;

namespace knife {

class ActionValueModel;
class ObservationModel;

class ChoicePanel final : public QWidget {
    Q_OBJECT

  public:
    explicit ChoicePanel(QWidget* parent = nullptr);

    /// Both tables side by side, or one above the other.
    void setOrientation(Qt::Orientation orientation);
    /// Says that this agent has not chosen anything yet.
    void showNothing(int agent);
    void showChoice(int agent, const ChoiceView& choice, const std::vector<std::string>& featureNames,
                    const std::vector<std::string>& actionNames);

  private:
    void say(const QString& text, bool tables);

    QLabel* m_heading;
    QSplitter* m_tables;
    ActionValueModel* m_actions;
    ObservationModel* m_observation;
};

} // namespace knife
