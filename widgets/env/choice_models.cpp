// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/env/choice_models.h"

#include <cmath>

#include <QApplication>
#include <QFont>
#include <QPalette>

#include "widgets/format.h"
#include "widgets/theme.h"

namespace knife {

namespace {

QString nameAt(const std::vector<std::string>& names, int index) {
    return static_cast<std::size_t>(index) < names.size()
               ? QString::fromStdString(names[static_cast<std::size_t>(index)])
               : QString::number(index);
}

} // namespace

void ObservationModel::setObservation(const std::vector<std::string>& names, const std::vector<float>& values) {
    const bool others = names != m_names || values.size() != m_values.size();
    if (others) {
        beginResetModel();
        m_names = names;
    }
    m_values = values;
    if (others) {
        endResetModel();
    } else if (!m_values.empty()) {
        Q_EMIT dataChanged(index(0, Value), index(rowCount() - 1, Value));
    }
}

int ObservationModel::rowCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : static_cast<int>(m_values.size());
}

int ObservationModel::columnCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : Columns;
}

QVariant ObservationModel::data(const QModelIndex& index, int role) const {
    if (!index.isValid()) {
        return {};
    }
    const float value = m_values[static_cast<std::size_t>(index.row())];
    if (role == Qt::DisplayRole) {
        return index.column() == Name ? QVariant(nameAt(m_names, index.row()))
                                      : QVariant(formatValue(static_cast<double>(value)));
    }
    if (role == Qt::ForegroundRole && value == 0.F) {
        return quietText(QApplication::palette());
    }
    if (role == Qt::TextAlignmentRole && index.column() == Value) {
        return QVariant(Qt::AlignRight | Qt::AlignVCenter);
    }
    return {};
}

QVariant ObservationModel::headerData(int section, Qt::Orientation orientation, int role) const {
    if (orientation != Qt::Horizontal || role != Qt::DisplayRole) {
        return {};
    }
    return section == Name ? tr("Observed") : tr("Value");
}

void ActionValueModel::setChoice(const std::vector<std::string>& names, const ChoiceView& choice) {
    const bool others = names != m_names || choice.values.size() != m_choice.values.size();
    if (others) {
        beginResetModel();
        m_names = names;
    }
    m_choice = choice;
    m_best = -1;
    for (int action = 0; action < rowCount(); ++action) {
        const auto value = [this](int of) {
            return m_choice.values[static_cast<std::size_t>(of)];
        };
        if (isLegal(action) && !std::isnan(value(action)) && (m_best < 0 || value(action) > value(m_best))) {
            m_best = action;
        }
    }
    if (others) {
        endResetModel();
    } else if (rowCount() > 0) {
        Q_EMIT dataChanged(index(0, 0), index(rowCount() - 1, Columns - 1));
    }
}

int ActionValueModel::rowCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : static_cast<int>(m_choice.values.size());
}

int ActionValueModel::columnCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : Columns;
}

bool ActionValueModel::isLegal(int action) const {
    const auto index = static_cast<std::size_t>(action);
    return index < m_choice.legal.size() && m_choice.legal[index] != 0;
}

QString ActionValueModel::note(int action) const {
    if (!isLegal(action)) {
        return tr("illegal");
    }
    if (action == m_choice.action) {
        return action == m_best ? tr("taken") : tr("explored");
    }
    return action == m_best ? tr("greedy") : QString();
}

QVariant ActionValueModel::data(const QModelIndex& index, int role) const {
    if (!index.isValid()) {
        return {};
    }
    const int action = index.row();
    switch (role) {
    case Qt::DisplayRole:
        if (index.column() == Action) {
            return nameAt(m_names, action);
        }
        return index.column() == Q ? formatValue(static_cast<double>(m_choice.values[static_cast<std::size_t>(action)]))
                                   : note(action);
    case Qt::ForegroundRole:
        return isLegal(action) ? QVariant() : QVariant(quietText(QApplication::palette()));
    case Qt::FontRole:
        if (action == m_choice.action) {
            QFont font;
            font.setBold(true);
            return font;
        }
        return {};
    case Qt::TextAlignmentRole:
        return index.column() == Q ? QVariant(Qt::AlignRight | Qt::AlignVCenter) : QVariant();
    default:
        return {};
    }
}

QVariant ActionValueModel::headerData(int section, Qt::Orientation orientation, int role) const {
    if (orientation != Qt::Horizontal || role != Qt::DisplayRole) {
        return {};
    }
    return section == Action ? tr("Action") : section == Q ? tr("Q") : QString();
}

} // namespace knife
