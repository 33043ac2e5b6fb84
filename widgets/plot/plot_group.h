// SPDX-License-Identifier: GPL-3.0-or-later
// Plots that share one x range, one crosshair and one cursor.
#pragma once

#include <optional>
#include <vector>

#include <QObject>

class QWidget;

namespace knife {

class PlotView;

class PlotGroup final : public QObject {
    Q_OBJECT

  public:
    explicit PlotGroup(QObject* parent = nullptr);

    /// The plot leaves the group when it is destroyed. A plot that joins a zoomed group takes over its range.
    void add(PlotView* plot);
    void remove(PlotView* plot);
    void setCursor(std::optional<double> x);
    void resetZoom();

  Q_SIGNALS:
    /// A member's cursor was moved by the user.
    void cursorMoved(double x);

  private:
    void shareExtent();

    std::vector<PlotView*> m_plots;
    std::optional<double> m_cursor;
};

} // namespace knife
