// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/ctl/compare_tables.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "app/ctl/output.h"
#include "core/types/counted.h"

namespace knife {

namespace {

constexpr std::size_t kLongestValue = 60; // payoff tables are longer

std::string number(std::size_t arm) {
    return fmt::format("#{}", arm + 1);
}

/// Three digits behind the point are more than any interval bears.
std::string figure(double value) {
    return std::isnan(value) ? "—" : fmt::format("{:.4g}", value);
}

std::string interval(const Estimate& estimate) {
    return std::isnan(estimate.low) ? "—" : fmt::format("[{}, {}]", figure(estimate.low), figure(estimate.high));
}

void printSection(const std::string& title) {
    fmt::print("\n{}\n", title);
}

void printHead(const Study& study) {
    const StudyOptions& options = study.options;
    std::size_t runs = 0;
    for (const StudyArm& arm : study.arms) {
        runs += arm.curves.runs.size();
    }
    fmt::print("{} of {}{}: {} in {}\n",
               options.finalScores ? "mean of the last tenth of the evaluations" : "area under the learning curve",
               options.metric, options.scale ? ", scaled" : "", counted(runs, "run"),
               counted(study.arms.size(), "arm"));
    fmt::print("{:.4g} % intervals from {} resamples of {}{}, seed {}\n", 100.0 * options.bootstrap.level,
               options.bootstrap.reps,
               options.bootstrap.resampling == Resampling::Clustered ? "whole runs" : "runs within each task",
               options.bootstrap.tasks == TaskResampling::Resampled ? " and tasks" : "", options.bootstrap.seed);
    if (options.bootstrap.pairing == Pairing::Rows) {
        fmt::print("differences and gaps of arms with the same seeds are resampled by seed\n");
    }
}

void printArms(const Study& study) {
    printSection("Arms");
    TextTable table({{"", false},
                     {"arm", false},
                     {"runs", true},
                     {"mean", true},
                     {"", false},
                     {"median", true},
                     {"", false},
                     {"IQM", true},
                     {"", false},
                     {"std", true}});
    for (std::size_t i = 0; i < study.arms.size(); ++i) {
        const ArmFigures& figures = study.arms[i].figures;
        table.add({number(i), figures.name, std::to_string(figures.runs), figure(figures.mean.value),
                   interval(figures.mean), figure(figures.median.value), interval(figures.median),
                   figure(figures.iqm.value), interval(figures.iqm), figure(figures.standardDeviation)});
    }
    table.print();
}

template <typename Has>
bool any(const Study& study, Has has) {
    return std::ranges::any_of(study.arms, has);
}

void printBaselines(const Study& study) {
    if (!any(study, [](const StudyArm& arm) { return arm.besideBaseline.has_value(); })) {
        return;
    }
    printSection("Beside the baseline (p two-sided, over common seeds; Holm: adjusted for the number of rows)");
    TextTable table({{"", false},
                     {"baseline", false},
                     {"difference", true},
                     {"", false},
                     {"P(better)", true},
                     {"", false},
                     {"seeds", true},
                     {"p permutation", true},
                     {"Holm", true},
                     {"p Wilcoxon", true},
                     {"Holm", true}});
    for (std::size_t i = 0; i < study.arms.size(); ++i) {
        if (const auto& beside = study.arms[i].besideBaseline) {
            table.add({number(i), number(*study.arms[i].baseline), figure(beside->difference.value),
                       interval(beside->difference), figure(beside->probabilityOfImprovement.value),
                       interval(beside->probabilityOfImprovement), std::to_string(beside->permutation.pairs),
                       figure(beside->permutation.p), figure(beside->permutationHolm), figure(beside->wilcoxon.p),
                       figure(beside->wilcoxonHolm)});
        }
    }
    table.print();
}

void printFresh(const Study& study) {
    if (!any(study, [](const StudyArm& arm) { return arm.fresh.has_value(); })) {
        return;
    }
    printSection("Beside fresh networks (gap: fresh - arm, positive where plasticity is lost; slope: of the gap, per "
                 "task)");
    TextTable table({{"", false},
                     {"fresh arm", false},
                     {"gap", true},
                     {"", false},
                     {"final gap", true},
                     {"", false},
                     {"slope", true},
                     {"", false},
                     {"transfer", true},
                     {"", false}});
    for (std::size_t i = 0; i < study.arms.size(); ++i) {
        const StudyArm& arm = study.arms[i];
        if (arm.fresh) {
            table.add({number(i), arm.freshName, figure(arm.fresh->gap.value), interval(arm.fresh->gap),
                       figure(arm.fresh->finalGap.value), interval(arm.fresh->finalGap),
                       figure(arm.fresh->gapSlope.value), interval(arm.fresh->gapSlope),
                       figure(arm.fresh->relativeTransfer.value), interval(arm.fresh->relativeTransfer)});
        }
    }
    table.print();
}

void printRetention(const Study& study) {
    if (!any(study, [](const StudyArm& arm) { return arm.retention.has_value(); })) {
        return;
    }
    printSection(
        "At the end of the sequence (average: over all tasks; forgetting: end of a task's own stretch - end of "
        "the sequence, over all but the last; backward transfer is the same turned round)");
    TextTable table({{"", false},
                     {"runs", true},
                     {"average", true},
                     {"", false},
                     {"forgetting", true},
                     {"", false},
                     {"backward transfer", true},
                     {"", false}});
    for (std::size_t i = 0; i < study.arms.size(); ++i) {
        if (const auto& kept = study.arms[i].retention) {
            table.add({number(i), std::to_string(kept->runs), figure(kept->averagePerformance.value),
                       interval(kept->averagePerformance), figure(kept->forgetting.value), interval(kept->forgetting),
                       figure(kept->backwardTransfer.value), interval(kept->backwardTransfer)});
        }
    }
    table.print();
}

std::vector<std::string> taskRow(const Study& study, std::size_t arm, std::size_t task) {
    const StudyArm& mine = study.arms[arm];
    const TaskFigures& figures = mine.figures.tasks[task];
    std::vector<std::string> row{std::to_string(task + 1),
                                 figures.name,
                                 number(arm),
                                 figure(figures.score.value),
                                 interval(figures.score),
                                 figure(figures.start.value),
                                 figure(figures.end.value)};
    if (mine.fresh) {
        const FreshTaskFigures& fresh = mine.fresh->tasks[task];
        row.insert(row.end(), {figure(fresh.gap.value), interval(fresh.gap), figure(fresh.stepsToThreshold.value),
                               formatPercent(fresh.reached)});
    }
    return row;
}

void printTasks(const Study& study) {
    printSection("Tasks");
    std::vector<TextTable::Column> columns{{"task", true}, {"name", false}, {"arm", false}, {"score", true},
                                           {"", false},    {"start", true}, {"end", true}};
    if (any(study, [](const StudyArm& arm) { return arm.fresh.has_value(); })) {
        columns.insert(columns.end(), {{"gap", true}, {"", false}, {"steps to 0.8", true}, {"reached", true}});
    }
    TextTable table(columns);
    std::size_t longest = 0;
    for (const StudyArm& arm : study.arms) {
        longest = std::max(longest, arm.figures.tasks.size());
    }
    for (std::size_t task = 0; task < longest; ++task) {
        for (std::size_t arm = 0; arm < study.arms.size(); ++arm) {
            if (task < study.arms[arm].figures.tasks.size()) {
                std::vector<std::string> row = taskRow(study, arm, task);
                row.resize(columns.size());
                table.add(std::move(row));
            }
        }
    }
    table.print();
}

void printRecurrences(const Study& study) {
    if (!any(study, [](const StudyArm& arm) { return !arm.figures.recurrences.empty(); })) {
        return;
    }
    printSection("Tasks that come again (ratio: area over that of the first visit; forgetting: end of the visit before "
                 "- start)");
    TextTable table({{"task", true},
                     {"name", false},
                     {"visit", true},
                     {"arm", false},
                     {"ratio", true},
                     {"", false},
                     {"forgetting", true},
                     {"", false}});
    for (std::size_t i = 0; i < study.arms.size(); ++i) {
        for (const RecurrenceFigures& figures : study.arms[i].figures.recurrences) {
            table.add({std::to_string(figures.visit.task + 1), figures.name, std::to_string(figures.visit.visit),
                       number(i), figure(figures.ratio.value), interval(figures.ratio),
                       figure(figures.forgetting.value), interval(figures.forgetting)});
        }
    }
    table.print();
}

std::string shortened(const std::string& value) {
    return value.size() <= kLongestValue ? value : value.substr(0, kLongestValue) + "…";
}

void printDiff(const Study& study) {
    if (study.diff.empty()) {
        return;
    }
    printSection("Settings in which arms differ");
    TextTable table({{"key", false}, {"value", false}, {"arms", false}});
    for (const DifferingKey& key : study.diff) {
        std::map<std::string, std::vector<std::string>> armsByValue;
        for (std::size_t arm = 0; arm < key.values.size(); ++arm) {
            armsByValue[key.values[arm]].push_back(number(arm));
        }
        std::string name = key.key;
        for (const auto& [value, arms] : armsByValue) {
            table.add({name, shortened(value), fmt::format("{}", fmt::join(arms, " "))});
            name.clear();
        }
    }
    table.print();
}

} // namespace

void printStudy(const Study& study) {
    printHead(study);
    printArms(study);
    printBaselines(study);
    printFresh(study);
    printRetention(study);
    printTasks(study);
    printRecurrences(study);
    printDiff(study);
    if (!study.notes.empty()) {
        printSection("Notes");
        for (const std::string& note : study.notes) {
            fmt::print("- {}\n", note);
        }
    }
}

} // namespace knife
