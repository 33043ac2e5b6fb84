// SPDX-License-Identifier: GPL-3.0-or-later
// The list of runs: a filter line over a tree, forks below their parents. Rows come from a model that is passed in.
#pragma once

#include <memory>

#include <QStringList>
#include <QWidget>

class QAbstractItemModel;
class QPoint;

namespace knife {

/// What the panel reads from column 0 of every row, besides the display text of all columns.
enum RunRole : int {
    RunIdRole = 0x0100 + 100, ///< QString
    RunStateRole,             ///< int, a knife::RunState
    RunProgressRole,          ///< double in [0, 1]; invalid while unknown
    RunColourRole,            ///< int, series colour index while the run's curves are shown; invalid otherwise
};

class RunPanel final : public QWidget {
    Q_OBJECT

  public:
    /// The model outlives the panel. Columns are titled by its header; the column whose header data has
    /// RunProgressRole set to true gets the progress bar (no such column: none is drawn).
    explicit RunPanel(QAbstractItemModel* model, QWidget* parent = nullptr);
    ~RunPanel() override;

    [[nodiscard]] QString currentRun() const;
    [[nodiscard]] QStringList selectedRuns() const;
    /// Makes the run current if the model has it; does not emit runActivated.
    void setCurrentRun(const QString& runId);
    /// Puts the keyboard into the filter line.
    void focusFilter();

  Q_SIGNALS:
    /// Double click or Enter: open this run in all panels.
    void runActivated(const QString& runId);
    void currentRunChanged(const QString& runId);
    void selectedRunsChanged(const QStringList& runIds);
    void resumeRequested(const QString& runId);
    void forkRequested(const QString& runId); ///< in the menu only while somebody is connected
    /// From the empty state.
    void newRunRequested();

    // The context menu ends with the panel's own actions(), so an owner may add to it with addAction().

  private:
    void showMenu(const QPoint& position);

    class Impl;
    std::unique_ptr<Impl> m_impl;
};

} // namespace knife
