// SPDX-License-Identifier: GPL-3.0-or-later
// Events and log lines of the last while, oldest first, bounded.
#pragma once

#include <deque>
#include <optional>

#include <QAbstractTableModel>
#include <QDateTime>
#include <QString>

namespace knife {

enum class LogLevel { Debug, Info, Warning, Error };

struct LogLine {
    QDateTime time;
    LogLevel level = LogLevel::Info;
    QString source; ///< "trainer", "store", a run's name, …
    QString text;
    std::optional<std::int64_t> update; ///< the moment of the run that the line speaks of
};

class LogModel final : public QAbstractTableModel {
    Q_OBJECT

  public:
    enum Column : int { Time, Level, Source, Text, ColumnCount };
    enum Role : int { LevelRole = Qt::UserRole + 1, UpdateRole };
    static constexpr int kCapacity = 10'000;

    explicit LogModel(QObject* parent = nullptr, int capacity = kCapacity);

    /// Drops the oldest line when full.
    void append(LogLine line);
    void clear();
    [[nodiscard]] const LogLine& line(int row) const { return m_lines[static_cast<std::size_t>(row)]; }

    [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] QVariant data(const QModelIndex& index, int role) const override;
    [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

  private:
    std::deque<LogLine> m_lines;
    int m_capacity;
};

} // namespace knife
