// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <QTest>
#include <rapidcheck.h>

#include "core/stats/aggregate.h"
#include "tests/core/stats/stats_checks.h"

using namespace knife;
using knife::test::close;

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// Scores with some equal ones among them.
std::vector<double> someScores(std::size_t least = 1) {
    const auto count = *rc::gen::inRange<std::size_t>(least, 40);
    std::vector<double> values(count);
    for (double& value : values) {
        value = *rc::gen::inRange(-50, 50) / 8.0;
    }
    return values;
}

double sortedIqm(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    const std::size_t cut = values.size() / 4;
    return std::accumulate(values.begin() + static_cast<long>(cut), values.end() - static_cast<long>(cut), 0.0) /
           static_cast<double>(values.size() - 2 * cut);
}

} // namespace

class TestAggregate : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void iqmGolden() {
        const std::vector<double> shuffled{.9, .1, 1, .5, 0, .3, .6, .2, 1, .5};
        VERIFY_CLOSE(interquartileMean(shuffled), 0.5);
        VERIFY_CLOSE(interquartileMean(std::vector{1.0, 2.0, 9.0}), 4.0); // floor(3 / 4): nothing is dropped
        VERIFY_CLOSE(interquartileMean(std::vector{-100.0, 1.0, 2.0, 100.0}), 1.5);
    }

    void iqmAgreesWithSorting() {
        QVERIFY(rc::check("selection gives the mean that sorting gives", [] {
            const auto values = someScores();
            RC_ASSERT(close(interquartileMean(values), sortedIqm(values)));
        }));
    }

    void iqmLiesBetweenTheExtremes() {
        QVERIFY(rc::check("between minimum and maximum", [] {
            const auto values = someScores();
            const double iqm = interquartileMean(values);
            RC_ASSERT(iqm >= std::ranges::min(values) - 1e-12);
            RC_ASSERT(iqm <= std::ranges::max(values) + 1e-12);
        }));
    }

    void orderOfRunsDoesNotMatter() {
        QVERIFY(rc::check("any order of rows gives the same aggregates", [] {
            const auto tasks = *rc::gen::inRange<std::size_t>(1, 5);
            const auto runs = *rc::gen::inRange<std::size_t>(1, 6);
            ScoreMatrix a(runs, tasks);
            for (std::size_t r = 0; r < runs; ++r) {
                for (double& score : a.run(r)) {
                    score = *rc::gen::inRange(-50, 50) / 8.0;
                }
            }
            ScoreMatrix b(runs, tasks);
            for (std::size_t r = 0; r < runs; ++r) {
                std::ranges::copy(a.run(r), b.run(runs - 1 - r).begin());
            }
            const Aggregates x = aggregate(a);
            const Aggregates y = aggregate(b);
            RC_ASSERT(close(x.mean, y.mean) && close(x.median, y.median) && close(x.iqm, y.iqm) &&
                      close(x.optimalityGap, y.optimalityGap));
        }));
    }

    void aggregatesOfAMatrix() {
        const ScoreMatrix scores(2, 3, {0, 4, 1, 2, 8, 1}); // task means 1, 6, 1
        const Aggregates aggregates = aggregate(scores);
        VERIFY_CLOSE(aggregates.mean, 8.0 / 3);
        VERIFY_CLOSE(aggregates.median, 1.0);
        VERIFY_CLOSE(aggregates.iqm, 2.0);                   // of 0 1 1 2 4 8 without one from each end
        VERIFY_CLOSE(aggregates.optimalityGap, 1 - 5.0 / 6); // 0 1 1 1 1 1
        QCOMPARE(taskMeans(scores), (std::vector<double>{1, 6, 1}));
        VERIFY_CLOSE(runMeans(scores)[1], 11.0 / 3);
    }

    void spread() {
        const std::vector<double> values{2, 4, 4, 4, 5, 5, 7, 9};
        VERIFY_CLOSE(standardDeviation(values), std::sqrt(32.0 / 7));
        VERIFY_CLOSE(standardError(values), std::sqrt(32.0 / 56));
        QVERIFY(std::isnan(standardDeviation(std::vector{1.0})));
        const double far = 1e9; // a sum of squares would lose everything
        VERIFY_CLOSE(standardDeviation(std::vector{far + 1, far + 2, far + 3}), 1.0);
    }

    void medians() {
        VERIFY_CLOSE(median(std::vector{3.0, -1.0, 2.0}), 2.0);
        VERIFY_CLOSE(median(std::vector{3.0, -1.0, 2.0, -7.0}), 0.5);
    }

    void quantilesInterpolate() {
        const std::vector<double> values{40, 10, 30, 20};
        VERIFY_CLOSE(quantile(values, 0.0), 10.0);
        VERIFY_CLOSE(quantile(values, 1.0), 40.0);
        VERIFY_CLOSE(quantile(values, 0.5), 25.0);
        VERIFY_CLOSE(quantile(values, 0.1), 13.0);
        const double infinity = std::numeric_limits<double>::infinity();
        QCOMPARE(quantile(std::vector{infinity, infinity, infinity}, 0.3), infinity);
    }

    void quantilesAscend() {
        QVERIFY(rc::check("a higher share gives no lower quantile, and the median is the middle one", [] {
            const auto values = someScores();
            const std::vector<double> shares{0.0, 0.025, 0.3, 0.5, 0.77, 0.975, 1.0};
            const auto found = quantiles(values, shares);
            RC_ASSERT(std::is_sorted(found.begin(), found.end()));
            RC_ASSERT(close(found[3], median(values)));
            auto sorted = values;
            std::sort(sorted.begin(), sorted.end());
            const double position = 0.77 * static_cast<double>(sorted.size() - 1);
            const auto below = static_cast<std::size_t>(position);
            const double above = sorted[std::min(below + 1, sorted.size() - 1)];
            RC_ASSERT(close(found[4], std::lerp(sorted[below], above, position - static_cast<double>(below))));
            RC_ASSERT(found.front() == std::ranges::min(values) && found.back() == std::ranges::max(values));
        }));
    }

    void nothingAndNaNGiveNaN() {
        for (const auto& values : {std::vector<double>{}, std::vector{1.0, kNaN, 2.0, 3.0, 4.0}}) {
            QVERIFY(std::isnan(mean(values)) && std::isnan(median(values)) && std::isnan(interquartileMean(values)));
            QVERIFY(std::isnan(standardDeviation(values)) && std::isnan(quantile(values, 0.5)));
            QVERIFY(std::isnan(optimalityGap(values)));
        }
        QVERIFY(std::isnan(aggregate(ScoreMatrix()).mean));
    }
};

QTEST_APPLESS_MAIN(TestAggregate)
#include "tst_aggregate.moc"
