// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/stats/arm_figures.h"

#include <algorithm>
#include <cassert>

#include "core/stats/aggregate.h"

namespace knife {

namespace {

void addAggregates(ArmFigures& figures, const ScoreMatrix& scores, const BootstrapOptions& options) {
    const Statistic statistic = [](const ScoreMatrix& sample) {
        const Aggregates aggregates = aggregate(sample);
        return std::vector{aggregates.mean, aggregates.median, aggregates.iqm, aggregates.optimalityGap};
    };
    const std::vector<Estimate> estimates = bootstrap(scores, statistic, options);
    figures.mean = estimates[0];
    figures.median = estimates[1];
    figures.iqm = estimates[2];
    figures.optimalityGap = estimates[3];
    const std::vector<double> means = runMeans(scores);
    figures.standardDeviation = standardDeviation(means);
    figures.standardError = standardError(means);
}

/// Tasks stand one by one here: drawing other tasks in their place would say nothing of them.
BootstrapOptions perTask(BootstrapOptions options) {
    options.tasks = TaskResampling::Fixed;
    return options;
}

std::vector<RecurrenceFigures> recurrenceFigures(const ArmCurves& arm, const BootstrapOptions& options) {
    const std::vector<TaskCurve>& sequence = arm.runs.front().tasks;
    std::vector<std::string> identities;
    for (const TaskCurve& task : sequence) {
        identities.push_back(task.identity);
    }
    const std::vector<Recurrence> visits = recurrences(identities);
    if (visits.empty()) {
        return {};
    }
    const std::vector<Estimate> ratios = bootstrap(
        scoreMatrix(arm, &areaUnderCurve),
        [&visits](const ScoreMatrix& sample) {
            const std::vector<double> areas = taskMeans(sample);
            std::vector<double> values;
            for (const Recurrence& visit : visits) {
                values.push_back(relativePlasticity(areas[visit.task], areas[visit.first]));
            }
            return values;
        },
        options);
    ScoreMatrix lost(arm.runs.size(), visits.size());
    for (std::size_t r = 0; r < arm.runs.size(); ++r) {
        for (std::size_t v = 0; v < visits.size(); ++v) {
            const std::vector<TaskCurve>& tasks = arm.runs[r].tasks;
            lost.at(r, v) = endScore(tasks[visits[v].previous]) - startScore(tasks[visits[v].task]);
        }
    }
    const std::vector<Estimate> forgetting = bootstrap(lost, &taskMeans, options);
    std::vector<RecurrenceFigures> figures;
    for (std::size_t v = 0; v < visits.size(); ++v) {
        figures.push_back({visits[v], sequence[visits[v].task].name, ratios[v], forgetting[v]});
    }
    return figures;
}

} // namespace

bool sameTasks(const ArmCurves& a, const ArmCurves& b) {
    if (a.runs.empty() || b.runs.empty()) {
        return false;
    }
    return std::ranges::equal(a.runs.front().tasks, b.runs.front().tasks, {}, &TaskCurve::identity,
                              &TaskCurve::identity);
}

bool sameSeeds(const ArmCurves& a, const ArmCurves& b) {
    return std::ranges::equal(a.runs, b.runs, {}, &RunCurves::seed, &RunCurves::seed);
}

BootstrapOptions pairedIfPossible(BootstrapOptions options, const ArmCurves& a, const ArmCurves& b) {
    options.pairing = sameSeeds(a, b) ? options.pairing : Pairing::Independent;
    return options;
}

ScoreMatrix scoreMatrix(const ArmCurves& arm, TaskScore score) {
    ScoreMatrix matrix(arm.runs.size(), arm.runs.empty() ? 0 : arm.runs.front().tasks.size());
    for (std::size_t r = 0; r < matrix.runs(); ++r) {
        assert(arm.runs[r].tasks.size() == matrix.tasks());
        std::ranges::transform(arm.runs[r].tasks, matrix.run(r).begin(), score);
    }
    return matrix;
}

double lastTenthScore(const TaskCurve& curve) {
    return finalScore(curve, 0.1);
}

ArmFigures describeArm(const ArmCurves& arm, TaskScore score, const BootstrapOptions& options) {
    assert(!arm.runs.empty());
    const ScoreMatrix scores = scoreMatrix(arm, score);
    ArmFigures figures;
    figures.name = arm.name;
    figures.runs = arm.runs.size();
    addAggregates(figures, scores, options);
    const Statistic overall = [](const ScoreMatrix& sample) {
        return std::vector{mean(taskMeans(sample))};
    };
    figures.onlineAverage = bootstrap(scoreMatrix(arm, &meanScore), overall, options).front();

    const BootstrapOptions fixed = perTask(options);
    const std::vector<Estimate> perScore = bootstrap(scores, &taskMeans, fixed);
    const std::vector<Estimate> starts = bootstrap(scoreMatrix(arm, &startScore), &taskMeans, fixed);
    const std::vector<Estimate> ends = bootstrap(scoreMatrix(arm, &endScore), &taskMeans, fixed);
    for (std::size_t t = 0; t < scores.tasks(); ++t) {
        figures.tasks.push_back({arm.runs.front().tasks[t].name, perScore[t], starts[t], ends[t]});
    }
    figures.recurrences = recurrenceFigures(arm, fixed);
    return figures;
}

} // namespace knife
