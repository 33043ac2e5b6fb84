// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/neurons/heatmap_layout.h"

#include <algorithm>

namespace knife {

namespace {

constexpr int kColumnStep = 8;

} // namespace

HeatmapLayout::HeatmapLayout(const std::vector<int>& unitsPerSite, const Metrics& metrics) {
    const int least = std::max(metrics.minCell, 1);
    place(unitsPerSite, metrics, least);
    // Labels alone may need more room than there is; then no cell needs to shrink below what keeps this height.
    const int room = std::max(metrics.height, m_height);
    for (int cell = std::max(metrics.maxCell, least); cell > least; --cell) {
        place(unitsPerSite, metrics, cell);
        if (m_height <= room) {
            return;
        }
    }
    place(unitsPerSite, metrics, least);
}

void HeatmapLayout::place(const std::vector<int>& unitsPerSite, const Metrics& metrics, int cell) {
    const int left = 2 * metrics.gap + metrics.labelWidth;
    m_cell = cell;
    m_columns = std::max(1, (metrics.width - left - metrics.gap) / cell);
    if (m_columns > kColumnStep) {
        m_columns -= m_columns % kColumnStep; // lines that begin at round numbers can be read
    }
    m_sites.clear();
    int top = metrics.gap;
    for (const int units : unitsPerSite) {
        Site site;
        site.units = units;
        site.lines = (units + m_columns - 1) / m_columns;
        const int height = std::max(site.lines * cell, metrics.labelHeight);
        site.label = QRect(metrics.gap, top, metrics.labelWidth, height);
        site.cells = QRect(left, top, std::min(units, m_columns) * cell, site.lines * cell);
        m_sites.push_back(site);
        top += height + metrics.gap;
    }
    m_height = top;
}

QRect HeatmapLayout::rect(CellRef cell) const {
    const Site& site = m_sites[static_cast<std::size_t>(cell.site)];
    return {site.cells.left() + cell.unit % m_columns * m_cell, site.cells.top() + cell.unit / m_columns * m_cell,
            m_cell, m_cell};
}

std::optional<CellRef> HeatmapLayout::at(QPoint point) const {
    for (std::size_t i = 0; i < m_sites.size(); ++i) {
        const Site& site = m_sites[i];
        if (!site.cells.contains(point)) {
            continue;
        }
        const QPoint inside = point - site.cells.topLeft();
        const int unit = inside.y() / m_cell * m_columns + inside.x() / m_cell;
        return unit < site.units ? std::optional(CellRef{static_cast<int>(i), unit}) : std::nullopt;
    }
    return std::nullopt;
}

std::vector<CellRef> HeatmapLayout::within(const QRect& area) const {
    std::vector<CellRef> cells;
    for (std::size_t i = 0; i < m_sites.size(); ++i) {
        const Site& site = m_sites[i];
        const QRect part = site.cells & area;
        if (part.isEmpty()) {
            continue;
        }
        const QPoint first = part.topLeft() - site.cells.topLeft();
        const QPoint last = part.bottomRight() - site.cells.topLeft();
        for (int line = first.y() / m_cell; line <= last.y() / m_cell; ++line) {
            for (int column = first.x() / m_cell; column <= last.x() / m_cell; ++column) {
                const int unit = line * m_columns + column;
                if (unit < site.units) {
                    cells.push_back({static_cast<int>(i), unit});
                }
            }
        }
    }
    return cells;
}

CellRef HeatmapLayout::moved(CellRef from, int right, int down) const {
    const auto unitsOf = [this](int site) {
        return m_sites[static_cast<std::size_t>(site)].units;
    };
    CellRef to = from;
    to.unit = std::clamp(from.unit + right, 0, unitsOf(from.site) - 1);
    const int column = to.unit % m_columns;
    for (int step = 0; step < down; ++step) {
        if (to.unit + m_columns < unitsOf(to.site)) {
            to.unit += m_columns;
        } else if (to.site + 1 < static_cast<int>(m_sites.size())) {
            ++to.site;
            to.unit = std::min(column, unitsOf(to.site) - 1);
        }
    }
    for (int step = 0; step > down; --step) {
        if (to.unit >= m_columns) {
            to.unit -= m_columns;
        } else if (to.site > 0) {
            --to.site;
            const int last = unitsOf(to.site) - 1;
            to.unit = std::min(last / m_columns * m_columns + column, last);
        }
    }
    return to;
}

} // namespace knife
