// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <numeric>

#include <QTest>
#include <rapidcheck.h>

#include "widgets/plot/decimate.h"
#include "widgets/plot/smoothing.h"

using namespace knife;

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

struct Curve {
    std::vector<double> x;
    std::vector<double> y;
};

/// Ascending x with ties, y with gaps, more points than columns most of the time.
Curve arbitraryCurve() {
    Curve curve;
    const auto steps = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 5));
    double x = *rc::gen::inRange(-50, 50);
    for (const int step : steps) {
        x += step;
        curve.x.push_back(x);
        const int y = *rc::gen::inRange(-1000, 1100);
        curve.y.push_back(y >= 1000 ? kNan : y);
    }
    return curve;
}

PlotRange arbitraryRange() {
    const double lower = *rc::gen::inRange(-60, 150);
    return {lower, lower + *rc::gen::inRange(1, 200)};
}

int columnOf(double x, PlotRange range, int columns) {
    for (int column = 0; column + 1 < columns; ++column) {
        if (x <= range.lower + range.size() * (static_cast<double>(column + 1) / columns)) {
            return column;
        }
    }
    return columns - 1;
}

struct Extremes {
    double low = std::numeric_limits<double>::infinity();
    double high = -std::numeric_limits<double>::infinity();
    int points = 0;
    bool operator==(const Extremes& other) const { return low == other.low && high == other.high; }
};

std::vector<Extremes> perColumn(const std::vector<double>& x, const std::vector<double>& y, PlotRange range,
                                int columns) {
    std::vector<Extremes> result(static_cast<std::size_t>(columns));
    for (std::size_t i = 0; i < x.size(); ++i) {
        if (x[i] < range.lower || x[i] > range.upper || !std::isfinite(y[i])) {
            continue;
        }
        Extremes& column = result[static_cast<std::size_t>(columnOf(x[i], range, columns))];
        column.low = std::min(column.low, y[i]);
        column.high = std::max(column.high, y[i]);
        ++column.points;
    }
    return result;
}

} // namespace

