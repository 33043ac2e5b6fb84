// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/models/run_table_model.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <unordered_set>

#include <QDateTime>

#include "app/workbench/text.h"
#include "widgets/format.h"
#include "widgets/run_panel.h"
#include "widgets/state_glyph.h"

namespace knife {

namespace {

/// Columns whose text or sort value differs between two readings of a run, in order.
std::vector<int> changedColumns(const RunRecord& before, const RunRecord& after) {
    const bool sameState = before.state == after.state;
    const bool sameStep = before.clocks.envStep == after.clocks.envStep;
    const bool sameReturn = before.lastTestReturn == after.lastTestReturn ||
                            (std::isnan(before.lastTestReturn) && std::isnan(after.lastTestReturn));
    std::array<bool, RunTableModel::ColumnCount> same{};
    same[RunTableModel::Name] = sameState && before.experiment == after.experiment && before.task == after.task &&
                                before.failure == after.failure;
    same[RunTableModel::Seed] = before.seed == after.seed;
    same[RunTableModel::Progress] = sameStep && before.totalEnvSteps == after.totalEnvSteps;
    same[RunTableModel::Return] = sameReturn;
    same[RunTableModel::Step] = sameStep;
    same[RunTableModel::Age] = before.createdMs == after.createdMs;
    same[RunTableModel::State] = sameState;
    same[RunTableModel::Speed] = sameState && before.envStepsPerS == after.envStepsPerS;
    std::vector<int> columns;
    for (int column = 0; column < RunTableModel::ColumnCount; ++column) {
        if (!same[static_cast<std::size_t>(column)]) {
            columns.push_back(column);
        }
    }
    return columns;
}

QString ageText(std::int64_t ms) {
    const std::int64_t minutes = std::max<std::int64_t>(0, ms) / 60'000;
    if (minutes < 1) {
        return RunTableModel::tr("now");
    }
    if (minutes < 60) {
        return RunTableModel::tr("%1 min").arg(minutes);
    }
    if (minutes < 48 * 60) {
        return RunTableModel::tr("%1 h").arg(minutes / 60);
    }
    return RunTableModel::tr("%1 d").arg(minutes / (24 * 60));
}

} // namespace

std::optional<double> progressOf(const RunRecord& run) {
    if (run.totalEnvSteps <= 0) {
        return std::nullopt;
    }
    return std::clamp(static_cast<double>(run.clocks.envStep.value) / static_cast<double>(run.totalEnvSteps), 0.0, 1.0);
}

QString runTitle(const RunRecord& run) {
    return RunTableModel::tr("%1 seed %2").arg(toQString(run.experiment)).arg(run.seed);
}

RunTableModel::RunTableModel(QObject* parent)
    : QAbstractTableModel(parent), m_nowMs(QDateTime::currentMSecsSinceEpoch()) {}

void RunTableModel::setRuns(std::vector<RunRecord> runs) {
    removeMissing(runs);
    std::unordered_set<std::string> known;
    for (const RunRecord& run : m_runs) {
        known.insert(run.id.value);
    }
    const auto isNew = [&known](const RunRecord& run) {
        return !known.contains(run.id.value);
    };
    for (auto run = runs.begin(); run != runs.end();) {
        const int row = static_cast<int>(run - runs.begin());
        const auto firstKnown = std::find_if_not(run, runs.end(), isNew);
        if (firstKnown != run) {
            insertAt(row, {run, firstKnown});
            run = firstKnown;
        } else {
            moveTo(row, run->id);
            update(row, std::move(*run));
            ++run;
        }
    }
}

void RunTableModel::setNow(std::int64_t nowMs) {
    m_nowMs = nowMs;
    if (!m_runs.empty()) {
        Q_EMIT dataChanged(index(0, Age), index(rowCount() - 1, Age), {Qt::DisplayRole, kSortRole});
    }
}

void RunTableModel::setColour(const QString& runId, std::optional<int> colour) {
    if (colour) {
        m_colours.insert(runId, *colour);
    } else {
        m_colours.remove(runId);
    }
    if (const int row = rowOf(toRunId(runId)); row >= 0) {
        Q_EMIT dataChanged(index(row, 0), index(row, 0), {RunColourRole});
    }
}

const RunRecord* RunTableModel::find(const RunId& run) const {
    const int row = rowOf(run);
    return row < 0 ? nullptr : &m_runs[static_cast<std::size_t>(row)];
}

int RunTableModel::liveRuns() const {
    return static_cast<int>(
        std::count_if(m_runs.begin(), m_runs.end(), [](const RunRecord& run) { return isLive(run.state); }));
}

int RunTableModel::rowCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : static_cast<int>(m_runs.size());
}

int RunTableModel::columnCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : ColumnCount;
}

QVariant RunTableModel::data(const QModelIndex& index, int role) const {
    if (!index.isValid() || index.row() >= rowCount()) {
        return {};
    }
    const RunRecord& run = m_runs[static_cast<std::size_t>(index.row())];
    const int column = index.column();
    switch (role) {
    case Qt::DisplayRole:
        return displayText(run, column);
    case kSortRole:
        return sortValue(run, column);
    case Qt::ToolTipRole:
        return toolTip(run);
    case Qt::TextAlignmentRole:
        return QVariant(column == Name || column == State ? Qt::AlignLeft | Qt::AlignVCenter
                                                          : Qt::AlignRight | Qt::AlignVCenter);
    case RunIdRole:
        return toQString(run.id);
    case RunStateRole:
        return static_cast<int>(run.state);
    case RunProgressRole: {
        const auto progress = progressOf(run);
        return progress ? QVariant(*progress) : QVariant();
    }
    case RunColourRole: {
        const auto colour = m_colours.constFind(toQString(run.id));
        return colour == m_colours.constEnd() ? QVariant() : QVariant(*colour);
    }
    default:
        return {};
    }
}

