// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/ctl/compare_json.h"

#include <algorithm>

namespace knife {

namespace {

Json toJson(const Estimate& estimate) {
    return {{"value", numberOrNull(estimate.value)},
            {"low", numberOrNull(estimate.low)},
            {"high", numberOrNull(estimate.high)}};
}

Json toJson(const PairedTest& test, double holm) {
    return {{"pairs", test.pairs},
            {"statistic", numberOrNull(test.statistic)},
            {"p", numberOrNull(test.p)},
            {"p_holm", numberOrNull(holm)},
            {"exact", test.exact}};
}

Json numbers(const std::vector<double>& values) {
    Json list = Json::array();
    for (const double value : values) {
        list.push_back(numberOrNull(value));
    }
    return list;
}

Json runsJson(const StudyArm& arm, TaskScore score) {
    Json list = Json::array();
    for (const RunCurves& run : arm.curves.runs) {
        std::vector<double> scores(run.tasks.size());
        std::ranges::transform(run.tasks, scores.begin(), score);
        list.push_back({{"run", run.run}, {"seed", run.seed}, {"scores", numbers(scores)}});
    }
    return list;
}

Json freshTaskJson(const FreshTaskFigures& task) {
    return {{"gap", toJson(task.gap)},
            {"final_gap", toJson(task.finalGap)},
            {"jump_start", numberOrNull(task.jumpStart)},
            {"forward_transfer", numberOrNull(task.forwardTransfer)},
            {"relative_transfer", numberOrNull(task.relativeTransfer)},
            {"relative_plasticity", numberOrNull(task.relativePlasticity)},
            {"threshold", numberOrNull(task.threshold)},
            {"steps_to_threshold", toJson(task.stepsToThreshold)},
            {"reached_threshold", numberOrNull(task.reached)},
            {"fresh_steps_to_threshold", numberOrNull(task.freshSteps)}};
}

Json retentionJson(const StudyArm& arm) {
    if (!arm.retention) {
        return nullptr;
    }
    return {{"runs", arm.retention->runs},
            {"average_performance", toJson(arm.retention->averagePerformance)},
            {"forgetting", toJson(arm.retention->forgetting)},
            {"backward_transfer", toJson(arm.retention->backwardTransfer)}};
}

Json tasksJson(const StudyArm& arm) {
    Json list = Json::array();
    for (std::size_t t = 0; t < arm.figures.tasks.size(); ++t) {
        const TaskFigures& task = arm.figures.tasks[t];
        Json json{{"index", t},
                  {"name", task.name},
                  {"length", numberOrNull(arm.curves.runs.front().tasks[t].length)},
                  {"score", toJson(task.score)},
                  {"start", toJson(task.start)},
                  {"end", toJson(task.end)}};
        if (arm.fresh) {
            json.update(freshTaskJson(arm.fresh->tasks[t]));
        }
        if (arm.retention) {
            json["at_end"] = toJson(arm.retention->atEnd[t]);
            json["forgetting"] = t < arm.retention->lost.size() ? toJson(arm.retention->lost[t]) : Json(nullptr);
        }
        list.push_back(std::move(json));
    }
    return list;
}

Json freshJson(const StudyArm& arm) {
    if (!arm.fresh) {
        return nullptr;
    }
    const FreshFigures& fresh = *arm.fresh;
    return {{"arm", arm.freshName},
            {"runs", fresh.runs},
            {"paired", fresh.paired},
            {"gap", toJson(fresh.gap)},
            {"final_gap", toJson(fresh.finalGap)},
            {"gap_slope", toJson(fresh.gapSlope)},
            {"gap_line",
             {{"intercept", numberOrNull(fresh.gapLine.intercept)},
              {"slope", numberOrNull(fresh.gapLine.slope)},
              {"standard_error", numberOrNull(fresh.gapLine.slopeStandardError)},
              {"low", numberOrNull(fresh.gapLine.slopeLow)},
              {"high", numberOrNull(fresh.gapLine.slopeHigh)}}},
            {"forward_transfer", toJson(fresh.forwardTransfer)},
            {"relative_transfer", toJson(fresh.relativeTransfer)},
            {"relative_plasticity", toJson(fresh.relativePlasticity)}};
}

Json baselineJson(const Study& study, const StudyArm& arm) {
    if (!arm.besideBaseline) {
        return nullptr;
    }
    const BaselineFigures& figures = *arm.besideBaseline;
    return {{"arm", study.arms[*arm.baseline].arm.name},
            {"paired", figures.paired},
            {"difference", toJson(figures.difference)},
            {"probability_of_improvement", toJson(figures.probabilityOfImprovement)},
            {"permutation", toJson(figures.permutation, figures.permutationHolm)},
            {"wilcoxon", toJson(figures.wilcoxon, figures.wilcoxonHolm)}};
}

Json recurrencesJson(const StudyArm& arm) {
    Json list = Json::array();
    for (const RecurrenceFigures& figures : arm.figures.recurrences) {
        list.push_back({{"task", figures.visit.task},
                        {"first", figures.visit.first},
                        {"visit", figures.visit.visit},
                        {"name", figures.name},
                        {"ratio", toJson(figures.ratio)},
                        {"forgetting", toJson(figures.forgetting)}});
    }
    return list;
}

Json profileJson(const Study& study, const StudyArm& arm) {
    Json json{{"tau", numbers(study.taus)}};
    for (const auto& [key, part] :
         {std::pair("share", &Estimate::value), std::pair("low", &Estimate::low), std::pair("high", &Estimate::high)}) {
        std::vector<double> values;
        for (const Estimate& estimate : arm.profile) {
            values.push_back(estimate.*part);
        }
        json[key] = numbers(values);
    }
    return json;
}

Json armJson(const Study& study, const StudyArm& arm, TaskScore score) {
    const ArmFigures& figures = arm.figures;
    std::vector<std::string> experiments;
    for (const std::size_t member : arm.arm.members) {
        const std::string& name = study.configs[member].experiment;
        if (std::ranges::count(experiments, name) == 0) {
            experiments.push_back(name);
        }
    }
    return {{"arm", arm.arm.name},
            {"experiments", experiments},
            {"runs", figures.runs},
            {"mean", toJson(figures.mean)},
            {"median", toJson(figures.median)},
            {"iqm", toJson(figures.iqm)},
            {"optimality_gap", study.options.scale ? toJson(figures.optimalityGap) : Json(nullptr)},
            {"std", numberOrNull(figures.standardDeviation)},
            {"standard_error", numberOrNull(figures.standardError)},
            {"online_average", toJson(figures.onlineAverage)},
            {"retention", retentionJson(arm)},
            {"fresh", freshJson(arm)},
            {"baseline", baselineJson(study, arm)},
            {"tasks", tasksJson(arm)},
            {"recurrences", recurrencesJson(arm)},
            {"profile", profileJson(study, arm)},
            {"scores", runsJson(arm, score)}};
}

Json scaleJson(const StudyOptions& options) {
    if (!options.scale) {
        return nullptr;
    }
    return {{"zero", options.scale->zero}, {"one", options.scale->one ? Json(*options.scale->one) : Json("fresh")}};
}

} // namespace

Json toJson(const Study& study) {
    const BootstrapOptions& bootstrap = study.options.bootstrap;
    Json json{{"metric", study.options.metric},
              {"score", study.options.finalScores ? "final" : "aulc"},
              {"scale", scaleJson(study.options)},
              {"bootstrap",
               {{"reps", bootstrap.reps},
                {"seed", bootstrap.seed},
                {"level", bootstrap.level},
                {"resampled", bootstrap.resampling == Resampling::Clustered ? "runs" : "cells"},
                {"tasks_resampled", bootstrap.tasks == TaskResampling::Resampled},
                {"paired", bootstrap.pairing == Pairing::Rows}}},
              {"arms", Json::array()},
              {"config_diff", Json::object()},
              {"notes", study.notes}};
    for (const StudyArm& arm : study.arms) {
        json["arms"].push_back(armJson(study, arm, study.options.finalScores ? &lastTenthScore : &areaUnderCurve));
    }
    for (const DifferingKey& key : study.diff) {
        json["config_diff"][key.key] = key.values;
    }
    return json;
}

} // namespace knife
