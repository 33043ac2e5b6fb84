// SPDX-License-Identifier: GPL-3.0-or-later
// The inside of PlotView: series become graphs, ranges follow data, the palette becomes pens. Private to this folder.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include <QElapsedTimer>
#include <QPointer>
#include <QTimer>

#include "widgets/plot/plot_data.h"
#include "widgets/plot/plot_overlay.h"
#include "widgets/plot/plot_view.h"

class QCPAxis;
class QCPGraph;
class QCPTextElement;
class QCustomPlot;
class QRubberBand;

namespace knife {

class PlotView::Impl {
  public:
    explicit Impl(PlotView& view);

    [[nodiscard]] PlotSeries& series(const QString& id);
    [[nodiscard]] std::optional<std::size_t> indexOf(const QString& id) const;
    void remove(std::size_t index);

    /// Data or view changed: repaint within a thirtieth of a second.
    void schedule();
    void applyTheme(const QPalette& palette);
    void setMargins();
    void rebuildLegend();
    void fitRanges(OutlierRule rule);
    /// Hands the visible part of every series to its graphs, decimated to this many columns; 0: width of the plot.
    void rebuildGraphs(int columns = 0);
    void updateReadout();
    void replotCursor();

    [[nodiscard]] Result<void> save(const QString& path, QSize size);

    // User interaction; x and y are pixels of the plot.
    void zoomX(double pixel, double factor);
    void zoomY(double pixel, double factor);
    void panBy(QPointF pixels);
    void zoomTo(const QRect& pixels);
    void userMovedX();
    void moveCursor(double x);
    [[nodiscard]] std::optional<QString> markAt(double pixel) const;
    [[nodiscard]] bool nearCursor(double pixel) const;
    [[nodiscard]] QRect plotRect() const;
    [[nodiscard]] double xAt(double pixel) const;
    void showMenu(QPoint globalPosition);

    PlotView& q;
    QCustomPlot* plot = nullptr;
    QCPTextElement* titleElement = nullptr;
    std::vector<PlotSeries> all;
    PlotOverlay overlay;
    QString title;
    QString xLabel;
    QString yLabel;
    QString emptyText;
    AxisScale xScale = AxisScale::Linear;
    AxisScale yScale = AxisScale::Linear;
    bool legendVisible = false;
    std::optional<PlotRange> home;
    std::optional<PlotRange> zoomedX;
    std::optional<PlotRange> zoomedY;
    QTimer timer;
    QElapsedTimer sinceReplot;

    // One press of the mouse.
    enum class Drag { None, Pending, Pan, Cursor, Band };
    Drag drag = Drag::None;
    QPointF pressed;
    QPointF lastPosition;
    QPointer<QRubberBand> band;

  private:
    struct Graphs {
        QCPGraph* line = nullptr;
        QCPGraph* bandLower = nullptr;
        QCPGraph* bandUpper = nullptr;
    };
    void replot();
    void styleGraphs(const PlotSeries& series, Graphs& graphs);
    void fillLine(const PlotSeries& series, Graphs& graphs, int columns);
    void fillBand(const PlotSeries& series, Graphs& graphs, int columns);
    void themeAxis(QCPAxis& axis, const QPalette& palette);
    [[nodiscard]] QColor colourOf(const PlotSeries& series) const;

    std::map<QString, Graphs> m_graphs;
};

} // namespace knife
