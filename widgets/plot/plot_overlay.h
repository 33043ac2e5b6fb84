// SPDX-License-Identifier: GPL-3.0-or-later
// What is drawn over the curves: marks, thresholds, outliers at the edge, and, on a buffered layer of its own that can
// be repainted without the curves, the shared cursor and the crosshair with its readout.
#pragma once

#include <optional>
#include <vector>

#include <QColor>
#include <QPalette>

#include "widgets/plot/plot_view.h"

class QCustomPlot;

namespace knife {

struct PlotOverlay {
    /// A point beyond the y range.
    struct Outside {
        double x = 0.0;
        bool above = false;
        QColor colour;
    };
    struct ReadoutLine {
        QColor colour;
        QString text;
        double x = 0.0;
        double y = 0.0;
    };
    QPalette palette;
    QString emptyText; ///< empty: there are data
    std::vector<PlotMark> marks;
    std::vector<PlotLevel> levels;
    std::vector<Outside> outside;
    std::optional<double> cursor;
    std::optional<double> crosshair;
    std::vector<ReadoutLine> readout;
    QString readoutTitle;
    bool focused = false;
    bool onScreen = true; ///< false while exporting: no cursor, no crosshair
};

/// Adds the layers. The overlay is read at every repaint and must outlive the plot.
void installOverlay(QCustomPlot& plot, const PlotOverlay& overlay);

/// Repaints only cursor and crosshair.
void replotCursor(QCustomPlot& plot);

} // namespace knife
