// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/stats/retention_figures.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "core/stats/aggregate.h"
#include "core/stats/continual.h"

namespace knife {

namespace {

bool knowsItsEnd(const RunCurves& run) {
    return std::ranges::none_of(std::span(run.tasks).first(run.tasks.size() - 1),
                                [](const TaskCurve& task) { return std::isnan(task.atEnd); });
}

ScoreMatrix scoresAtEnd(const ArmCurves& arm) {
    ScoreMatrix scores = scoreMatrix(arm, [](const TaskCurve& task) { return task.atEnd; });
    for (std::size_t r = 0; r < arm.runs.size(); ++r) {
        scores.run(r).back() = endScore(arm.runs[r].tasks.back()); // its own stretch ends there
    }
    return scores;
}

/// The three figures of the sequence, then every task at the end, then what every task but the last has lost.
std::vector<double> allFigures(const ScoreMatrix& ownEnds, const ScoreMatrix& atEnd) {
    const std::vector<double> own = taskMeans(ownEnds);
    const std::vector<double> last = taskMeans(atEnd);
    const Retention whole = retention(own, last);
    std::vector<double> figures{whole.averagePerformance, whole.forgetting, whole.backwardTransfer};
    figures.insert(figures.end(), last.begin(), last.end());
    for (std::size_t task = 0; task + 1 < last.size(); ++task) {
        figures.push_back(own[task] - last[task]);
    }
    return figures;
}

} // namespace

std::optional<RetentionFigures> describeRetention(const ArmCurves& arm, const BootstrapOptions& options) {
    ArmCurves known{arm.name, {}};
    std::ranges::copy_if(arm.runs, std::back_inserter(known.runs), &knowsItsEnd);
    if (known.runs.empty() || known.runs.front().tasks.size() < 2) {
        return std::nullopt;
    }
    const std::size_t tasks = known.runs.front().tasks.size();
    BootstrapOptions ofOneArm = options;
    ofOneArm.tasks = TaskResampling::Fixed; // forgetting speaks of their order
    ofOneArm.pairing = Pairing::Rows;       // both ends are of the same runs
    const std::vector<Estimate> estimates =
        bootstrapPair(scoreMatrix(known, &endScore), scoresAtEnd(known), &allFigures, ofOneArm);
    RetentionFigures figures{.runs = known.runs.size(),
                             .averagePerformance = estimates[0],
                             .forgetting = estimates[1],
                             .backwardTransfer = estimates[2],
                             .atEnd = {},
                             .lost = {}};
    const auto perTask = estimates.begin() + 3;
    figures.atEnd.assign(perTask, perTask + static_cast<std::ptrdiff_t>(tasks));
    figures.lost.assign(perTask + static_cast<std::ptrdiff_t>(tasks), estimates.end());
    return figures;
}

} // namespace knife
