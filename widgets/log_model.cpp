// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/log_model.h"

#include <algorithm>

#include "widgets/format.h"

namespace knife {

namespace {

QString levelName(LogLevel level) {
    switch (level) {
    case LogLevel::Debug:
        return LogModel::tr("debug");
    case LogLevel::Info:
        return LogModel::tr("info");
    case LogLevel::Warning:
        return LogModel::tr("warning");
    case LogLevel::Error:
        break;
    }
    return LogModel::tr("error");
}

} // namespace

LogModel::LogModel(QObject* parent, int capacity) : QAbstractTableModel(parent), m_capacity(std::max(1, capacity)) {}

void LogModel::append(LogLine line) {
    if (static_cast<int>(m_lines.size()) >= m_capacity) {
        beginRemoveRows({}, 0, 0);
        m_lines.pop_front();
        endRemoveRows();
    }
    const int row = static_cast<int>(m_lines.size());
    beginInsertRows({}, row, row);
    m_lines.push_back(std::move(line));
    endInsertRows();
}

void LogModel::clear() {
    if (m_lines.empty()) {
        return;
    }
    beginRemoveRows({}, 0, static_cast<int>(m_lines.size()) - 1);
    m_lines.clear();
    endRemoveRows();
}

int LogModel::rowCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : static_cast<int>(m_lines.size());
}

int LogModel::columnCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : ColumnCount;
}

QVariant LogModel::data(const QModelIndex& index, int role) const {
    const LogLine& entry = line(index.row());
    switch (role) {
    case Qt::DisplayRole:
        switch (index.column()) {
        case Time:
            return entry.time.toString(QStringLiteral("HH:mm:ss"));
        case Level:
            return levelName(entry.level);
        case Source:
            return entry.source;
        default:
            return entry.text;
        }
    case Qt::ToolTipRole:
        return index.column() == Time ? entry.time.toString(Qt::ISODate)
               : entry.update         ? tr("%1\nupdate %2").arg(entry.text).arg(*entry.update)
                                      : entry.text;
    case LevelRole:
        return static_cast<int>(entry.level);
    case UpdateRole:
        return entry.update ? QVariant(static_cast<qlonglong>(*entry.update)) : QVariant();
    default:
        return {};
    }
}

QVariant LogModel::headerData(int section, Qt::Orientation orientation, int role) const {
    if (orientation != Qt::Horizontal || role != Qt::DisplayRole) {
        return {};
    }
    switch (section) {
    case Time:
        return tr("Time");
    case Level:
        return tr("Level");
    case Source:
        return tr("Source");
    default:
        return tr("Message");
    }
}

} // namespace knife
