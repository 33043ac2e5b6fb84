// SPDX-License-Identifier: GPL-3.0-or-later
#include <cstring>

#include <QTest>

#include "core/stats/aggregate.h"
#include "core/stats/bootstrap.h"
#include "core/stats/performance_profile.h"
#include "core/types/counter_rng.h"
#include "tests/core/stats/stats_checks.h"

using namespace knife;

namespace {

std::vector<double> overallMean(const ScoreMatrix& scores) {
    return {mean(scores.cells())};
}

std::vector<double> meanDifference(const ScoreMatrix& x, const ScoreMatrix& y) {
    return {mean(x.cells()) - mean(y.cells())};
}

ScoreMatrix normalScores(std::size_t runs, std::size_t tasks, std::uint64_t number) {
    CounterRng random({11, "test.scores", number});
    ScoreMatrix scores(runs, tasks);
    for (std::size_t r = 0; r < runs; ++r) {
        for (double& score : scores.run(r)) {
            score = random.normal();
        }
    }
    return scores;
}

double width(const Estimate& estimate) {
    return estimate.high - estimate.low;
}

bool sameBits(const Estimate& a, const Estimate& b) {
    return std::memcmp(&a, &b, sizeof a) == 0;
}

} // namespace

class TestBootstrap : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void aSmallDistributionByHand() {
        // Two runs, 0 and 1: the mean of a resample is 0, 1/2, 1 with chances 1/4, 1/2, 1/4.
        const ScoreMatrix scores(2, 1, {0, 1});
        const Estimate wide = bootstrap(scores, &overallMean, {.level = 0.9}).front();
        QCOMPARE(wide.value, 0.5);
        QCOMPARE(wide.low, 0.0);
        QCOMPARE(wide.high, 1.0);
        const Estimate narrow = bootstrap(scores, &overallMean, {.level = 0.4}).front();
        QCOMPARE(narrow.low, 0.5);
        QCOMPARE(narrow.high, 0.5);
    }

    void equalSeedsGiveEqualBits() {
        const ScoreMatrix scores = normalScores(6, 4, 0);
        for (const Resampling resampling : {Resampling::Clustered, Resampling::Stratified}) {
            const BootstrapOptions options{.reps = 500, .seed = 7, .resampling = resampling};
            BootstrapOptions otherSeed = options;
            otherSeed.seed = 8;
            const Estimate first = bootstrap(scores, &overallMean, options).front();
            QVERIFY(sameBits(first, bootstrap(scores, &overallMean, options).front()));
            QVERIFY(!sameBits(first, bootstrap(scores, &overallMean, otherSeed).front()));
        }
    }

    void clustersStayTogether() {
        // Each run is good at one task and bad at the other: as a whole, all runs are equal.
        const ScoreMatrix opposed(2, 2, {0, 1, 1, 0});
        const Estimate whole = bootstrap(opposed, &overallMean, {.resampling = Resampling::Clustered}).front();
        QCOMPARE(width(whole), 0.0);
        const Estimate cells = bootstrap(opposed, &overallMean, {.resampling = Resampling::Stratified}).front();
        QCOMPARE(width(cells), 1.0);
    }

    void dependentTasksNeedClusters() {
        // Twenty tasks that all say the same of a run are one observation: cell by cell the interval shrinks by
        // about sqrt(20), wrongly.
        const ScoreMatrix column = normalScores(10, 1, 1);
        ScoreMatrix repeated(10, 20);
        for (std::size_t r = 0; r < 10; ++r) {
            std::ranges::fill(repeated.run(r), column.at(r, 0));
        }
        const double whole = width(bootstrap(repeated, &overallMean, {.reps = 4000}).front());
        const double cells =
            width(bootstrap(repeated, &overallMean, {.reps = 4000, .resampling = Resampling::Stratified}).front());
        QVERIFY(test::close(whole, width(bootstrap(column, &overallMean, {.reps = 4000}).front())));
        QVERIFY(whole / cells > 3.5 && whole / cells < 5.5);
    }

    void resampledTasksWidenTheInterval() {
        const ScoreMatrix scores(3, 3, {0, 5, 10, 0.1, 5.1, 10.1, 0.2, 5.2, 10.2}); // tasks differ, runs hardly do
        const double fixed = width(bootstrap(scores, &overallMean, {.reps = 2000}).front());
        const double drawn =
            width(bootstrap(scores, &overallMean, {.reps = 2000, .tasks = TaskResampling::Resampled}).front());
        QVERIFY(fixed < 0.3);
        QVERIFY(drawn > 5.0);
    }

    void pairsAreDrawnIndependently() {
        // Were both resampled alike, the difference of a group and itself would always be 0.
        const ScoreMatrix scores = normalScores(8, 3, 2);
        const Estimate difference = bootstrapPair(scores, scores, &meanDifference, {.reps = 2000}).front();
        QCOMPARE(difference.value, 0.0);
        QVERIFY(difference.low < -0.05 && difference.high > 0.05);
    }

    void pairedRowsAreDrawnTogether() {
        // Seeds differ a lot, but equally in both groups.
        const ScoreMatrix x(3, 1, {1, 101, 1001});
        const ScoreMatrix y(3, 1, {0, 100, 1000});
        for (const Resampling resampling : {Resampling::Clustered, Resampling::Stratified}) {
            const BootstrapOptions options{.reps = 500, .resampling = resampling, .pairing = Pairing::Rows};
            const Estimate difference = bootstrapPair(x, y, &meanDifference, options).front();
            VERIFY_CLOSE(difference.low, 1.0);
            VERIFY_CLOSE(difference.high, 1.0);
        }
        QVERIFY(width(bootstrapPair(x, y, &meanDifference, {.reps = 500}).front()) > 100.0);
    }

    void resampledTasksArePaired() {
        // Tasks differ a lot, but equally in both groups: that must cancel.
        const ScoreMatrix x(2, 3, {1, 101, 1001, 1, 101, 1001});
        const ScoreMatrix y(2, 3, {0, 100, 1000, 0, 100, 1000});
        const Estimate difference =
            bootstrapPair(x, y, &meanDifference, {.reps = 500, .tasks = TaskResampling::Resampled}).front();
        VERIFY_CLOSE(difference.low, 1.0);
        VERIFY_CLOSE(difference.high, 1.0);
    }

    void intervalsContainTheEstimate() {
        for (std::uint64_t number = 0; number < 20; ++number) {
            ScoreMatrix scores(7, 3);
            const ScoreMatrix half = normalScores(3, 3, number); // mirrored about 0: a symmetric case
            for (std::size_t r = 0; r < 3; ++r) {
                for (std::size_t t = 0; t < 3; ++t) {
                    scores.at(r, t) = half.at(r, t);
                    scores.at(6 - r, t) = -half.at(r, t);
                }
            }
            const auto figures = [](const ScoreMatrix& sample) {
                const Aggregates all = aggregate(sample);
                return std::vector{all.mean, all.median, all.iqm};
            };
            for (const Estimate& estimate : bootstrap(scores, figures, {.reps = 1000, .seed = number})) {
                QVERIFY(estimate.low <= estimate.value && estimate.value <= estimate.high);
                QVERIFY(std::abs(estimate.value) < 1e-12);
            }
        }
    }

    void coverageOfNormalMeans_data() {
        QTest::addColumn<bool>("clustered");
        QTest::addColumn<int>("runs");
        QTest::addColumn<int>("tasks");
        QTest::newRow("clustered, 20 runs") << true << 20 << 1;
        QTest::newRow("clustered, 5 runs") << true << 5 << 1;
        QTest::newRow("stratified, 10 runs of 4 tasks") << false << 10 << 4;
    }
    void coverageOfNormalMeans() {
        QFETCH(bool, clustered);
        QFETCH(int, runs);
        QFETCH(int, tasks);
        constexpr int kStudies = 500;
        int covered = 0;
        for (std::uint64_t study = 0; study < kStudies; ++study) {
            const ScoreMatrix scores =
                normalScores(static_cast<std::size_t>(runs), static_cast<std::size_t>(tasks), 1000 + study);
            const BootstrapOptions options{
                .reps = 400, .seed = study, .resampling = clustered ? Resampling::Clustered : Resampling::Stratified};
            const Estimate estimate = bootstrap(scores, &overallMean, options).front();
            covered += estimate.low <= 0.0 && 0.0 <= estimate.high ? 1 : 0;
        }
        const double expected = clustered ? coverageOfMean(static_cast<std::size_t>(runs), 0.95) : 0.93;
        const double share = covered / static_cast<double>(kStudies); // standard error 0.011 to 0.016
        QVERIFY2(std::abs(share - expected) < 0.03, qPrintable(QString("%1 %2").arg(share).arg(expected)));
    }

    void coverageFallsShortForFewRuns() {
        QVERIFY(std::abs(coverageOfMean(5, 0.95) - 0.845) < 0.002); // t(4) at 1.96 sqrt(4 / 5) = 1.753
        QVERIFY(std::abs(coverageOfMean(10'000, 0.95) - 0.95) < 0.001);
        QVERIFY(std::isnan(coverageOfMean(1, 0.95)));
    }

    void oneRunHasNoInterval() {
        const Estimate alone = bootstrap(ScoreMatrix(1, 2, {1, 2}), &overallMean).front();
        QCOMPARE(alone.value, 1.5);
        QVERIFY(std::isnan(alone.low) && std::isnan(alone.high));
        const Estimate pair =
            bootstrapPair(ScoreMatrix(1, 1, {1}), ScoreMatrix(3, 1, {1, 2, 3}), &meanDifference).front();
        QCOMPARE(pair.value, -1.0);
        QVERIFY(std::isnan(pair.low));
    }

    void performanceProfiles() {
        const ScoreMatrix scores(2, 2, {0, 1, 0.5, 1});
        QCOMPARE(performanceProfile(scores, std::vector{-1.0, 0.0, 0.5, 0.75, 1.0}),
                 (std::vector<double>{1, 0.75, 0.5, 0.5, 0}));
        const auto grid = thresholdGrid(0.0, 1.0, 5);
        QCOMPARE(grid, (std::vector<double>{0, 0.25, 0.5, 0.75, 1}));
        const auto bands = performanceBands(scores, grid, {.reps = kCurveReps});
        QCOMPARE(bands[0].value, 0.75);
        QCOMPARE(bands[0].low, 0.5); // twice the first run
        QCOMPARE(bands[0].high, 1.0);
    }
};

QTEST_APPLESS_MAIN(TestBootstrap)
#include "tst_bootstrap.moc"
