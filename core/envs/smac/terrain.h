// SPDX-License-Identifier: GPL-3.0-or-later
// Ground that units fight on: 32 x 32 cells, x to the east, y to the north, unit (x, y) in cell (floor x, floor y).
// Which cells of the maps can be walked on is read from their cliff grids; what the game makes of those may be one cell
// wider or narrower anywhere.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace knife::smac {

inline constexpr int kMapSize = 32;
inline constexpr int kMapCells = kMapSize * kMapSize;

struct Vec2 {
    float x = 0.F;
    float y = 0.F;
    friend Vec2 operator+(Vec2 a, Vec2 b) { return {a.x + b.x, a.y + b.y}; }
    friend Vec2 operator-(Vec2 a, Vec2 b) { return {a.x - b.x, a.y - b.y}; }
    friend Vec2 operator*(Vec2 a, float s) { return {a.x * s, a.y * s}; }
    bool operator==(const Vec2&) const = default;
};
[[nodiscard]] inline float squaredLength(Vec2 v) {
    return v.x * v.x + v.y * v.y;
}

class Terrain {
  public:
    enum class Cell : std::uint8_t {
        Blocked,
        Ground,
        Cliff, ///< for units that climb, and for flyers
    };
    /// Stretches of cells: columns [left, right] of the rows [bottom, top].
    struct Stretch {
        int bottom = 0;
        int top = 0;
        int left = 0;
        int right = 0;
    };

    struct Height {
        Stretch where;
        std::uint8_t level = 0; ///< 0 to 255
    };

    /// Ground where `ground` is, less a rim of one cell along what is not; cliffs on top of it. Cells have the level of
    /// the last of `heights` that they are in; elsewhere 0.
    Terrain(std::string name, const std::vector<Stretch>& ground, const std::vector<Stretch>& cliffs = {},
            const std::vector<Height>& heights = {});

    [[nodiscard]] const std::string& name() const { return m_name; }
    /// Blocked outside the map.
    [[nodiscard]] Cell cell(int x, int y) const {
        return x >= 0 && x < kMapSize && y >= 0 && y < kMapSize ? m_cells[index(x, y)] : Cell::Blocked;
    }
    [[nodiscard]] bool isWalkable(int x, int y, bool climbs) const {
        const Cell here = cell(x, y);
        return here == Cell::Ground || (climbs && here == Cell::Cliff);
    }
    /// 0 to 1; 0 outside the map.
    [[nodiscard]] float height(int x, int y) const;

    /// Where a unit that wants to go to `to` should head for: `to` itself if the straight way is free, else a cell on
    /// the shortest way there. `to` itself again where there is no way.
    [[nodiscard]] Vec2 heading(Vec2 from, Vec2 to, bool climbs) const;
    /// Where a step from a walkable place ends: at `to`, or as far along x or y as can be walked on.
    [[nodiscard]] Vec2 stepped(Vec2 from, Vec2 to, bool climbs) const;

  private:
    [[nodiscard]] static std::size_t index(int x, int y) {
        return static_cast<std::size_t>(y) * kMapSize + static_cast<std::size_t>(x);
    }
    /// For units that climb, or for those that do not.
    struct Ways {
        Stretch bounds; ///< of what can be walked on
        /// That is one rectangle, so that every straight way within it is free.
        bool isOpen = false;
        /// By goal and place: the neighbour to go to next; empty where the ground is open.
        std::vector<std::uint8_t> next;
    };
    [[nodiscard]] Ways waysOf(bool climbs) const;
    /// Without cliffs they are the same for all.
    [[nodiscard]] const Ways& ways(bool climbs) const { return climbs ? m_ways.back() : m_ways.front(); }
    [[nodiscard]] bool isStraight(Vec2 from, Vec2 to, bool climbs) const;

    std::string m_name;
    std::array<Cell, kMapCells> m_cells{};
    std::array<std::uint8_t, kMapCells> m_heights{};
    std::vector<Ways> m_ways; ///< of those that do not climb, and, where there are cliffs, of those that do
};

/// The terrain of that name; it must be one of terrainNames(). Built once, when first asked for, which blocks whoever
/// asks for the same one. Lives as long as the process. Thread-safe.
[[nodiscard]] const Terrain& terrainNamed(std::string_view name);
[[nodiscard]] std::vector<std::string> terrainNames();

} // namespace knife::smac