QVariant RunTableModel::headerData(int section, Qt::Orientation orientation, int role) const {
    if (orientation != Qt::Horizontal || section < 0 || section >= ColumnCount) {
        return {};
    }
    if (role == RunProgressRole) {
        return section == Progress;
    }
    if (role != Qt::DisplayRole) {
        return {};
    }
    const std::array<QString, ColumnCount> titles{tr("Run"),  tr("Seed"), tr("Progress"), tr("Return"),
                                                  tr("Step"), tr("Age"),  tr("State"),    tr("Steps/s")};
    return titles[static_cast<std::size_t>(section)];
}

void RunTableModel::removeMissing(const std::vector<RunRecord>& wanted) {
    std::unordered_set<std::string> ids;
    for (const RunRecord& run : wanted) {
        ids.insert(run.id.value);
    }
    for (int row = rowCount() - 1; row >= 0; --row) {
        if (!ids.contains(m_runs[static_cast<std::size_t>(row)].id.value)) {
            beginRemoveRows({}, row, row);
            m_runs.erase(m_runs.begin() + row);
            m_rows.clear();
            endRemoveRows();
        }
    }
}

void RunTableModel::insertAt(int row, std::vector<RunRecord> runs) {
    beginInsertRows({}, row, row + static_cast<int>(runs.size()) - 1);
    m_runs.insert(m_runs.begin() + row, std::make_move_iterator(runs.begin()), std::make_move_iterator(runs.end()));
    m_rows.clear();
    endInsertRows();
}

void RunTableModel::moveTo(int row, const RunId& run) {
    if (m_runs[static_cast<std::size_t>(row)].id == run) {
        return;
    }
    const int from = rowOf(run); // everything above `row` is settled, so it comes from below
    beginMoveRows({}, from, from, {}, row);
    std::rotate(m_runs.begin() + row, m_runs.begin() + from, m_runs.begin() + from + 1);
    m_rows.clear();
    endMoveRows();
}

void RunTableModel::update(int row, RunRecord run) {
    RunRecord& stored = m_runs[static_cast<std::size_t>(row)];
    const std::vector<int> columns = changedColumns(stored, run);
    stored = std::move(run);
    if (!columns.empty()) {
        Q_EMIT dataChanged(index(row, columns.front()), index(row, columns.back()));
    }
}

int RunTableModel::rowOf(const RunId& run) const {
    if (m_rows.empty()) {
        for (std::size_t row = 0; row < m_runs.size(); ++row) {
            m_rows.emplace(m_runs[row].id.value, static_cast<int>(row));
        }
    }
    const auto found = m_rows.find(run.value);
    return found == m_rows.end() ? -1 : found->second;
}

QString RunTableModel::displayText(const RunRecord& run, int column) const {
    switch (column) {
    case Name:
        return toQString(run.experiment);
    case Seed:
        return QString::number(run.seed);
    case State:
        return stateName(run.state);
    case Progress: {
        const auto progress = progressOf(run);
        return progress ? tr("%1 %").arg(static_cast<int>(std::floor(*progress * 100.0))) : QString();
    }
    case Step:
        return formatCount(static_cast<double>(run.clocks.envStep.value));
    case Return:
        return std::isnan(run.lastTestReturn) ? QStringLiteral("–") : formatValue(run.lastTestReturn);
    case Speed:
        return isLive(run.state) ? formatCount(run.envStepsPerS) : QStringLiteral("–");
    case Age:
        return ageText(m_nowMs - run.createdMs);
    default:
        return {};
    }
}

QVariant RunTableModel::sortValue(const RunRecord& run, int column) const {
    switch (column) {
    case Seed:
        return QVariant::fromValue<qulonglong>(run.seed);
    case Progress:
        return progressOf(run).value_or(-1.0);
    case Step:
        return QVariant::fromValue<qlonglong>(run.clocks.envStep.value);
    case Return:
        return run.lastTestReturn;
    case Speed:
        return isLive(run.state) ? run.envStepsPerS : -1.0;
    case Age:
        return QVariant::fromValue<qlonglong>(m_nowMs - run.createdMs);
    default:
        return displayText(run, column);
    }
}

QString RunTableModel::toolTip(const RunRecord& run) const {
    QString text = tr("%1, seed %2\nRun %3, created %4")
                       .arg(toQString(run.experiment))
                       .arg(run.seed)
                       .arg(toQString(run.id),
                            QDateTime::fromMSecsSinceEpoch(run.createdMs).toString(Qt::ISODate).replace('T', ' '));
    if (!run.task.empty()) {
        text += tr("\nTask: %1").arg(toQString(run.task));
    }
    if (!run.failure.empty()) {
        text += tr("\n%1: %2")
                    .arg(run.state == RunState::Failed ? tr("Failed") : tr("Interrupted"), toQString(run.failure));
    }
    return text;
}

} // namespace knife
