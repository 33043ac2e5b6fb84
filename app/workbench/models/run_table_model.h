// SPDX-License-Identifier: GPL-3.0-or-later
// All runs of the workspace, newest first, one row each. A new reading changes only what differs, so selections,
// sorting and scroll positions stay while runs train.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include <QAbstractTableModel>
#include <QHash>
#include <QString>

#include "core/store/records.h"

namespace knife {

/// Share of the budget that has been spent, in [0, 1]; nothing for a run without a budget.
[[nodiscard]] std::optional<double> progressOf(const RunRecord& run);
/// "quickstart seed 3": what a run is called where its id would say nothing.
[[nodiscard]] QString runTitle(const RunRecord& run);

class RunTableModel final : public QAbstractTableModel {
    Q_OBJECT

  public:
    enum Column : int { Name, Seed, Progress, Return, Step, Age, State, Speed, ColumnCount };
    /// Of every cell: a value that sorts as a person expects.
    static constexpr int kSortRole = Qt::EditRole;

    explicit RunTableModel(QObject* parent = nullptr);

    /// Takes over a reading of the store, newest run first.
    void setRuns(std::vector<RunRecord> runs);
    /// What "now" is for ages, in Unix milliseconds.
    void setNow(std::int64_t nowMs);
    /// The run's series colour while its curves are shown.
    void setColour(const QString& runId, std::optional<int> colour);

    [[nodiscard]] const std::vector<RunRecord>& runs() const { return m_runs; }
    [[nodiscard]] const RunRecord* find(const RunId& run) const;
    /// Runs that a process is working on.
    [[nodiscard]] int liveRuns() const;

    [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] QVariant data(const QModelIndex& index, int role) const override;
    [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

  private:
    void removeMissing(const std::vector<RunRecord>& wanted);
    void insertAt(int row, std::vector<RunRecord> runs);
    void moveTo(int row, const RunId& run);
    void update(int row, RunRecord run);
    [[nodiscard]] int rowOf(const RunId& run) const;
    [[nodiscard]] QString displayText(const RunRecord& run, int column) const;
    [[nodiscard]] QVariant sortValue(const RunRecord& run, int column) const;
    [[nodiscard]] QString toolTip(const RunRecord& run) const;

    std::vector<RunRecord> m_runs;
    mutable std::unordered_map<std::string, int> m_rows; ///< by id; empty after rows have moved: made again when asked
    QHash<QString, int> m_colours;
    std::int64_t m_nowMs = 0;
};

} // namespace knife
