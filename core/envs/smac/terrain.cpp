// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/envs/smac/terrain.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>
#include <mutex>
#include <optional>

namespace knife::smac {

namespace {

constexpr std::array<std::array<int, 2>, 8> kNeighbours{
    {{1, 0}, {0, 1}, {-1, 0}, {0, -1}, {1, 1}, {-1, 1}, {-1, -1}, {1, -1}}};
constexpr std::uint8_t kNoWay = 255;

int cellOf(float position) {
    return static_cast<int>(std::floor(position));
}

template <typename Visit>
void visitCells(const Terrain::Stretch& stretch, const Visit& visit) {
    for (int y = stretch.bottom; y <= stretch.top; ++y) {
        for (int x = stretch.left; x <= stretch.right; ++x) {
            visit(x, y);
        }
    }
}

using Stretches = std::vector<Terrain::Stretch>;

const Stretches kStrip{{7, 24, 0, 31}};
const Stretches kOctagon{{5, 5, 9, 22},   {6, 6, 8, 23},   {7, 7, 7, 24},   {8, 8, 6, 25},  {9, 22, 5, 26},
                         {23, 23, 6, 25}, {24, 24, 7, 24}, {25, 25, 8, 23}, {26, 26, 9, 22}};

struct Plan {
    const char* name;
    Stretches ground;
    Stretches cliffs = {};
    std::vector<Terrain::Height> heights = {};
};

const std::vector<Plan>& plans() {
    static const std::vector<Plan> plans = {
        {"flat", {{0, 31, 0, 31}}},
        {"strip", kStrip},
        {"corridor",
         {{1, 2, 1, 14},
          {3, 3, 1, 13},
          {4, 9, 1, 12},
          {10, 10, 1, 13},
          {11, 11, 1, 14},
          {12, 12, 1, 15},
          {13, 13, 10, 26},
          {14, 14, 11, 27},
          {15, 15, 12, 28},
          {16, 16, 12, 29},
          {17, 22, 11, 30},
          {23, 23, 12, 30},
          {24, 24, 13, 30},
          {25, 25, 14, 30},
          {26, 26, 15, 30},
          {27, 27, 16, 30},
          {28, 28, 17, 30},
          {29, 29, 18, 30},
          {30, 30, 19, 30}}},
        {"so_many_baneling",
         {{1, 1, 1, 8},     {2, 2, 1, 9},     {3, 5, 1, 12},    {6, 6, 1, 13},    {7, 8, 1, 16},    {9, 9, 2, 16},
          {10, 10, 3, 17},  {11, 12, 3, 20},  {13, 13, 6, 20},  {14, 15, 7, 20},  {16, 16, 7, 21},  {17, 17, 8, 26},
          {18, 18, 9, 26},  {19, 19, 12, 26}, {20, 20, 13, 27}, {21, 22, 13, 30}, {23, 23, 14, 30}, {24, 24, 15, 30},
          {25, 25, 18, 30}, {26, 28, 19, 30}, {29, 29, 20, 30}, {30, 30, 21, 30}}},
        {"2c_vs_64zg",
         {{5, 5, 3, 28},
          {6, 6, 2, 29},
          {7, 7, 1, 30},
          {8, 17, 0, 31},
          {18, 18, 1, 30},
          {19, 19, 2, 29},
          {20, 20, 3, 28}},
         {{12, 12, 4, 27}},
         {{{5, 12, 0, 31}, 64},
          {{13, 20, 0, 3}, 64},
          {{13, 20, 28, 31}, 64},
          {{13, 20, 7, 24}, 128},
          // The ramps; the rows 19 and 20 between them and the wall are not in the data, and go on like them.
          {{13, 20, 4, 4}, 72},
          {{13, 20, 5, 5}, 88},
          {{13, 20, 6, 6}, 104},
          {{13, 20, 27, 27}, 72},
          {{13, 20, 26, 26}, 88},
          {{13, 20, 25, 25}, 104}}},
        {"6h_vs_8z", {{7, 7, 9, 20}, {8, 8, 8, 21}, {9, 18, 7, 22}, {19, 19, 8, 21}, {20, 20, 9, 20}}},
        {"octagon", kOctagon},
        {"2s_vs_1sc", {{7, 20, 7, 20}, {21, 21, 8, 19}, {22, 22, 9, 18}, {23, 23, 10, 17}, {24, 24, 11, 16}}},
    };
    return plans;
}

} // namespace

Terrain::Terrain(std::string name, const std::vector<Stretch>& ground, const std::vector<Stretch>& cliffs,
                 const std::vector<Height>& heights)
    : m_name(std::move(name)) {
    std::array<bool, kMapCells> isGround{};
    for (const Stretch& stretch : ground) {
        visitCells(stretch, [&](int x, int y) { isGround[index(x, y)] = true; });
    }
    visitCells({0, kMapSize - 1, 0, kMapSize - 1}, [&](int x, int y) {
        bool inside = isGround[index(x, y)];
        for (std::size_t side = 0; side < 4; ++side) {
            const int nextX = std::clamp(x + kNeighbours[side][0], 0, kMapSize - 1);
            const int nextY = std::clamp(y + kNeighbours[side][1], 0, kMapSize - 1);
            inside = inside && isGround[index(nextX, nextY)];
        }
        m_cells[index(x, y)] = inside ? Cell::Ground : Cell::Blocked;
    });
    for (const Stretch& stretch : cliffs) {
        visitCells(stretch, [&](int x, int y) {
            Cell& cell = m_cells[index(x, y)];
            cell = cell == Cell::Ground ? Cell::Cliff : cell;
        });
    }
    for (const Height& height : heights) {
        visitCells(height.where, [&](int x, int y) { m_heights[index(x, y)] = height.level; });
    }
    m_ways.push_back(waysOf(false));
    if (std::ranges::find(m_cells, Cell::Cliff) != m_cells.end()) {
        m_ways.push_back(waysOf(true));
    }
}

float Terrain::height(int x, int y) const {
    const bool inside = x >= 0 && x < kMapSize && y >= 0 && y < kMapSize;
    return inside ? static_cast<float>(m_heights[index(x, y)]) / 255.F : 0.F;
}

Terrain::Ways Terrain::waysOf(bool climbs) const {
    Ways ways;
    Stretch& bounds = ways.bounds;
    bounds = {kMapSize, -1, kMapSize, -1};
    int walkable = 0;
    visitCells({0, kMapSize - 1, 0, kMapSize - 1}, [&](int x, int y) {
        if (isWalkable(x, y, climbs)) {
            bounds = {std::min(bounds.bottom, y), std::max(bounds.top, y), std::min(bounds.left, x),
                      std::max(bounds.right, x)};
            ++walkable;
        }
    });
    ways.isOpen = walkable == (bounds.top - bounds.bottom + 1) * (bounds.right - bounds.left + 1);
    if (ways.isOpen) {
        return ways;
    }
    std::vector<std::uint8_t>& next = ways.next;
    next.assign(static_cast<std::size_t>(kMapCells) * kMapCells, kNoWay);
    // From every goal outwards, cells in the order of their distance (1 or sqrt 2 per step, in tenths).
    std::vector<int> distance(kMapCells);
    std::vector<std::vector<int>> atDistance;
    visitCells({0, kMapSize - 1, 0, kMapSize - 1}, [&](int goalX, int goalY) {
        if (!isWalkable(goalX, goalY, climbs)) {
            return;
        }
        const std::size_t goal = index(goalX, goalY);
        std::ranges::fill(distance, std::numeric_limits<int>::max());
        atDistance.assign(1, {static_cast<int>(goal)});
        distance[goal] = 0;
        for (std::size_t d = 0; d < atDistance.size(); ++d) {
            for (std::size_t i = 0; i < atDistance[d].size(); ++i) {
                const int here = atDistance[d][i];
                if (distance[static_cast<std::size_t>(here)] != static_cast<int>(d)) {
                    continue;
                }
                const int x = here % kMapSize;
                const int y = here / kMapSize;
                for (std::size_t side = 0; side < kNeighbours.size(); ++side) {
                    const auto [dx, dy] = kNeighbours[side];
                    // Corners are not cut.
                    if (!isWalkable(x + dx, y + dy, climbs) || !isWalkable(x + dx, y, climbs) ||
                        !isWalkable(x, y + dy, climbs)) {
                        continue;
                    }
                    const std::size_t there = index(x + dx, y + dy);
                    const int length = static_cast<int>(d) + (side < 4 ? 10 : 14);
                    if (length < distance[there]) {
                        distance[there] = length;
                        next[goal * kMapCells + there] =
                            static_cast<std::uint8_t>(side < 4 ? (side + 2) % 4 : 4 + (side - 2) % 4);
                        if (atDistance.size() <= static_cast<std::size_t>(length)) {
                            atDistance.resize(static_cast<std::size_t>(length) + 1);
                        }
                        atDistance[static_cast<std::size_t>(length)].push_back(static_cast<int>(there));
                    }
                }
            }
        }
    });
    return ways;
}

bool Terrain::isStraight(Vec2 from, Vec2 to, bool climbs) const {
    // From cell to cell along the line (Amanatides & Woo 1987).
    int x = cellOf(from.x);
    int y = cellOf(from.y);
    const int lastX = cellOf(to.x);
    const int lastY = cellOf(to.y);
    const Vec2 way = to - from;
    const int stepX = way.x > 0 ? 1 : -1;
    const int stepY = way.y > 0 ? 1 : -1;
    const float infinity = std::numeric_limits<float>::infinity();
    const float perX = way.x != 0.F ? 1.F / std::abs(way.x) : infinity;
    const float perY = way.y != 0.F ? 1.F / std::abs(way.y) : infinity;
    const auto first = [](float at, int cell, int step) {
        return step > 0 ? static_cast<float>(cell + 1) - at : at - static_cast<float>(cell);
    };
    float nextX = way.x != 0.F ? first(from.x, x, stepX) * perX : infinity;
    float nextY = way.y != 0.F ? first(from.y, y, stepY) * perY : infinity;
    while (x != lastX || y != lastY) {
        if (nextX < nextY) {
            nextX += perX;
            x += stepX;
        } else {
            nextY += perY;
            y += stepY;
        }
        if (!isWalkable(x, y, climbs)) {
            return false;
        }
    }
    return true;
}

Vec2 Terrain::heading(Vec2 from, Vec2 to, bool climbs) const {
    if (ways(climbs).isOpen || isStraight(from, to, climbs)) {
        return to;
    }
    const int x = cellOf(from.x);
    const int y = cellOf(from.y);
    const int goalX = std::clamp(cellOf(to.x), 0, kMapSize - 1);
    const int goalY = std::clamp(cellOf(to.y), 0, kMapSize - 1);
    const std::uint8_t side = ways(climbs).next[index(goalX, goalY) * kMapCells + index(x, y)];
    if (side == kNoWay) {
        return to;
    }
    const auto [dx, dy] = kNeighbours[side];
    return {static_cast<float>(x + dx) + 0.5F, static_cast<float>(y + dy) + 0.5F};
}

Vec2 Terrain::stepped(Vec2 from, Vec2 to, bool climbs) const {
    // A unit stands inside the map, never on its very edge.
    constexpr float kEdge = 1e-3F;
    const Stretch& bounds = ways(climbs).bounds;
    to = {std::clamp(to.x, static_cast<float>(bounds.left) + kEdge, static_cast<float>(bounds.right + 1) - kEdge),
          std::clamp(to.y, static_cast<float>(bounds.bottom) + kEdge, static_cast<float>(bounds.top + 1) - kEdge)};
    if (ways(climbs).isOpen) {
        return to;
    }
    const auto fits = [&](Vec2 at) {
        return isWalkable(cellOf(at.x), cellOf(at.y), climbs);
    };
    if (fits(to)) {
        return to;
    }
    if (const Vec2 along{to.x, from.y}; fits(along)) {
        return along;
    }
    const Vec2 across{from.x, to.y};
    return fits(across) ? across : from;
}

const Terrain& terrainNamed(std::string_view name) {
    struct Place {
        std::once_flag once;
        std::optional<Terrain> terrain;
    };
    static std::vector<Place> built(plans().size());
    const auto plan = std::ranges::find(plans(), name, &Plan::name);
    assert(plan != plans().end());
    Place& place = built[static_cast<std::size_t>(plan - plans().begin())];
    std::call_once(place.once, [&] { place.terrain.emplace(plan->name, plan->ground, plan->cliffs, plan->heights); });
    return *place.terrain;
}

std::vector<std::string> terrainNames() {
    std::vector<std::string> names;
    std::ranges::transform(plans(), std::back_inserter(names), &Plan::name);
    return names;
}

} // namespace knife::smac
