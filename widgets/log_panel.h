// SPDX-License-Identifier: GPL-3.0-or-later
// Events and log: level filter, text filter, copy, and a list that follows its end until the user scrolls up.
#pragma once

#include <cstdint>
#include <memory>

#include <QWidget>

#include "widgets/log_model.h"

namespace knife {

class LogPanel final : public QWidget {
    Q_OBJECT

  public:
    explicit LogPanel(QWidget* parent = nullptr);
    ~LogPanel() override;

    void append(LogLine line);
    void clear();
    void setLevel(LogLevel least);
    [[nodiscard]] const LogModel& model() const;
    /// Number of lines that pass the filters.
    [[nodiscard]] int visibleLines() const;
    /// The selected lines, or all visible ones, tab-separated.
    [[nodiscard]] QString selectedText() const;

  Q_SIGNALS:
    /// A line that speaks of a moment was activated.
    void updateActivated(std::int64_t update);

  private:
    class Impl;
    std::unique_ptr<Impl> m_impl;
};

} // namespace knife
