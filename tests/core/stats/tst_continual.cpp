// SPDX-License-Identifier: GPL-3.0-or-later
// Curves of single tasks, figures of sequences, and lines through them.
#include <limits>
#include <numeric>

#include <QTest>
#include <rapidcheck.h>

#include "core/stats/continual.h"
#include "core/stats/line_fit.h"
#include "core/stats/task_curve.h"
#include "core/types/counter_rng.h"
#include "tests/core/stats/stats_checks.h"

using namespace knife;
using knife::test::close;

namespace {

TaskCurve curve(double length, std::vector<double> step, std::vector<double> score) {
    return {"task", "task", length, std::move(step), std::move(score)};
}

double someNumber() {
    return *rc::gen::inRange(-800, 801) / 16.0;
}

/// Evaluations at some steps of a stretch, the first at 0 and the last at its end.
TaskCurve someCurve() {
    TaskCurve any = curve(0, {0}, {someNumber()});
    const int more = *rc::gen::inRange(1, 12);
    for (int i = 0; i < more; ++i) {
        any.step.push_back(any.step.back() + *rc::gen::inRange(1, 500));
        any.score.push_back(someNumber());
    }
    any.length = any.step.back();
    return any;
}

} // namespace

class TestContinual : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void areaByHand() {
        VERIFY_CLOSE(areaUnderCurve(curve(10, {0, 2, 10}, {0, 4, 4})), (2 * 2 + 8 * 4) / 10.0);
        VERIFY_CLOSE(areaUnderCurve(curve(10, {0, 10}, {0, 1})), 0.5);
        VERIFY_CLOSE(areaUnderCurve(curve(10, {2, 6}, {1, 3})), (2 * 1 + 4 * 2 + 4 * 3) / 10.0); // held at both ends
        VERIFY_CLOSE(areaUnderCurve(curve(4, {0, 2, 2, 4}, {0, 0, 1, 1})), 0.5);                 // evaluated twice at 2
        QVERIFY(std::isnan(areaUnderCurve(curve(10, {}, {}))));
        QVERIFY(std::isnan(areaUnderCurve(curve(0, {0}, {1}))));
    }

    void areaProperties() {
        QVERIFY(rc::check("a constant is its own area", [] {
            TaskCurve any = someCurve();
            const double constant = someNumber();
            std::ranges::fill(any.score, constant);
            RC_ASSERT(close(areaUnderCurve(any), constant));
        }));
        QVERIFY(rc::check("areas follow the scale of the scores, and not that of the steps", [] {
            TaskCurve any = someCurve();
            const ScoreScale scale{someNumber(), someNumber()};
            RC_PRE(scale.zero != scale.one);
            const double area = areaUnderCurve(any);
            RC_ASSERT(close(areaUnderCurve(scaled(any, scale)), (area - scale.zero) / (scale.one - scale.zero), 1e-9));
            any.length *= 8;
            for (double& step : any.step) {
                step *= 8;
            }
            RC_ASSERT(close(areaUnderCurve(any), area));
        }));
        QVERIFY(rc::check("an evaluation on the line between its neighbours adds nothing", [] {
            TaskCurve any = someCurve();
            const double area = areaUnderCurve(any);
            any.step.insert(any.step.begin() + 1, (any.step[0] + any.step[1]) / 2);
            any.score.insert(any.score.begin() + 1, (any.score[0] + any.score[1]) / 2);
            RC_ASSERT(close(areaUnderCurve(any), area));
        }));
    }

    void scoresOfACurve() {
        std::vector<double> step(21);
        std::iota(step.begin(), step.end(), 0.0);
        const TaskCurve rising = curve(20, step, step);
        QCOMPARE(startScore(rising), 0.0);
        QCOMPARE(endScore(rising), 20.0);
        QCOMPARE(meanScore(rising), 10.0);
        QCOMPARE(finalScore(rising, 0.1), 19.0); // the last 3 of 21
        QCOMPARE(finalScore(curve(1, {0, 1}, {4, 8}), 0.1), 8.0);
        QCOMPARE(*stepsToThreshold(rising, 6.5), 7.0);
        QCOMPARE(*stepsToThreshold(rising, 7.0), 7.0);
        QVERIFY(!stepsToThreshold(rising, 20.5));
        QVERIFY(std::isnan(finalScore(curve(1, {}, {}))) && std::isnan(endScore(curve(1, {}, {}))));
    }

    void seriesAreCutAtTheSwitches() {
        // At a switch the old task is evaluated, then the new one, at the same step.
        const std::vector<std::int64_t> steps{0, 100, 205, 205, 300, 410, 410, 500};
        const std::vector<double> scores{0, 1, 2, 10, 11, 12, 20, 21};
        const std::vector<TaskSwitch> switches{{205, "a", "b"}, {410, "b", "a"}};
        const auto tasks = splitByTask(steps, scores, switches, 500, "");
        QCOMPARE(tasks.size(), 3U);
        QCOMPARE(tasks[0].name, std::string("a"));
        QCOMPARE(tasks[0].score, (std::vector<double>{0, 1, 2}));
        QCOMPARE(tasks[0].length, 205.0);
        QCOMPARE(tasks[1].name, std::string("b"));
        QCOMPARE(tasks[1].score, (std::vector<double>{10, 11, 12}));
        QCOMPARE(tasks[1].step, (std::vector<double>{0, 95, 205}));
        QCOMPARE(tasks[2].identity, tasks[0].identity);
        QCOMPARE(tasks[2].score, (std::vector<double>{20, 21}));
        QCOMPARE(tasks[2].length, 90.0);
    }

    void seriesWithoutSwitchesAndWithGaps() {
        const auto whole = splitByTask(std::vector<std::int64_t>{0, 5}, std::vector<double>{1, 2}, {}, 8, "only");
        QCOMPARE(whole.size(), 1U);
        QCOMPARE(whole[0].name, std::string("only"));
        QCOMPARE(whole[0].length, 8.0);
        // The run ended at the switch: the new task has no evaluation yet. A person asked for one more at step 10.
        const std::vector<TaskSwitch> atEnd{{10, "a", "b"}};
        const auto cut = splitByTask(std::vector<std::int64_t>{0, 10}, std::vector<double>{1, 2}, atEnd, 10, "");
        QCOMPARE(cut[0].score.size(), 2U);
        QVERIFY(cut[1].score.empty());
        QVERIFY(std::isnan(areaUnderCurve(cut[1])));
        const auto asked =
            splitByTask(std::vector<std::int64_t>{0, 10, 10, 10}, std::vector<double>{1, 2, 3, 4}, atEnd, 20, "");
        QCOMPARE(asked[0].score, (std::vector<double>{1, 2, 3}));
        QCOMPARE(asked[1].score, (std::vector<double>{4}));
    }

    void figuresBesideAFreshAgent() {
        VERIFY_CLOSE(adaptationGap(0.4, 0.6), 0.2);
        VERIFY_CLOSE(forwardTransfer(0.7, 0.6), 0.25);
        QVERIFY(std::isnan(forwardTransfer(0.7, 1.0)));
        VERIFY_CLOSE(relativeTransfer(0.7, 0.5), 0.4);
        VERIFY_CLOSE(relativePlasticity(0.4, 0.5), 0.8);
        QVERIFY(std::isnan(relativeTransfer(0.7, 0.0)) && std::isnan(relativePlasticity(0.7, -1.0)));
        VERIFY_CLOSE(meanTransfer(std::vector{9.0, 1.0, std::nan(""), 2.0}), 1.5); // not of the first task
        QVERIFY(std::isnan(meanTransfer(std::vector{9.0})));
    }

    void tasksThatComeAgain() {
        const std::vector<std::string> order{"a", "b", "a", "c", "a"};
        const auto found = recurrences(order);
        QCOMPARE(found.size(), 2U);
        QCOMPARE(found[0].task, 2U);
        QCOMPARE(found[0].first, 0U);
        QCOMPARE(found[0].visit, 2U);
        QCOMPARE(found[1].task, 4U);
        QCOMPARE(found[1].first, 0U);
        QCOMPARE(found[1].previous, 2U);
        QCOMPARE(found[1].visit, 3U);
    }

    void timeToThresholdIsRestricted() {
        const RestrictedMean found = restrictedMean(std::vector<std::optional<double>>{20.0, std::nullopt, 60.0}, 100);
        VERIFY_CLOSE(found.steps, 60.0);
        VERIFY_CLOSE(found.reached, 2.0 / 3);
    }

    void oldTasksAreForgotten() {
        const Retention found = retention(std::vector{.9, .8, .7}, std::vector{.3, .6, .7});
        VERIFY_CLOSE(found.averagePerformance, (.3 + .6 + .7) / 3);
        VERIFY_CLOSE(found.forgetting, ((.9 - .3) + (.8 - .6)) / 2);
        VERIFY_CLOSE(found.backwardTransfer, -found.forgetting);
        QVERIFY(std::isnan(retention(std::vector{.9}, std::vector{.9}).forgetting));
    }

    void linesByHand() {
        const LineFit fit = fitLine(std::vector{1.0, 2.0, 3.0, 4.0}, std::vector{2.0, 1.0, 4.0, 3.0});
        VERIFY_CLOSE(fit.slope, 0.6);
        VERIFY_CLOSE(fit.intercept, 1.0);
        // Residuals .4 -1.2 1.2 -.4: 3.2 / 2 degrees of freedom over a spread of 5; t(2) at 97.5 % is 4.30265…
        VERIFY_CLOSE(fit.slopeStandardError, std::sqrt(3.2 / 2 / 5));
        QVERIFY(close(fit.slopeHigh - fit.slope, 4.302652729911275 * fit.slopeStandardError, 1e-9));
        QVERIFY(std::isnan(fitLine(std::vector{1.0, 1.0}, std::vector{2.0, 3.0}).slope));
        QVERIFY(std::isnan(fitLine(std::vector{1.0, 2.0}, std::vector{2.0, 3.0}).slopeLow));
        QVERIFY(std::isnan(slopeOverIndex(std::vector{1.0})));
    }

    void linesAreFound() {
        QVERIFY(rc::check("points on a line give that line, and both ways of finding a slope agree", [] {
            const double intercept = someNumber();
            const double slope = someNumber();
            const auto count = *rc::gen::inRange<std::size_t>(3, 30);
            std::vector<double> x(count);
            std::iota(x.begin(), x.end(), 1.0);
            std::vector<double> y;
            for (const double at : x) {
                y.push_back(intercept + slope * at);
            }
            const LineFit fit = fitLine(x, y);
            RC_ASSERT(close(fit.slope, slope, 1e-9) && close(fit.intercept, intercept, 1e-9));
            RC_ASSERT(fit.slopeLow <= slope + 1e-9 && fit.slopeHigh >= slope - 1e-9);
            y[0] += someNumber();
            RC_ASSERT(close(slopeOverIndex(y), fitLine(x, y).slope, 1e-9));
        }));
    }

    void slopeIntervalCovers() {
        constexpr int kStudies = 2000;
        std::vector<double> x(8);
        std::iota(x.begin(), x.end(), 1.0);
        int covered = 0;
        for (std::uint64_t study = 0; study < kStudies; ++study) {
            CounterRng random({3, "test.lines", study});
            std::vector<double> y;
            for (const double at : x) {
                y.push_back(0.5 * at + random.normal());
            }
            const LineFit fit = fitLine(x, y);
            covered += fit.slopeLow <= 0.5 && 0.5 <= fit.slopeHigh ? 1 : 0;
        }
        const double share = covered / static_cast<double>(kStudies);
        QVERIFY2(share > 0.935 && share < 0.965, qPrintable(QString::number(share)));
    }
};

QTEST_APPLESS_MAIN(TestContinual)
#include "tst_continual.moc"
