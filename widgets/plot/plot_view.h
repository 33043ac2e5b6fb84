// SPDX-License-Identifier: GPL-3.0-or-later
// A plot of curves over one x axis. Holds all points, draws the min/max envelope, repaints at most 30 times a second.
// GUI thread only. Who shows data calls the setters as often as it likes; nothing is drawn before the next repaint.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include <QSize>
#include <QStringList>
#include <QWidget>

#include "core/types/error.h"
#include "widgets/plot/decimate.h"

namespace knife {

struct SeriesStyle {
    enum class Dash { Solid, Dashed, Dotted, DashDotted };
    enum class Emphasis {
        Normal,
        Faint, ///< raw data behind a smoothed line: pale, thin, not in the legend and not in the readout
    };
    QString label;  ///< for the legend and the readout; empty: not in the legend
    int colour = 0; ///< index of the series colour; the palette decides what it looks like
    double width = 1.5;
    Dash dash = Dash::Solid;
    Emphasis emphasis = Emphasis::Normal;
    bool operator==(const SeriesStyle&) const = default;
};

enum class MarkKind { TaskSwitch, Surgery, Checkpoint, Pause, Parameter, Segment };

/// A vertical line at a moment.
struct PlotMark {
    double x = 0.0;
    MarkKind kind = MarkKind::TaskSwitch;
    QString label; ///< in the tooltip; for a task switch also along the line where there is room
    bool operator==(const PlotMark&) const = default;
};

/// A horizontal line at a threshold.
struct PlotLevel {
    double y = 0.0;
    QString label;
    bool operator==(const PlotLevel&) const = default;
};

/// What one series says at the crosshair: its last point at or before x.
struct PlotReadout {
    QString id;
    QString label;
    double x = 0.0;
    double y = 0.0;
};

class PlotView final : public QWidget {
    Q_OBJECT

  public:
    explicit PlotView(QWidget* parent = nullptr);
    ~PlotView() override;

    /// Also the accessible name.
    void setTitle(const QString& title);
    [[nodiscard]] QString title() const;
    void setAxisLabels(const QString& x, const QString& y);
    void setScales(AxisScale x, AxisScale y);
    void setLegendVisible(bool visible);
    /// Text shown while there is no series with data.
    void setEmptyText(const QString& text);

    /// x ascends; y is as long; NaN is a gap. An unknown id makes a new series, drawn above the older ones.
    void setSeries(const QString& id, std::vector<double> x, std::vector<double> y);
    void setSeriesStyle(const QString& id, const SeriesStyle& style);
    /// A band around the series of this id, in its colour. An empty x takes it away.
    void setBand(const QString& id, std::vector<double> x, std::vector<double> lower, std::vector<double> upper);
    void removeSeries(const QString& id);
    /// All series and bands; marks, levels and the view stay.
    void clearSeries();
    [[nodiscard]] QStringList seriesIds() const;

    void setMarks(std::vector<PlotMark> marks);
    void setLevels(std::vector<PlotLevel> levels);
    /// The cursor in time that all panels share; nothing hides it.
    void setCursor(std::optional<double> x);
    /// The hover line, for plots that follow another one.
    void setCrosshair(std::optional<double> x);

    /// The view follows the data until the user zooms or pans; then it stays put until resetZoom() or a double click.
    [[nodiscard]] bool isZoomed() const;
    [[nodiscard]] PlotRange xRange() const;
    [[nodiscard]] PlotRange yRange() const;
    /// Zooms to this x range as if the user had, without emitting a signal.
    void setXRange(PlotRange range);
    /// What is shown while not zoomed, instead of the extent of this plot's own data.
    void setHomeXRange(std::optional<PlotRange> range);
    /// Lowest and highest x of all series; nothing without data.
    [[nodiscard]] std::optional<PlotRange> dataExtent() const;
    void resetZoom();

    /// What the series say at x, in drawing order.
    [[nodiscard]] std::vector<PlotReadout> readout(double x) const;
    /// Tab-separated text of every point within the visible x range, one line per point.
    [[nodiscard]] QString dataAsText() const;
    /// Writes the plot as .pdf or .png, by suffix, in the light print theme with its full y range. Io when refused.
    [[nodiscard]] Result<void> exportTo(const QString& path, QSize size);

    [[nodiscard]] QSize sizeHint() const override;
    [[nodiscard]] QSize minimumSizeHint() const override;

  Q_SIGNALS:
    /// The user zoomed or panned.
    void xRangeChanged(double lower, double upper);
    void zoomReset();
    void dataExtentChanged();
    /// The mouse moves over the plot.
    void crosshairMoved(double x);
    void crosshairLeft();
    /// The user clicked, dragged the cursor, or moved it with the arrow keys.
    void cursorMoved(double x);
    /// "Export…" of the context menu.
    void exportRequested();

  protected:
    void changeEvent(QEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
    bool event(QEvent* event) override;
    bool eventFilter(QObject* watched, QEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;

  private:
    class Impl;
    std::unique_ptr<Impl> m_impl;
};

} // namespace knife