class TestDecimate final : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void keepsEveryExtremeOfEveryColumn() {
        QVERIFY(rc::check([] {
            const Curve curve = arbitraryCurve();
            const PlotRange range = arbitraryRange();
            const int columns = *rc::gen::inRange(1, 12);
            const Polyline line = decimate(curve.x, curve.y, range, columns);
            RC_ASSERT(perColumn(line.x, line.y, range, columns) == perColumn(curve.x, curve.y, range, columns));
        }));
    }

    void drawsAtMostTwoPointsPerColumn() {
        QVERIFY(rc::check([] {
            const Curve curve = arbitraryCurve();
            const PlotRange range = arbitraryRange();
            const int columns = *rc::gen::inRange(1, 12);
            const Polyline line = decimate(curve.x, curve.y, range, columns);
            RC_ASSERT(line.x.size() == line.y.size());
            RC_ASSERT(std::is_sorted(line.x.begin(), line.x.end()));
            if (line.envelope) {
                for (const Extremes& column : perColumn(line.x, line.y, range, columns)) {
                    RC_ASSERT(column.points <= 2);
                }
            } else {
                RC_ASSERT(line.x.size() <= 2 * static_cast<std::size_t>(columns));
            }
        }));
    }

    void breaksTheLineBetweenColumnsWhereAndOnlyWhereSamplesAreMissing() {
        QVERIFY(rc::check([] {
            const Curve curve = arbitraryCurve();
            const Polyline line = decimate(curve.x, curve.y, arbitraryRange(), *rc::gen::inRange(1, 12));
            const bool missing = std::any_of(curve.y.begin(), curve.y.end(), [](double y) { return std::isnan(y); });
            const bool broken = std::any_of(line.y.begin(), line.y.end(), [](double y) { return std::isnan(y); });
            RC_ASSERT(missing || !broken);
        }));
        std::vector<double> x(1000);
        std::iota(x.begin(), x.end(), 0.0);
        std::vector<double> y(1000, 1.0);
        std::fill(y.begin() + 400, y.begin() + 600, kNan);
        const Polyline line = decimate(x, y, {0, 999}, 10);
        QCOMPARE(std::count_if(line.y.begin(), line.y.end(), [](double v) { return std::isnan(v); }), 1);
    }

    void keepsTheNeighboursOutsideTheRange() {
        std::vector<double> x(1000);
        std::iota(x.begin(), x.end(), 0.0);
        const Polyline line = decimate(x, x, {100, 900}, 10);
        QCOMPARE(line.x.front(), 99.0);
        QCOMPARE(line.x.back(), 901.0);
    }

    void dividesLogarithmicAxesByPixelsToo() {
        std::vector<double> x(10000);
        std::iota(x.begin(), x.end(), 1.0);
        const Polyline line = decimate(x, x, {1, 10000}, 4, AxisScale::Log);
        // One decade per column: 1..10, 11..100, and so on.
        QCOMPARE(line.x, (std::vector<double>{1, 10, 11, 100, 101, 1000, 1001, 10000}));
    }

    void copesWithNothing() {
        QVERIFY(decimate({}, {}, {0, 1}, 100).x.empty());
        const std::vector<double> one = {1.0};
        QVERIFY(decimate(one, one, {1, 1}, 100).x.empty());
        QVERIFY(decimate(one, one, {0, 2}, 0).x.empty());
        QCOMPARE(decimate(one, one, {0, 2}, 1).x, one);
        QVERIFY(decimateBand({}, {}, {}, {0, 1}, 100).x.empty());
    }

    void bandCoversTheBand() {
        QVERIFY(rc::check([] {
            const Curve curve = arbitraryCurve();
            std::vector<double> upper = curve.y;
            for (double& value : upper) {
                value += 10;
            }
            const int columns = *rc::gen::inRange(1, 12);
            const BandOutline band = decimateBand(curve.x, curve.y, upper, {-1e6, 1e6}, columns);
            const auto low = [](double a, double b) {
                return std::fmin(a, b);
            };
            const auto high = [](double a, double b) {
                return std::fmax(a, b);
            };
            const auto same = [](double a, double b) {
                return a == b || (std::isnan(a) && std::isnan(b));
            };
            RC_ASSERT(same(std::accumulate(band.lower.begin(), band.lower.end(), kNan, low),
                           std::accumulate(curve.y.begin(), curve.y.end(), kNan, low)));
            RC_ASSERT(same(std::accumulate(band.upper.begin(), band.upper.end(), kNan, high),
                           std::accumulate(upper.begin(), upper.end(), kNan, high)));
        }));
    }

    void aMillionPointsTakeMilliseconds() {
        std::vector<double> x(1'000'000);
        std::iota(x.begin(), x.end(), 0.0);
        std::vector<double> y(x.size());
        std::transform(x.begin(), x.end(), y.begin(), [](double v) { return std::sin(v * 0.001) + std::sin(v * 1.7); });
        QBENCHMARK {
            const Polyline line = decimate(x, y, {0, 1e6}, 1200);
            QVERIFY(line.x.size() <= 2402);
        }
    }

    void smoothingKeepsAConstantAndGaps() {
        const std::vector<double> x = {0, 1, 5, 6, 100};
        const std::vector<double> y = {0.1, 0.1, kNan, 0.1, 0.1};
        const std::vector<double> result = smoothed(x, y, 3.0);
        for (std::size_t i = 0; i < y.size(); ++i) {
            QVERIFY(std::isnan(y[i]) ? std::isnan(result[i]) : result[i] == y[i]);
        }
    }

    void smoothingIsTheNormalisedExponentialMean() {
        QVERIFY(rc::check([] {
            const Curve curve = arbitraryCurve();
            const double span = *rc::gen::inRange(1, 20);
            const std::vector<double> result = smoothed(curve.x, curve.y, span);
            for (std::size_t i = 0; i < curve.x.size(); ++i) {
                double sum = 0.0;
                double weights = 0.0;
                for (std::size_t j = 0; j <= i; ++j) {
                    if (std::isfinite(curve.y[j])) {
                        const double weight = std::exp((curve.x[j] - curve.x[i]) / span);
                        sum += weight * curve.y[j];
                        weights += weight;
                    }
                }
                if (std::isfinite(curve.y[i])) {
                    RC_ASSERT(std::abs(result[i] - sum / weights) < 1e-8);
                }
            }
        }));
    }
};

QTEST_APPLESS_MAIN(TestDecimate)
#include "tst_decimate.moc"
