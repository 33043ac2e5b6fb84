// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/stats/fresh_figures.h"

#include <cassert>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>

#include "core/stats/aggregate.h"
#include "core/stats/continual.h"

namespace knife {

namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

using PerTask = std::vector<double>;

template <typename Figure>
PerTask perTask(const PerTask& arm, const PerTask& fresh, Figure figure) {
    PerTask values(arm.size());
    for (std::size_t t = 0; t < arm.size(); ++t) {
        values[t] = figure(arm[t], fresh[t]);
    }
    return values;
}

/// The gaps of all tasks, and behind them the figures of the whole sequence.
PerTask areaFigures(const PerTask& arm, const PerTask& fresh) {
    PerTask figures = perTask(arm, fresh, &adaptationGap);
    const double meanGap = mean(figures);
    const double slope = slopeOverIndex(figures);
    figures.insert(figures.end(), {meanGap, slope, meanTransfer(perTask(arm, fresh, &forwardTransfer)),
                                   meanTransfer(perTask(arm, fresh, &relativeTransfer)),
                                   meanOfDefined(perTask(arm, fresh, &relativePlasticity))});
    return figures;
}

void addAreaFigures(FreshFigures& figures, const ArmCurves& arm, const ArmCurves& fresh,
                    const BootstrapOptions& options) {
    const ScoreMatrix areas = scoreMatrix(arm, &areaUnderCurve);
    const ScoreMatrix freshAreas = scoreMatrix(fresh, &areaUnderCurve);
    const PairStatistic statistic = [](const ScoreMatrix& a, const ScoreMatrix& f) {
        return areaFigures(taskMeans(a), taskMeans(f));
    };
    const std::vector<Estimate> estimates = bootstrapPair(areas, freshAreas, statistic, options);
    const PerTask mine = taskMeans(areas);
    const PerTask theirs = taskMeans(freshAreas);
    const std::size_t tasks = figures.tasks.size();
    for (std::size_t t = 0; t < tasks; ++t) {
        FreshTaskFigures& task = figures.tasks[t];
        task.gap = estimates[t];
        task.forwardTransfer = forwardTransfer(mine[t], theirs[t]);
        task.relativeTransfer = relativeTransfer(mine[t], theirs[t]);
        task.relativePlasticity = relativePlasticity(mine[t], theirs[t]);
    }
    figures.gap = estimates[tasks];
    figures.gapSlope = estimates[tasks + 1];
    figures.forwardTransfer = estimates[tasks + 2];
    figures.relativeTransfer = estimates[tasks + 3];
    figures.relativePlasticity = estimates[tasks + 4];

    PerTask numbers(tasks);
    std::iota(numbers.begin(), numbers.end(), 1.0);
    figures.gapLine = fitLine(numbers, perTask(mine, theirs, &adaptationGap), options.level);
}

void addEndFigures(FreshFigures& figures, const ArmCurves& arm, const ArmCurves& fresh,
                   const BootstrapOptions& options) {
    const PairStatistic statistic = [](const ScoreMatrix& a, const ScoreMatrix& f) {
        PerTask gaps = perTask(taskMeans(a), taskMeans(f), &adaptationGap);
        gaps.push_back(mean(gaps));
        return gaps;
    };
    const std::vector<Estimate> estimates =
        bootstrapPair(scoreMatrix(arm, &endScore), scoreMatrix(fresh, &endScore), statistic, options);
    const PerTask starts = taskMeans(scoreMatrix(arm, &startScore));
    const PerTask freshStarts = taskMeans(scoreMatrix(fresh, &startScore));
    for (std::size_t t = 0; t < figures.tasks.size(); ++t) {
        figures.tasks[t].finalGap = estimates[t];
        figures.tasks[t].jumpStart = starts[t] - freshStarts[t];
    }
    figures.finalGap = estimates.back();
}

/// A run's steps to the threshold on a task, at most the length of its stretch; and whether it got there.
struct Reach {
    double steps = kNone;
    bool reached = false;
};

Reach reach(const TaskCurve& curve, double threshold) {
    if (std::isnan(threshold)) {
        return {};
    }
    const RestrictedMean one = restrictedMean(std::vector{stepsToThreshold(curve, threshold)}, curve.length);
    return {one.steps, one.reached > 0.0};
}

void addThresholds(FreshFigures& figures, const ArmCurves& arm, const ArmCurves& fresh, const FreshOptions& options) {
    const PerTask freshEnds = taskMeans(scoreMatrix(fresh, &endScore));
    ScoreMatrix steps(arm.runs.size(), figures.tasks.size());
    for (std::size_t t = 0; t < figures.tasks.size(); ++t) {
        FreshTaskFigures& task = figures.tasks[t];
        // A share of a score that is not positive is no goal on the way to it.
        task.threshold = freshEnds[t] > 0.0 ? options.thresholdShare * freshEnds[t] : kNone;
        PerTask reached;
        for (std::size_t r = 0; r < arm.runs.size(); ++r) {
            const Reach of = reach(arm.runs[r].tasks[t], task.threshold);
            steps.at(r, t) = of.steps;
            reached.push_back(of.reached ? 1.0 : 0.0);
        }
        task.reached = std::isnan(task.threshold) ? kNone : mean(reached);
        PerTask freshSteps;
        for (const RunCurves& run : fresh.runs) {
            freshSteps.push_back(reach(run.tasks[t], task.threshold).steps);
        }
        task.freshSteps = mean(freshSteps);
    }
    const std::vector<Estimate> estimates = bootstrap(steps, &taskMeans, options.bootstrap);
    for (std::size_t t = 0; t < figures.tasks.size(); ++t) {
        figures.tasks[t].stepsToThreshold = estimates[t];
    }
}

} // namespace

FreshFigures compareToFresh(const ArmCurves& arm, const ArmCurves& fresh, const FreshOptions& options) {
    assert(sameTasks(arm, fresh));
    FreshOptions fixed = options;
    fixed.bootstrap = pairedIfPossible(options.bootstrap, arm, fresh);
    fixed.bootstrap.tasks = TaskResampling::Fixed;
    FreshFigures figures;
    figures.runs = fresh.runs.size();
    figures.paired = fixed.bootstrap.pairing == Pairing::Rows;
    for (const TaskCurve& task : arm.runs.front().tasks) {
        figures.tasks.emplace_back().name = task.name;
    }
    addAreaFigures(figures, arm, fresh, fixed.bootstrap);
    addEndFigures(figures, arm, fresh, fixed.bootstrap);
    addThresholds(figures, arm, fresh, fixed);
    return figures;
}

} // namespace knife
