// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/plot/plot_group.h"

#include <algorithm>

#include "widgets/plot/plot_view.h"

namespace knife {

PlotGroup::PlotGroup(QObject* parent) : QObject(parent) {}

void PlotGroup::add(PlotView* plot) {
    if (!m_plots.empty() && m_plots.front()->isZoomed()) {
        plot->setXRange(m_plots.front()->xRange());
    }
    plot->setCursor(m_cursor);
    m_plots.push_back(plot);
    const auto others = [this, plot](auto call) {
        for (PlotView* other : m_plots) {
            if (other != plot) {
                call(*other);
            }
        }
    };
    connect(plot, &PlotView::xRangeChanged, this, [others](double lower, double upper) {
        others([&](PlotView& other) { other.setXRange({lower, upper}); });
    });
    connect(plot, &PlotView::zoomReset, this, [others] { others([](PlotView& other) { other.resetZoom(); }); });
    connect(plot, &PlotView::crosshairMoved, this,
            [others](double x) { others([x](PlotView& other) { other.setCrosshair(x); }); });
    connect(plot, &PlotView::crosshairLeft, this,
            [others] { others([](PlotView& other) { other.setCrosshair(std::nullopt); }); });
    connect(plot, &PlotView::cursorMoved, this, [this](double x) {
        setCursor(x);
        Q_EMIT cursorMoved(x);
    });
    connect(plot, &PlotView::dataExtentChanged, this, &PlotGroup::shareExtent);
    connect(plot, &QObject::destroyed, this, [this, plot] { std::erase(m_plots, plot); });
    shareExtent();
}

void PlotGroup::remove(PlotView* plot) {
    std::erase(m_plots, plot);
    plot->disconnect(this);
    plot->setHomeXRange(std::nullopt);
    shareExtent();
}

void PlotGroup::setCursor(std::optional<double> x) {
    m_cursor = x;
    for (PlotView* plot : m_plots) {
        plot->setCursor(x);
    }
}

void PlotGroup::resetZoom() {
    for (PlotView* plot : m_plots) {
        plot->resetZoom();
    }
}

void PlotGroup::shareExtent() {
    std::optional<PlotRange> all;
    for (const PlotView* plot : m_plots) {
        if (const auto one = plot->dataExtent()) {
            all = all ? PlotRange{std::min(all->lower, one->lower), std::max(all->upper, one->upper)} : *one;
        }
    }
    if (all && !(all->size() > 0.0)) {
        all.reset(); // a single point: each plot makes its own room around it
    }
    for (PlotView* plot : m_plots) {
        plot->setHomeXRange(all);
    }
}

} // namespace knife
