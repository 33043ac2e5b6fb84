// SPDX-License-Identifier: GPL-3.0-or-later
// Keeps the table of runs up to date, and notices when a run ends badly.
#pragma once

#include <QObject>
#include <QTimer>

#include "app/workbench/models/run_table_model.h"
#include "core/types/error.h"

namespace knife {

class StoreReader;

class RunList final : public QObject {
    Q_OBJECT

  public:
    /// The store outlives the list. Reads with every change of the workspace, and every two seconds while a run is
    /// live: the death of a process leaves no trace in the file.
    explicit RunList(StoreReader& store, QObject* parent = nullptr);

    [[nodiscard]] RunTableModel& model() { return m_model; }
    [[nodiscard]] const RunRecord* find(const RunId& run) const { return m_model.find(run); }
    /// The newest live run, else the newest one; nullptr without runs.
    [[nodiscard]] const RunRecord* mostInteresting() const;

  Q_SIGNALS:
    /// The model holds a new reading; `first` after another workspace was opened.
    void updated(bool first);
    void failed(const knife::Error& error);
    /// A run that was live at the last reading has ended.
    void runEnded(const knife::RunRecord& run);

  private:
    void read();
    void take(std::vector<RunRecord> runs);

    StoreReader& m_store;
    RunTableModel m_model;
    QTimer m_liveTimer;
    QTimer m_ageTimer;
    bool m_first = true;
    bool m_failing = false;
};

} // namespace knife
