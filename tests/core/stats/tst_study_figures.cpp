// SPDX-License-Identifier: GPL-3.0-or-later
// Figures of whole arms, from curves whose results are known.
#include <QTest>

#include "core/stats/arm_figures.h"
#include "core/stats/baseline_figures.h"
#include "core/stats/fresh_arm.h"
#include "core/stats/fresh_figures.h"
#include "core/stats/retention_figures.h"
#include "tests/core/stats/stats_checks.h"

using namespace knife;

namespace {

/// From 0 straight up to `top` at half of the stretch of 100 steps, then level: its area is 3/4 of the top.
TaskCurve ramp(const std::string& name, double top) {
    return {name, name, 100, {0, 25, 50, 75, 100}, {0, top / 2, top, top, top}};
}

/// Runs of the tasks a b a. Run r reaches tops[k] + spread * r on task k.
ArmCurves arm(const std::string& name, const std::vector<double>& tops, double spread = 0.0, std::size_t runs = 4) {
    const std::vector<std::string> tasks{"a", "b", "a"};
    ArmCurves curves{name, {}};
    for (std::size_t r = 0; r < runs; ++r) {
        RunCurves run{name + std::to_string(r), r + 1, {}};
        for (std::size_t k = 0; k < tasks.size(); ++k) {
            run.tasks.push_back(ramp(tasks[k], tops[k] + spread * static_cast<double>(r)));
        }
        curves.runs.push_back(std::move(run));
    }
    return curves;
}

const BootstrapOptions kFew{.reps = 500};

} // namespace

