// SPDX-License-Identifier: GPL-3.0-or-later
// Explains the signs on heatmap cells, in one line.
#pragma once

#include <array>

#include <QWidget>

class QLabel;

namespace knife {

class MarkLegend final : public QWidget {
    Q_OBJECT

  public:
    explicit MarkLegend(QWidget* parent = nullptr);

    void setThresholds(double staleBelow, double volatileAbove);

  protected:
    void changeEvent(QEvent* event) override;

  private:
    void drawIcons();

    std::array<QLabel*, 3> m_icons{};
    std::array<QLabel*, 3> m_texts{};
};

} // namespace knife
