// SPDX-License-Identifier: GPL-3.0-or-later
// Where the cells of a heatmap are. Pure geometry, so that painting, hit tests and tests agree.
#pragma once

#include <optional>
#include <vector>

#include <QPoint>
#include <QRect>

namespace knife {

/// A cell by site (index in the frame) and unit.
struct CellRef {
    int site = 0;
    int unit = 0;
    auto operator<=>(const CellRef&) const = default;
};

class HeatmapLayout {
  public:
    struct Metrics {
        int width = 0;       ///< room for everything
        int height = 0;      ///< room before scrolling begins; guides the choice of the cell size
        int labelWidth = 0;  ///< column of site names on the left
        int labelHeight = 0; ///< least height of a site, so that its name fits
        int gap = 0;         ///< between sites, and around everything
        int minCell = 1;     ///< side of the smallest and of the largest cell
        int maxCell = 1;
    };
    struct Site {
        int units = 0;
        int lines = 0; ///< rows of cells after wrapping
        QRect label;
        QRect cells; ///< all cells of the site; the last line may be partly empty
    };

    HeatmapLayout() = default;
    /// Takes the largest cell with which everything fits the height, or the smallest one and a taller layout.
    HeatmapLayout(const std::vector<int>& unitsPerSite, const Metrics& metrics);

    [[nodiscard]] int cell() const { return m_cell; }       ///< side of a cell
    [[nodiscard]] int columns() const { return m_columns; } ///< cells per line
    [[nodiscard]] int height() const { return m_height; }
    [[nodiscard]] const std::vector<Site>& sites() const { return m_sites; }

    [[nodiscard]] QRect rect(CellRef cell) const;
    [[nodiscard]] std::optional<CellRef> at(QPoint point) const;
    /// All cells that the rectangle touches, ascending.
    [[nodiscard]] std::vector<CellRef> within(const QRect& area) const;
    /// The cell reached by moving right and down; stops at the ends, and crosses from site to site when moving down.
    [[nodiscard]] CellRef moved(CellRef from, int right, int down) const;

  private:
    void place(const std::vector<int>& unitsPerSite, const Metrics& metrics, int cell);

    int m_cell = 1;
    int m_columns = 1;
    int m_height = 0;
    std::vector<Site> m_sites;
};

} // namespace knife
