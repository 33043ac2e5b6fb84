// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/plot/plot_impl.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <QFileInfo>

#include "widgets/format.h"
#include "widgets/plot/axis_ticker.h"
#include "widgets/plot/colour_map.h"
#include "widgets/plot/qcp.h"
#include "widgets/plot/ticks.h"
#include "widgets/theme.h"

namespace knife {

namespace {

constexpr int kMinReplotIntervalMs = 33;
constexpr std::size_t kReadoutLines = 12;
/// Columns per inch-independent pixel when exporting: print is finer than the screen.
constexpr int kExportColumnsPerPixel = 4;

Qt::PenStyle penStyle(const SeriesStyle& style) {
    // From the ninth series on the colours repeat, so the dash goes on counting.
    switch ((static_cast<int>(style.dash) + dashIndex(style.colour)) % 4) {
    case 1:
        return Qt::DashLine;
    case 2:
        return Qt::DotLine;
    case 3:
        return Qt::DashDotLine;
    default:
        return Qt::SolidLine;
    }
}

QVector<double> toQt(const std::vector<double>& values) {
    return {values.begin(), values.end()};
}

} // namespace

PlotView::Impl::Impl(PlotView& view) : q(view), plot(new QCustomPlot(&view)) {
    plot->setObjectName(QStringLiteral("canvas"));
    plot->setFocusPolicy(Qt::NoFocus);
    plot->setMouseTracking(true);
    plot->setPlottingHint(QCP::phFastPolylines, true);
    plot->setAutoAddPlottableToLegend(false);
    plot->addLayer(QStringLiteral("bands"), plot->layer(QStringLiteral("main")), QCustomPlot::limBelow);
    installOverlay(*plot, overlay);
    plot->xAxis->setTicker(makeAxisTicker(AxisScale::Linear));
    plot->yAxis->setTicker(makeAxisTicker(AxisScale::Linear));

    titleElement = new QCPTextElement(plot);
    plot->plotLayout()->insertRow(0);
    plot->plotLayout()->addElement(0, 0, titleElement);
    plot->plotLayout()->insertRow(1);
    plot->axisRect()->insetLayout()->take(plot->legend);
    plot->plotLayout()->setRowStretchFactor(0, 0.001);
    plot->plotLayout()->setRowStretchFactor(1, 0.001);
    plot->legend->setFillOrder(QCPLegend::foColumnsFirst);
    plot->legend->setVisible(false);

    timer.setSingleShot(true);
    QObject::connect(&timer, &QTimer::timeout, &q, [this] { replot(); });
}

PlotSeries& PlotView::Impl::series(const QString& id) {
    if (const auto index = indexOf(id)) {
        return all[*index];
    }
    all.push_back({});
    all.back().id = id;
    return all.back();
}

std::optional<std::size_t> PlotView::Impl::indexOf(const QString& id) const {
    const auto found = std::find_if(all.begin(), all.end(), [&](const PlotSeries& one) { return one.id == id; });
    return found == all.end() ? std::nullopt : std::optional(static_cast<std::size_t>(found - all.begin()));
}

void PlotView::Impl::remove(std::size_t index) {
    const auto graphs = m_graphs.find(all[index].id);
    if (graphs != m_graphs.end()) {
        for (QCPGraph* graph : {graphs->second.line, graphs->second.bandUpper, graphs->second.bandLower}) {
            if (graph != nullptr) {
                plot->removeGraph(graph);
            }
        }
        m_graphs.erase(graphs);
    }
    all.erase(all.begin() + static_cast<std::ptrdiff_t>(index));
}

void PlotView::Impl::schedule() {
    if (timer.isActive()) {
        return;
    }
    const qint64 waited = sinceReplot.isValid() ? sinceReplot.elapsed() : kMinReplotIntervalMs;
    timer.start(static_cast<int>(std::max<qint64>(0, kMinReplotIntervalMs - waited)));
}

void PlotView::Impl::replot() {
    sinceReplot.restart();
    fitRanges(OutlierRule::SetAside);
    rebuildGraphs();
    updateReadout();
    plot->replot(QCustomPlot::rpQueuedRefresh);
}

void PlotView::Impl::fitRanges(OutlierRule rule) {
    const PlotRange fallback = xScale == AxisScale::Log ? PlotRange{1.0, 10.0} : PlotRange{0.0, 1.0};
    PlotRange x = fallback;
    if (zoomedX) {
        x = *zoomedX;
    } else if (home) {
        x = *home;
    } else if (const auto extent = xExtentOf(all, xScale)) {
        x = extent->size() > 0.0 ? *extent : withMargin(*extent, 0.0, xScale);
    }
    const PlotRange y = zoomedY ? *zoomedY : yExtentOf(all, x, yScale, rule).value_or(fallback);
    plot->xAxis->setRange(x.lower, x.upper);
    plot->yAxis->setRange(y.lower, y.upper);
    overlay.emptyText = xExtentOf(all, AxisScale::Linear) ? QString() : emptyText;
}

QColor PlotView::Impl::colourOf(const PlotSeries& series) const {
    QColor colour = seriesColour(series.style.colour, overlay.palette);
    if (series.style.emphasis == SeriesStyle::Emphasis::Faint) {
        colour.setAlphaF(0.28F);
    }
    return colour;
}

void PlotView::Impl::styleGraphs(const PlotSeries& series, Graphs& graphs) {
    const bool faint = series.style.emphasis == SeriesStyle::Emphasis::Faint;
    graphs.line->setPen(QPen(colourOf(series), faint ? 1.0 : series.style.width, penStyle(series.style)));
    graphs.line->setName(series.style.label);
    graphs.line->setLayer(faint ? QStringLiteral("bands") : QStringLiteral("main"));
    if (graphs.bandUpper != nullptr) {
        QColor fill = colourOf(series);
        fill.setAlphaF(0.22F);
        graphs.bandUpper->setBrush(fill);
    }
}

void PlotView::Impl::rebuildGraphs(int columns) {
    if (columns == 0) {
        columns = std::max(1, plot->axisRect()->width());
    }
    overlay.outside.clear();
    for (const PlotSeries& one : all) {
        Graphs& graphs = m_graphs[one.id];
        if (graphs.line == nullptr) {
            graphs.line = plot->addGraph();
            graphs.line->setAdaptiveSampling(false); // the points are decimated before they get here
        }
        fillBand(one, graphs, columns);
        fillLine(one, graphs, columns);
        styleGraphs(one, graphs);
    }
}

void PlotView::Impl::fillLine(const PlotSeries& series, Graphs& graphs, int columns) {
    const QCPRange x = plot->xAxis->range();
    const QCPRange y = plot->yAxis->range();
    Polyline line = decimate(series.x, series.y, {x.lower, x.upper}, columns, xScale);
    const QColor colour = colourOf(series);
    std::size_t finite = 0;
    for (std::size_t i = 0; i < line.y.size(); ++i) {
        if (yScale == AxisScale::Log && line.y[i] <= 0.0) {
            line.y[i] = std::numeric_limits<double>::quiet_NaN();
        }
        finite += std::isfinite(line.y[i]) ? 1U : 0U;
        if (line.y[i] > y.upper || line.y[i] < y.lower) {
            overlay.outside.push_back({line.x[i], line.y[i] > y.upper, colour});
        }
    }
    // A curve of very few points shows them, or a single one would be invisible.
    const bool sparse = finite <= static_cast<std::size_t>(columns) / 24;
    graphs.line->setScatterStyle(sparse ? QCPScatterStyle(QCPScatterStyle::ssDisc, 2.5 + 1.5 * series.style.width)
                                        : QCPScatterStyle(QCPScatterStyle::ssNone));
    graphs.line->setData(toQt(line.x), toQt(line.y), true);
}

void PlotView::Impl::fillBand(const PlotSeries& series, Graphs& graphs, int columns) {
    if (series.bandX.empty() && graphs.bandUpper == nullptr) {
        return;
    }
    if (graphs.bandUpper == nullptr) {
        graphs.bandLower = plot->addGraph();
        graphs.bandUpper = plot->addGraph();
        for (QCPGraph* graph : {graphs.bandLower, graphs.bandUpper}) {
            graph->setPen(Qt::NoPen);
            graph->setLayer(QStringLiteral("bands"));
            graph->setAdaptiveSampling(false);
        }
        graphs.bandUpper->setChannelFillGraph(graphs.bandLower);
    }
    const QCPRange x = plot->xAxis->range();
    // Half a point per pixel: translucent fills are the dearest thing a plot draws.
    const BandOutline outline = decimateBand(series.bandX, series.bandLower, series.bandUpper, {x.lower, x.upper},
                                             std::max(1, columns / 2), xScale);
    graphs.bandLower->setData(toQt(outline.x), toQt(outline.lower), true);
    graphs.bandUpper->setData(toQt(outline.x), toQt(outline.upper), true);
}

void PlotView::Impl::rebuildLegend() {
    std::vector<QCPGraph*> entries;
    int widest = 1;
    const QFontMetrics metrics(plot->legend->font());
    for (const PlotSeries& one : all) {
        const auto graphs = m_graphs.find(one.id);
        if (graphs != m_graphs.end() && !one.style.label.isEmpty() &&
            one.style.emphasis == SeriesStyle::Emphasis::Normal) {
            entries.push_back(graphs->second.line);
            widest = std::max(widest, metrics.horizontalAdvance(one.style.label) + 4 * metrics.height());
        }
    }
    plot->legend->clearItems();
    plot->legend->simplify();
    plot->legend->setWrap(std::max(1, q.width() / widest));
    for (QCPGraph* graph : entries) {
        graph->addToLegend();
    }
    // An invisible element would still have its say in the layout, so it stays out of it.
    const bool visible = legendVisible && !entries.empty();
    QCPLayoutGrid& grid = *plot->plotLayout();
    if (visible && plot->legend->layout() == nullptr) {
        grid.addElement(1, 0, plot->legend);
    } else if (!visible && plot->legend->layout() != nullptr) {
        grid.take(plot->legend);
    }
    plot->legend->setVisible(visible);
}

void PlotView::Impl::themeAxis(QCPAxis& axis, const QPalette& palette) {
    const QColor quiet = quietText(palette);
    QColor grid = palette.color(QPalette::Mid);
    grid.setAlphaF(0.55F);
    axis.setBasePen(QPen(quiet, 1));
    axis.setTickPen(QPen(quiet, 1));
    axis.setSubTickPen(Qt::NoPen);
    axis.setTickLabelColor(quiet);
    axis.setLabelColor(quiet);
    axis.setTickLabelFont(plot->font());
    axis.setLabelFont(plot->font());
    axis.grid()->setPen(QPen(grid, 1, Qt::DotLine));
    axis.grid()->setZeroLinePen(QPen(grid, 1));
    axis.grid()->setSubGridVisible(false);
}

void PlotView::Impl::applyTheme(const QPalette& palette) {
    overlay.palette = palette;
    plot->setBackground(palette.brush(QPalette::Base));
    themeAxis(*plot->xAxis, palette);
    themeAxis(*plot->yAxis, palette);
    QFont bold = plot->font();
    bold.setWeight(QFont::DemiBold);
    titleElement->setFont(bold);
    titleElement->setTextColor(palette.color(QPalette::Text));
    titleElement->setTextFlags(Qt::AlignLeft | Qt::AlignVCenter | Qt::TextSingleLine);
    plot->legend->setBrush(Qt::NoBrush);
    plot->legend->setBorderPen(Qt::NoPen);
    plot->legend->setFont(plot->font());
    plot->legend->setTextColor(palette.color(QPalette::Text));
    setMargins();
}

void PlotView::Impl::setMargins() {
    // Fixed, so that plots in a stack line up and nothing jumps when a label grows by a digit.
    const QFontMetrics metrics(plot->font());
    const int line = metrics.height();
    const int label = metrics.horizontalAdvance(widestTickLabel());
    const int left = label + line / 2 + (yLabel.isEmpty() ? 0 : line);
    const int bottom = line + line / 2 + (xLabel.isEmpty() ? 0 : line);
    plot->plotLayout()->setRowSpacing(line / 4);
    plot->axisRect()->setAutoMargins(QCP::msNone);
    plot->axisRect()->setMargins(QMargins(left, line / 2, label / 2, bottom));
    const bool titled = !title.isEmpty();
    titleElement->setText(title);
    titleElement->setMargins(titled ? QMargins(line / 2, line / 4, 0, 0) : QMargins());
    titleElement->setMaximumSize(QWIDGETSIZE_MAX, titled ? line + line / 4 : 0);
    plot->legend->setMargins(QMargins(left, 0, 0, 0));
    plot->legend->setIconSize(2 * line, line + line / 6); // also the height of an entry: descenders need it
    for (QCPAxis* axis : {plot->xAxis, plot->yAxis}) {
        axis->setTickLengthIn(0);
        axis->setTickLengthOut(line / 4);
        axis->setSubTicks(false);
        axis->setTickLabelPadding(line / 6);
        axis->setLabelPadding(0);
        axis->ticker()->setTickCount(axis == plot->yAxis ? std::clamp(plot->height() / (3 * line), 2, 6)
                                                         : std::clamp(plot->width() / (3 * label / 2), 2, 8));
    }
    plot->xAxis->setLabel(xLabel);
    plot->yAxis->setLabel(yLabel);
}

void PlotView::Impl::updateReadout() {
    overlay.readout.clear();
    if (!overlay.crosshair) {
        return;
    }
    const double x = *overlay.crosshair;
    overlay.readoutTitle = xLabel.isEmpty() ? formatValue(x) : QStringLiteral("%1  %2").arg(formatCount(x), xLabel);
    for (const PlotReadout& entry : q.readout(x)) {
        if (overlay.readout.size() == kReadoutLines) {
            break;
        }
        const PlotSeries& one = all[*indexOf(entry.id)];
        const QString text = entry.label.isEmpty() ? formatValue(entry.y)
                                                   : QStringLiteral("%1  %2").arg(formatValue(entry.y), entry.label);
        overlay.readout.push_back({colourOf(one), text, entry.x, entry.y});
    }
}

void PlotView::Impl::replotCursor() {
    knife::replotCursor(*plot);
}

Result<void> PlotView::Impl::save(const QString& path, QSize size) {
    const QPalette screen = overlay.palette;
    const bool legendOnScreen = legendVisible;
    overlay.onScreen = false;
    legendVisible = true;
    applyTheme(*themePalette(Theme::Light));
    plot->setBackground(QBrush(Qt::white));
    fitRanges(OutlierRule::Show);
    rebuildGraphs(kExportColumnsPerPixel * size.width());
    rebuildLegend();
    const QString suffix = QFileInfo(path).suffix().toLower();
    bool known = true;
    bool written = false;
    if (suffix == QLatin1String("pdf")) {
        written = plot->savePdf(path, size.width(), size.height());
    } else if (suffix == QLatin1String("png")) {
        written = plot->savePng(path, size.width(), size.height(), 2.0);
    } else {
        known = false;
    }
    overlay.onScreen = true;
    legendVisible = legendOnScreen;
    applyTheme(screen);
    rebuildLegend();
    replot();
    if (!known) {
        return fail(ErrorCode::Usage, "A plot can be written as .pdf or .png, not as ." + suffix.toStdString());
    }
    if (!written) {
        return fail(ErrorCode::Io, "The plot could not be written to " + path.toStdString());
    }
    return {};
}

} // namespace knife
