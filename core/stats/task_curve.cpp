// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/stats/task_curve.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>

#include "core/stats/aggregate.h"

namespace knife {

namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

/// Number of evaluations that belong to tasks before the switch at `step`.
std::size_t evaluationsBefore(std::span<const std::int64_t> envStep, std::int64_t step) {
    const auto [first, behind] = std::ranges::equal_range(envStep, step);
    const auto at = behind - first;
    return static_cast<std::size_t>(first - envStep.begin() + (at > 1 ? at - 1 : at));
}

} // namespace

std::vector<TaskCurve> splitByTask(std::span<const std::int64_t> envStep, std::span<const double> score,
                                   std::span<const TaskSwitch> switches, std::int64_t end,
                                   const std::string& onlyTask) {
    assert(envStep.size() == score.size());
    std::vector<TaskCurve> curves;
    std::size_t taken = 0;
    for (std::size_t k = 0; k <= switches.size(); ++k) {
        const bool last = k == switches.size();
        const std::int64_t from = k == 0 ? 0 : switches[k - 1].envStep;
        const std::int64_t to = last ? std::max(end, from) : switches[k].envStep;
        const std::size_t until = last ? score.size() : std::max(evaluationsBefore(envStep, to), taken);
        TaskCurve curve;
        curve.name = k > 0 ? switches[k - 1].to : last ? onlyTask : switches[0].from;
        curve.identity = curve.name;
        curve.length = static_cast<double>(to - from);
        for (; taken < until; ++taken) {
            curve.step.push_back(static_cast<double>(envStep[taken] - from));
            curve.score.push_back(score[taken]);
        }
        curves.push_back(std::move(curve));
    }
    return curves;
}

double areaUnderCurve(const TaskCurve& curve) {
    if (curve.score.empty() || curve.length <= 0.0) {
        return kNone;
    }
    double area = curve.step.front() * curve.score.front() + (curve.length - curve.step.back()) * curve.score.back();
    for (std::size_t i = 1; i < curve.score.size(); ++i) {
        area += (curve.step[i] - curve.step[i - 1]) * (curve.score[i] + curve.score[i - 1]) / 2.0;
    }
    return area / curve.length;
}

double meanScore(const TaskCurve& curve) {
    return mean(curve.score);
}

double startScore(const TaskCurve& curve) {
    return curve.score.empty() ? kNone : curve.score.front();
}

double endScore(const TaskCurve& curve) {
    return curve.score.empty() ? kNone : curve.score.back();
}

double finalScore(const TaskCurve& curve, double share) {
    const std::size_t all = curve.score.size();
    const auto wanted = static_cast<std::size_t>(std::ceil(share * static_cast<double>(all)));
    const std::size_t count = std::min(std::max<std::size_t>(wanted, 1), all);
    return mean(std::span(curve.score).last(count));
}

std::optional<double> stepsToThreshold(const TaskCurve& curve, double threshold) {
    const auto reached = std::ranges::find_if(curve.score, [&](double score) { return score >= threshold; });
    if (reached == curve.score.end()) {
        return std::nullopt;
    }
    return curve.step[static_cast<std::size_t>(reached - curve.score.begin())];
}

TaskCurve scaled(TaskCurve curve, const ScoreScale& scale) {
    const auto scaledScore = [&scale](double score) {
        return (score - scale.zero) / (scale.one - scale.zero);
    };
    std::ranges::transform(curve.score, curve.score.begin(), scaledScore);
    curve.atEnd = scaledScore(curve.atEnd);
    return curve;
}

} // namespace knife
