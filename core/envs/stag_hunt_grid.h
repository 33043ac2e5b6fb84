// SPDX-License-Identifier: GPL-3.0-or-later
// The two pictures of a stag hunt world, kept up to date cell by cell: the grid of the state, and the grid of what can
// be seen, which has a margin as wide as the sight, so that every window is a few row copies.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace knife {

struct GridCell {
    int row = 0;
    int column = 0;
    bool operator==(const GridCell&) const = default;
};

/// Also the feature that marks the kind in a cell.
enum class Occupant : std::uint8_t { Agent = 0, Stag = 1, Hare = 2 };

/// Directions are those of the move actions: 0 right, 1 down, 2 left, 3 up.
class StagHuntGrid {
  public:
    struct Layout {
        int rows = 0;
        int columns = 0;
        int sightRows = 0;
        int sightColumns = 0;
        int agents = 0;
        bool toroidal = false;
        bool walls = false;  ///< cells beyond the edge are marked
        bool ids = false;    ///< marks are index + 1
        bool oneHot = false; ///< features of their own for walls and unknown cells
        bool ghosts = false; ///< a last feature for the ghost mark
    };
    explicit StagHuntGrid(const Layout& layout);

    /// Floats per cell.
    [[nodiscard]] int features() const { return m_features; }
    [[nodiscard]] int windowSize() const;
    [[nodiscard]] int coneSize(bool narrow) const;
    [[nodiscard]] int wholeSize() const;

    void clear();
    void put(GridCell cell, Occupant kind, int index);
    void take(GridCell cell, Occupant kind, int index);
    /// The agent stays where it is, but nobody sees it any more.
    void hideAgent(GridCell cell, int index);
    /// Marks a corner: -1 for ghosts, 1 otherwise.
    void markGhost(GridCell corner, bool ghost);

    [[nodiscard]] bool inside(GridCell cell) const;
    /// The neighbouring cell; at an edge the cell itself, or the opposite side of a toroidal world.
    [[nodiscard]] GridCell neighbour(GridCell cell, int direction) const;
    [[nodiscard]] bool holds(GridCell cell, Occupant kind) const {
        return m_occupants[index(cell) * 3 + static_cast<std::size_t>(kind)] != 0;
    }
    [[nodiscard]] bool holdsPrey(GridCell cell) const {
        return holds(cell, Occupant::Stag) || holds(cell, Occupant::Hare);
    }
    [[nodiscard]] bool holdsAnything(GridCell cell) const { return holds(cell, Occupant::Agent) || holdsPrey(cell); }

    /// [rows × columns × features]
    [[nodiscard]] std::span<const float> state() const { return m_state; }
    /// The square around a cell: windowSize() floats, [row][column][feature].
    void copyWindow(GridCell centre, float* out) const;
    /// The part of the square in front of an agent; the rest is -1. coneSize() floats. Requires square sight.
    void copyCone(GridCell centre, int facing, bool narrow, float* out) const;
    /// The state with one more feature that marks `self`: wholeSize() floats.
    void copyWhole(GridCell self, float* out) const;

  private:
    [[nodiscard]] static std::size_t at(int row, int columns, int column) {
        return static_cast<std::size_t>(row) * static_cast<std::size_t>(columns) + static_cast<std::size_t>(column);
    }
    [[nodiscard]] std::size_t index(GridCell cell) const { return at(cell.row, m_layout.columns, cell.column); }
    [[nodiscard]] std::size_t seenIndex(GridCell cell) const {
        return at(cell.row + m_layout.sightRows, m_seenColumns, cell.column + m_layout.sightColumns);
    }
    void markSeenAgent(GridCell cell);
    void markWalls();

    Layout m_layout;
    int m_features;
    int m_seenColumns;
    std::vector<std::uint8_t> m_occupants; ///< [rows × columns × 3] how many of a kind are there
    std::vector<int> m_visibleAt;          ///< per agent its cell's index; -1 when it is not to be seen
    std::vector<float> m_state;
    std::vector<float> m_seen;
};

} // namespace knife
