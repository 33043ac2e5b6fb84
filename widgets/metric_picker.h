// SPDX-License-Identifier: GPL-3.0-or-later
// A popup list of metrics to tick, grouped by the part before the slash, with a filter line.
#pragma once

#include <QFrame>
#include <QStringList>

class QLineEdit;
class QSortFilterProxyModel;
class QStandardItem;
class QStandardItemModel;
class QTreeView;

namespace knife {

class MetricPicker final : public QFrame {
    Q_OBJECT

  public:
    explicit MetricPicker(QWidget* parent = nullptr);

    void setAvailable(const QStringList& metrics);
    /// Does not emit.
    void setChosen(const QStringList& metrics);
    /// In the order in which they were ticked.
    [[nodiscard]] const QStringList& chosen() const { return m_chosen; }
    /// Opens below this widget with the keyboard in the filter line.
    void popUpBelow(const QWidget& anchor);

  Q_SIGNALS:
    void chosenChanged(const QStringList& metrics);

  private:
    void rebuild();
    void takeOver(QStandardItem* item);

    QStringList m_available;
    QStringList m_chosen;
    QLineEdit* m_filter;
    QTreeView* m_tree;
    QStandardItemModel* m_model;
    QSortFilterProxyModel* m_proxy;
};

} // namespace knife
