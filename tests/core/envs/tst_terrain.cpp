// SPDX-License-Identifier: GPL-3.0-or-later
// The ground of the maps: which cells can be walked on, how high they are, and the ways around what cannot.
#include <cmath>
#include <limits>
#include <vector>

#include <QTest>

#include "core/envs/smac/terrain.h"

using namespace knife::smac;

namespace {

void addTerrains() {
    QTest::addColumn<QString>("name");
    for (const std::string& name : terrainNames()) {
        QTest::newRow(name.c_str()) << QString::fromStdString(name);
    }
}

// Shortest ways to a cell by Dijkstra without a queue: steps of 10 and 14, corners not cut.
std::vector<int> distancesTo(const Terrain& terrain, int goalX, int goalY, bool climbs) {
    std::vector<int> distance(kMapCells, std::numeric_limits<int>::max());
    distance[static_cast<std::size_t>(goalY * kMapSize + goalX)] = 0;
    for (bool changed = true; changed;) {
        changed = false;
        for (int y = 0; y < kMapSize; ++y) {
            for (int x = 0; x < kMapSize; ++x) {
                int& own = distance[static_cast<std::size_t>(y * kMapSize + x)];
                for (int dy = -1; dy <= 1; ++dy) {
                    for (int dx = -1; dx <= 1; ++dx) {
                        if (!terrain.isWalkable(x, y, climbs) || !terrain.isWalkable(x + dx, y + dy, climbs) ||
                            !terrain.isWalkable(x + dx, y, climbs) || !terrain.isWalkable(x, y + dy, climbs)) {
                            continue;
                        }
                        const int other = distance[static_cast<std::size_t>((y + dy) * kMapSize + x + dx)];
                        const int length = dx != 0 && dy != 0 ? 14 : 10;
                        if (other < own - length) {
                            own = other + length;
                            changed = true;
                        }
                    }
                }
            }
        }
    }
    return distance;
}

} // namespace

class TestTerrain : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void whatCanBeWalkedOnHasALevel() {
        const Terrain& terrain = terrainNamed("2c_vs_64zg");
        for (int y = 0; y < kMapSize; ++y) {
            for (int x = 0; x < kMapSize; ++x) {
                QVERIFY(terrain.cell(x, y) == Terrain::Cell::Blocked || terrain.height(x, y) > 0.F);
            }
        }
        QCOMPARE(terrain.height(16, 10), 64 / 255.F);
        QCOMPARE(terrain.height(16, 16), 128 / 255.F);
        QCOMPARE(terrain.height(5, 15), 88 / 255.F);
        QCOMPARE(terrain.height(5, 19), 88 / 255.F);
        QVERIFY(terrain.cell(16, 12) == Terrain::Cell::Cliff);
        QVERIFY(!terrain.isWalkable(16, 12, false) && terrain.isWalkable(16, 12, true));
    }

    void theRimIsNoGround() {
        const Terrain& strip = terrainNamed("strip");
        for (int y = 0; y < kMapSize; ++y) {
            QCOMPARE(strip.isWalkable(0, y, false), y >= 8 && y <= 23);
            QCOMPARE(strip.isWalkable(31, y, false), y >= 8 && y <= 23);
        }
        QVERIFY(!strip.isWalkable(-1, 16, true) && !strip.isWalkable(32, 16, true));
    }

    // A walker that always heads where it is told comes to its goal, by steps that get it nearer.
    void waysAreTheShortest_data() { addTerrains(); }
    void waysAreTheShortest() {
        QFETCH(QString, name);
        const Terrain& terrain = terrainNamed(name.toStdString());
        for (const bool climbs : {false, true}) {
            for (int goal = 5; goal < kMapCells; goal += 97) {
                const int goalX = goal % kMapSize;
                const int goalY = goal / kMapSize;
                if (!terrain.isWalkable(goalX, goalY, climbs)) {
                    continue;
                }
                const Vec2 to{static_cast<float>(goalX) + 0.5F, static_cast<float>(goalY) + 0.5F};
                const std::vector<int> distance = distancesTo(terrain, goalX, goalY, climbs);
                for (int cell = 0; cell < kMapCells; cell += 7) {
                    const int x = cell % kMapSize;
                    const int y = cell / kMapSize;
                    if (!terrain.isWalkable(x, y, climbs)) {
                        continue;
                    }
                    const int here = distance[static_cast<std::size_t>(cell)];
                    QVERIFY(here < std::numeric_limits<int>::max()); // no part of a map is cut off
                    const Vec2 from{static_cast<float>(x) + 0.5F, static_cast<float>(y) + 0.5F};
                    const Vec2 next = terrain.heading(from, to, climbs);
                    if (next == to) {
                        continue;
                    }
                    const auto nextCell = static_cast<std::size_t>(std::floor(next.y)) * kMapSize +
                                          static_cast<std::size_t>(std::floor(next.x));
                    const bool slanted = next.x != from.x && next.y != from.y;
                    QCOMPARE(distance[nextCell], here - (slanted ? 14 : 10));
                }
            }
        }
    }

    void walkersArrive_data() { addTerrains(); }
    void walkersArrive() {
        QFETCH(QString, name);
        const Terrain& terrain = terrainNamed(name.toStdString());
        std::vector<Vec2> places;
        for (int cell = 0; cell < kMapCells; cell += 61) {
            if (terrain.isWalkable(cell % kMapSize, cell / kMapSize, false)) {
                places.push_back(
                    {static_cast<float>(cell % kMapSize) + 0.3F, static_cast<float>(cell / kMapSize) + 0.6F});
            }
        }
        for (const Vec2 from : places) {
            for (const Vec2 to : places) {
                Vec2 at = from;
                for (int loop = 0; loop < 1000 && !(at == to); ++loop) {
                    const Vec2 way = terrain.heading(at, to, false) - at;
                    const float length = std::sqrt(squaredLength(way));
                    at = terrain.stepped(at, length <= 0.2F ? at + way : at + way * (0.2F / length), false);
                    QVERIFY(terrain.isWalkable(static_cast<int>(at.x), static_cast<int>(at.y), false));
                    if (length <= 0.2F && squaredLength(at - to) < 1e-6F) {
                        at = to;
                    }
                }
                QVERIFY2(at == to, qPrintable(QString("%1 %2 to %3 %4").arg(from.x).arg(from.y).arg(to.x).arg(to.y)));
            }
        }
    }
};

QTEST_APPLESS_MAIN(TestTerrain)
#include "tst_terrain.moc"
