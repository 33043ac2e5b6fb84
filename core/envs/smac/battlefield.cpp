// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/envs/smac/battlefield.h"

#include <algorithm>

namespace knife::smac {

namespace {

std::uint8_t layerOf(const UnitStats& stats) {
    if (stats.flies) {
        return Air;
    }
    return stats.climbs ? Giants : Ground;
}

} // namespace

Battlefield::Battlefield(const Terrain& ground, std::size_t mostUnits) : terrain(ground) {
    units.reserve(mostUnits);
    minds.reserve(mostUnits);
    bodies.reserve(mostUnits);
    byX.reserve(mostUnits);
    struck.reserve(mostUnits);
    strides.reserve(mostUnits);
    still.reserve(mostUnits);
}

void Battlefield::fillBodies() {
    bodies.clear();
    allies = 0;
    widest = 0.F;
    widestBody = 0.F;
    strides.assign(units.size(), {});
    still.reserve(units.size());
    for (const UnitState& unit : units) {
        const UnitStats& stats = statsOf(unit.type, unit.team);
        bodies.push_back({.stats = &stats,
                          .radius = static_cast<float>(stats.radius),
                          .separation = static_cast<float>(stats.separation),
                          .speed = static_cast<float>(stats.speed),
                          .range = static_cast<float>(stats.range),
                          .cooldown = static_cast<int>(std::lround(stats.cooldown * kTicks)),
                          .layer = layerOf(stats)});
        allies += unit.team == Team::Ally ? 1 : 0;
        widest = std::max(widest, bodies.back().separation);
        widestBody = std::max(widestBody, bodies.back().radius);
    }
}

void Battlefield::sortByX() {
    for (std::size_t i = 1; i < byX.size(); ++i) {
        const int moved = byX[i];
        const float x = unit(moved).position.x;
        std::size_t place = i;
        for (; place > 0 && unit(byX[place - 1]).position.x > x; --place) {
            byX[place] = byX[place - 1];
        }
        byX[place] = moved;
    }
}

} // namespace knife::smac