class TestStudyFigures : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void anArmByItself() {
        const ArmFigures figures = describeArm(arm("x", {0.8, 0.4, 0.2}, 0.1), &areaUnderCurve, kFew);
        QCOMPARE(figures.runs, 4U);
        VERIFY_CLOSE(figures.tasks[0].score.value, 0.75 * 0.95); // tops .8 .9 1.0 1.1
        VERIFY_CLOSE(figures.tasks[1].end.value, 0.55);
        QCOMPARE(figures.tasks[2].start.value, 0.0);
        VERIFY_CLOSE(figures.mean.value, 0.75 * (0.95 + 0.55 + 0.35) / 3);
        VERIFY_CLOSE(figures.median.value, 0.75 * 0.55);
        VERIFY_CLOSE(figures.onlineAverage.value, 0.7 * (0.95 + 0.55 + 0.35) / 3); // 0 .5 1 1 1 of the top
        VERIFY_CLOSE(figures.standardDeviation, 0.75 * 0.1 * std::sqrt(5.0 / 3));
        QVERIFY(figures.mean.low < figures.mean.value && figures.mean.value < figures.mean.high);
    }

    void aTaskThatComesAgain() {
        const ArmFigures figures = describeArm(arm("x", {0.8, 0.4, 0.2}), &areaUnderCurve, kFew);
        QCOMPARE(figures.recurrences.size(), 1U);
        VERIFY_CLOSE(figures.recurrences[0].ratio.value, 0.25);
        VERIFY_CLOSE(figures.recurrences[0].forgetting.value, 0.8); // it begins at 0 again
    }

    void whatIsLeftAtTheEnd() {
        ArmCurves runs = arm("x", {0.8, 0.4, 0.2}, 0.1); // own ends .8 .4 .2, one tenth more in every run
        for (std::size_t r = 0; r < runs.runs.size(); ++r) {
            runs.runs[r].tasks[0].atEnd = 0.3 + 0.1 * static_cast<double>(r); // every run loses .5
            runs.runs[r].tasks[1].atEnd = 0.6;                                // -.2 -.1 0 .1
        }
        BootstrapOptions options = kFew;
        options.tasks = TaskResampling::Resampled; // they stay in order all the same
        const auto figures = describeRetention(runs, options);
        QVERIFY(figures.has_value());
        QCOMPARE(figures->runs, 4U);
        VERIFY_CLOSE(figures->averagePerformance.value, (0.45 + 0.6 + 0.35) / 3);
        VERIFY_CLOSE(figures->lost[0].value, 0.5);
        VERIFY_CLOSE(figures->lost[0].low, 0.5); // both ends are resampled by run
        VERIFY_CLOSE(figures->lost[0].high, 0.5);
        VERIFY_CLOSE(figures->lost[1].value, -0.05);
        QVERIFY(figures->lost[1].low < -0.1 && figures->lost[1].high > 0.0);
        QCOMPARE(figures->lost.size(), 2U);
        QCOMPARE(figures->atEnd.size(), 3U);
        VERIFY_CLOSE(figures->atEnd[2].value, 0.35); // the last task's stretch ends with the sequence
        VERIFY_CLOSE(figures->forgetting.value, (0.5 - 0.05) / 2);
        VERIFY_CLOSE(figures->backwardTransfer.value, -figures->forgetting.value);
        VERIFY_CLOSE(figures->backwardTransfer.low, -figures->forgetting.high);
    }

    void onlyRunsThatLookedBackAreCounted() {
        ArmCurves runs = arm("x", {0.8, 0.4, 0.2});
        QVERIFY(!describeRetention(runs, kFew));
        runs.runs[1].tasks[0].atEnd = 0.1;
        QVERIFY(!describeRetention(runs, kFew)); // one of two tasks is no sequence
        runs.runs[1].tasks[1].atEnd = 0.4;
        const auto figures = describeRetention(runs, kFew);
        QVERIFY(figures.has_value());
        QCOMPARE(figures->runs, 1U);
        VERIFY_CLOSE(figures->forgetting.value, 0.35);
        QVERIFY(std::isnan(figures->forgetting.low));
        for (RunCurves& run : runs.runs) {
            run.tasks.resize(1);
        }
        QVERIFY(!describeRetention(runs, kFew));
    }

    void theScoreIsAChoice() {
        const ArmFigures figures = describeArm(arm("x", {0.8, 0.4, 0.2}), &lastTenthScore, kFew);
        VERIFY_CLOSE(figures.tasks[0].score.value, 0.8);
    }

    void anArmThatLosesPlasticity() {
        const FreshFigures figures = compareToFresh(arm("x", {0.8, 0.6, 0.4}), arm("fresh", {0.8, 0.8, 0.8}), {kFew});
        VERIFY_CLOSE(figures.tasks[0].gap.value, 0.0);
        VERIFY_CLOSE(figures.tasks[2].gap.value, 0.75 * 0.4);
        VERIFY_CLOSE(figures.tasks[2].finalGap.value, 0.4);
        VERIFY_CLOSE(figures.gap.value, 0.75 * 0.2);
        VERIFY_CLOSE(figures.gapSlope.value, 0.75 * 0.2);
        VERIFY_CLOSE(figures.gapLine.slope, 0.75 * 0.2);
        VERIFY_CLOSE(figures.gapSlope.low, 0.75 * 0.2); // all seeds agree
        VERIFY_CLOSE(figures.tasks[1].relativePlasticity, 0.75);
        VERIFY_CLOSE(figures.tasks[1].relativeTransfer, -0.25);
        VERIFY_CLOSE(figures.tasks[1].forwardTransfer, (0.45 - 0.6) / 0.4);
        VERIFY_CLOSE(figures.relativeTransfer.value, -(0.25 + 0.5) / 2); // the first task has no part in it
        QCOMPARE(figures.tasks[1].jumpStart, 0.0);
        // A task without a ratio leaves one for the whole sequence.
        const FreshFigures some = compareToFresh(arm("x", {0.8, 0.6, 0.4}), arm("fresh", {0.8, -0.2, 0.8}), {kFew});
        QVERIFY(std::isnan(some.tasks[1].relativePlasticity));
        VERIFY_CLOSE(some.relativePlasticity.value, (1.0 + 0.5) / 2);
        VERIFY_CLOSE(some.relativePlasticity.low, (1.0 + 0.5) / 2);
    }

    void timeToThreshold() {
        const FreshFigures figures = compareToFresh(arm("x", {0.8, 0.7, 0.4}), arm("fresh", {0.8, 0.8, 0.8}), {kFew});
        VERIFY_CLOSE(figures.tasks[0].threshold, 0.64);
        QCOMPARE(figures.tasks[0].stepsToThreshold.value, 50.0);
        QCOMPARE(figures.tasks[0].freshSteps, 50.0);
        QCOMPARE(figures.tasks[0].reached, 1.0);
        QCOMPARE(figures.tasks[2].stepsToThreshold.value, 100.0); // never: restricted to the stretch
        QCOMPARE(figures.tasks[2].reached, 0.0);
        const FreshFigures negative = compareToFresh(arm("x", {-1, -1, -1}), arm("fresh", {-1, -1, -1}), {kFew});
        QVERIFY(std::isnan(negative.tasks[0].threshold) && std::isnan(negative.tasks[0].reached));
        QVERIFY(std::isnan(negative.tasks[0].stepsToThreshold.value));
    }

    void aFreshArmOutOfSingleTasks() {
        const ArmCurves sequence = arm("x", {0.8, 0.4, 0.2});
        std::vector<RunCurves> singles{{"a1", 1, {ramp("a", 0.9)}},
                                       {"b1", 1, {ramp("b", 0.7)}},
                                       {"a2", 2, {ramp("a", 0.8)}},              // seed 2 misses b
                                       {"c1", 1, {ramp("c", 0), ramp("a", 0)}}}; // met after c: not fresh
        const auto fresh = freshFromSingleTasks(sequence, singles);
        QVERIFY(fresh.has_value());
        QCOMPARE(fresh->runs.size(), 1U);
        QVERIFY(sameTasks(sequence, *fresh));
        QCOMPARE(endScore(fresh->runs[0].tasks[0]), 0.9);
        QCOMPARE(endScore(fresh->runs[0].tasks[2]), 0.9);
        singles.erase(singles.begin() + 1);
        QVERIFY(!freshFromSingleTasks(sequence, singles));
    }

    void anArmBesideABaseline() {
        const ArmCurves better = arm("x", {0.9, 0.9, 0.9}, 0.1, 5);
        const ArmCurves baseline = arm("y", {0.4, 0.4, 0.4}, 0.01, 5);
        BaselineFigures figures = compareToBaseline(better, baseline, &areaUnderCurve, kFew);
        VERIFY_CLOSE(figures.difference.value, 0.75 * (1.1 - 0.42));
        QCOMPARE(figures.probabilityOfImprovement.value, 1.0);
        QCOMPARE(figures.permutation.pairs, 5U);
        QCOMPARE(figures.permutation.p, 0.0625);
        QCOMPARE(figures.wilcoxon.p, 0.0625);
        BaselineFigures same = compareToBaseline(baseline, baseline, &areaUnderCurve, kFew);
        QCOMPARE(same.probabilityOfImprovement.value, 0.5);
        QCOMPARE(same.wilcoxon.p, 1.0);
        std::vector<BaselineFigures*> all{&figures, &same};
        adjustForNumber(all);
        QCOMPARE(figures.permutationHolm, 0.125);
        QCOMPARE(same.wilcoxonHolm, 1.0);
    }

    void equalSeedsAreResampledTogether() {
        BootstrapOptions bySeed = kFew;
        bySeed.pairing = Pairing::Rows;
        const ArmCurves fresh = arm("fresh", {0.8, 0.8, 0.8}, 0.1);
        ArmCurves worse = arm("x", {0.7, 0.7, 0.7}, 0.1);
        const FreshFigures paired = compareToFresh(worse, fresh, {bySeed});
        QVERIFY(paired.paired);
        VERIFY_CLOSE(paired.gap.low, 0.75 * 0.1); // every seed has the same gap
        const FreshFigures independent = compareToFresh(worse, fresh, {kFew});
        QVERIFY(!independent.paired && independent.gap.low < 0.75 * 0.1 - 0.02);
        const BaselineFigures beside = compareToBaseline(worse, fresh, &areaUnderCurve, bySeed);
        QVERIFY(beside.paired);
        VERIFY_CLOSE(beside.difference.high, -0.75 * 0.1);
        QVERIFY(beside.probabilityOfImprovement.low < beside.probabilityOfImprovement.high);
        worse.runs[0].seed = 77;
        QVERIFY(!compareToFresh(worse, fresh, {bySeed}).paired);
    }

    void onlySharedSeedsArePaired() {
        const ArmCurves many = arm("x", {0.9, 0.9, 0.9}, 0.1, 6);
        ArmCurves few = arm("y", {0.4, 0.4, 0.4}, 0.0, 3);
        few.runs[0].seed = 99;
        QCOMPARE(compareToBaseline(many, few, &areaUnderCurve, kFew).permutation.pairs, 2U);
    }
};

QTEST_APPLESS_MAIN(TestStudyFigures)
#include "tst_study_figures.moc"
