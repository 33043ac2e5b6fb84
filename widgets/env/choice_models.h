// SPDX-License-Identifier: GPL-3.0-or-later
// What an agent went by when it chose its last action, as tables: every value of its observation by name, and every
// action with what it was thought to be worth.
#pragma once

#include <string>
#include <vector>

#include <QAbstractTableModel>

#include "core/types/env_view.h"

namespace knife {

class ObservationModel final : public QAbstractTableModel {
    Q_OBJECT

  public:
    enum Column : int { Name, Value, Columns };
    using QAbstractTableModel::QAbstractTableModel;

    /// Without names, numbers. Resets only when there are others, or another number of values.
    void setObservation(const std::vector<std::string>& names, const std::vector<float>& values);
    [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] QVariant data(const QModelIndex& index, int role) const override;
    [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

  private:
    std::vector<std::string> m_names;
    std::vector<float> m_values;
};

class ActionValueModel final : public QAbstractTableModel {
    Q_OBJECT

  public:
    enum Column : int { Action, Q, Note, Columns };
    using QAbstractTableModel::QAbstractTableModel;

    /// Likewise.
    void setChoice(const std::vector<std::string>& names, const ChoiceView& choice);
    [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] QVariant data(const QModelIndex& index, int role) const override;
    [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

  private:
    [[nodiscard]] bool isLegal(int action) const;
    [[nodiscard]] QString note(int action) const;

    std::vector<std::string> m_names;
    ChoiceView m_choice;
    int m_best = -1; ///< the legal action that was thought to be worth most
};

} // namespace knife
