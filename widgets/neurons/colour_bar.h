// SPDX-License-Identifier: GPL-3.0-or-later
// The legend of a heatmap: its colours with ticks, units and the thresholds, left to right.
#pragma once

#include <vector>

#include <QWidget>

#include "widgets/plot/colour_map.h"

namespace knife {

class ColourBar final : public QWidget {
    Q_OBJECT

  public:
    explicit ColourBar(QWidget* parent = nullptr);

    void setScale(const ColourScale& scale, const QString& unit);
    /// Values marked on the bar, for example the stagnation thresholds.
    void setThresholds(std::vector<double> values);
    [[nodiscard]] const ColourScale& scale() const { return m_scale; }

    [[nodiscard]] QSize sizeHint() const override;
    [[nodiscard]] QSize minimumSizeHint() const override;

  protected:
    void paintEvent(QPaintEvent* event) override;

  private:
    [[nodiscard]] std::vector<double> ticks() const;

    ColourScale m_scale;
    QString m_unit;
    std::vector<double> m_thresholds;
};

} // namespace knife
