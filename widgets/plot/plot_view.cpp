// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/plot/plot_view.h"

#include <algorithm>

#include <QVBoxLayout>

#include "widgets/plot/axis_ticker.h"
#include "widgets/plot/plot_impl.h"
#include "widgets/plot/qcp.h"

namespace knife {

PlotView::PlotView(QWidget* parent) : QWidget(parent), m_impl(std::make_unique<Impl>(*this)) {
    setFocusPolicy(Qt::StrongFocus);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->addWidget(m_impl->plot);
    m_impl->plot->installEventFilter(this);
    m_impl->applyTheme(palette());
    m_impl->schedule();
}

PlotView::~PlotView() = default;

void PlotView::setTitle(const QString& title) {
    m_impl->title = title;
    setAccessibleName(title);
    m_impl->plot->setAccessibleName(title);
    m_impl->setMargins();
    m_impl->schedule();
}

QString PlotView::title() const {
    return m_impl->title;
}

void PlotView::setAxisLabels(const QString& x, const QString& y) {
    m_impl->xLabel = x;
    m_impl->yLabel = y;
    m_impl->setMargins();
    m_impl->schedule();
}

void PlotView::setScales(AxisScale x, AxisScale y) {
    m_impl->xScale = x;
    m_impl->yScale = y;
    const auto apply = [](QCPAxis* axis, AxisScale scale) {
        axis->setScaleType(scale == AxisScale::Log ? QCPAxis::stLogarithmic : QCPAxis::stLinear);
        axis->setTicker(makeAxisTicker(scale));
    };
    apply(m_impl->plot->xAxis, x);
    apply(m_impl->plot->yAxis, y);
    m_impl->setMargins();
    resetZoom();
}

void PlotView::setLegendVisible(bool visible) {
    m_impl->legendVisible = visible;
    m_impl->rebuildGraphs();
    m_impl->rebuildLegend();
    m_impl->schedule();
}

void PlotView::setEmptyText(const QString& text) {
    m_impl->emptyText = text;
    m_impl->schedule();
}

void PlotView::setSeries(const QString& id, std::vector<double> x, std::vector<double> y) {
    const auto before = dataExtent();
    const bool isNew = !m_impl->indexOf(id);
    PlotSeries& series = m_impl->series(id);
    const std::size_t count = std::min(x.size(), y.size());
    x.resize(count);
    y.resize(count);
    series.x = std::move(x);
    series.y = std::move(y);
    if (isNew && m_impl->legendVisible) {
        m_impl->rebuildGraphs();
        m_impl->rebuildLegend();
    }
    m_impl->schedule();
    setAccessibleDescription(tr("Curves: %1").arg(m_impl->all.size()));
    if (dataExtent() != before) {
        Q_EMIT dataExtentChanged();
    }
}

void PlotView::setSeriesStyle(const QString& id, const SeriesStyle& style) {
    PlotSeries& series = m_impl->series(id);
    if (series.style == style) {
        return;
    }
    series.style = style;
    if (m_impl->legendVisible) {
        m_impl->rebuildGraphs();
        m_impl->rebuildLegend();
    }
    m_impl->schedule();
}

void PlotView::setBand(const QString& id, std::vector<double> x, std::vector<double> lower, std::vector<double> upper) {
    PlotSeries& series = m_impl->series(id);
    const std::size_t count = std::min({x.size(), lower.size(), upper.size()});
    x.resize(count);
    lower.resize(count);
    upper.resize(count);
    series.bandX = std::move(x);
    series.bandLower = std::move(lower);
    series.bandUpper = std::move(upper);
    m_impl->schedule();
}

void PlotView::removeSeries(const QString& id) {
    if (const auto index = m_impl->indexOf(id)) {
        m_impl->remove(*index);
        m_impl->rebuildLegend();
        m_impl->schedule();
        Q_EMIT dataExtentChanged();
    }
}

void PlotView::clearSeries() {
    while (!m_impl->all.empty()) {
        m_impl->remove(m_impl->all.size() - 1);
    }
    m_impl->rebuildLegend();
    m_impl->schedule();
    Q_EMIT dataExtentChanged();
}

QStringList PlotView::seriesIds() const {
    QStringList ids;
    for (const PlotSeries& series : m_impl->all) {
        ids.append(series.id);
    }
    return ids;
}

void PlotView::setMarks(std::vector<PlotMark> marks) {
    std::sort(marks.begin(), marks.end(), [](const PlotMark& a, const PlotMark& b) { return a.x < b.x; });
    m_impl->overlay.marks = std::move(marks);
    m_impl->schedule();
}

void PlotView::setLevels(std::vector<PlotLevel> levels) {
    m_impl->overlay.levels = std::move(levels);
    m_impl->schedule();
}

void PlotView::setCursor(std::optional<double> x) {
    if (m_impl->overlay.cursor != x) {
        m_impl->overlay.cursor = x;
        m_impl->replotCursor();
    }
}

void PlotView::setCrosshair(std::optional<double> x) {
    if (m_impl->overlay.crosshair != x) {
        m_impl->overlay.crosshair = x;
        m_impl->updateReadout();
        m_impl->replotCursor();
    }
}

bool PlotView::isZoomed() const {
    return m_impl->zoomedX || m_impl->zoomedY;
}

PlotRange PlotView::xRange() const {
    m_impl->fitRanges(OutlierRule::SetAside);
    const QCPRange range = m_impl->plot->xAxis->range();
    return {range.lower, range.upper};
}

PlotRange PlotView::yRange() const {
    m_impl->fitRanges(OutlierRule::SetAside);
    const QCPRange range = m_impl->plot->yAxis->range();
    return {range.lower, range.upper};
}

void PlotView::setXRange(PlotRange range) {
    if (range.upper > range.lower) {
        m_impl->zoomedX = range;
        m_impl->schedule();
    }
}

void PlotView::setHomeXRange(std::optional<PlotRange> range) {
    if (m_impl->home != range) {
        m_impl->home = range;
        m_impl->schedule();
    }
}

std::optional<PlotRange> PlotView::dataExtent() const {
    return xExtentOf(m_impl->all, m_impl->xScale);
}

void PlotView::resetZoom() {
    m_impl->zoomedX.reset();
    m_impl->zoomedY.reset();
    m_impl->schedule();
}

std::vector<PlotReadout> PlotView::readout(double x) const {
    std::vector<PlotReadout> result;
    for (const PlotSeries& series : m_impl->all) {
        if (series.style.emphasis == SeriesStyle::Emphasis::Faint) {
            continue;
        }
        if (const auto point = pointBefore(series, x)) {
            result.push_back({series.id, series.style.label, series.x[*point], series.y[*point]});
        }
    }
    return result;
}

QString PlotView::dataAsText() const {
    return tableOf(m_impl->all, xRange(), m_impl->xLabel.isEmpty() ? QStringLiteral("x") : m_impl->xLabel);
}

Result<void> PlotView::exportTo(const QString& path, QSize size) {
    return m_impl->save(path, size);
}

QSize PlotView::sizeHint() const {
    const int line = fontMetrics().height();
    return {30 * line, 12 * line};
}

QSize PlotView::minimumSizeHint() const {
    const int line = fontMetrics().height();
    return {14 * line, 7 * line};
}

} // namespace knife
