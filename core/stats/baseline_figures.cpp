// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/stats/baseline_figures.h"

#include <cassert>
#include <map>

#include "core/stats/aggregate.h"
#include "core/stats/holm.h"
#include "core/stats/probability_of_improvement.h"

namespace knife {

namespace {

/// The mean over tasks, and over the runs of a seed where an arm gathers several configurations.
std::map<std::uint64_t, double> meansBySeed(const ArmCurves& arm, TaskScore score) {
    const std::vector<double> means = runMeans(scoreMatrix(arm, score));
    std::map<std::uint64_t, std::vector<double>> bySeed;
    for (std::size_t r = 0; r < means.size(); ++r) {
        bySeed[arm.runs[r].seed].push_back(means[r]);
    }
    std::map<std::uint64_t, double> result;
    for (const auto& [seed, values] : bySeed) {
        result[seed] = mean(values);
    }
    return result;
}

} // namespace

BaselineFigures compareToBaseline(const ArmCurves& arm, const ArmCurves& baseline, TaskScore score,
                                  const BootstrapOptions& options) {
    assert(sameTasks(arm, baseline));
    const ScoreMatrix mine = scoreMatrix(arm, score);
    const ScoreMatrix theirs = scoreMatrix(baseline, score);
    const PairStatistic difference = [](const ScoreMatrix& x, const ScoreMatrix& y) {
        return std::vector{mean(taskMeans(x)) - mean(taskMeans(y))};
    };
    const PairStatistic improvement = [](const ScoreMatrix& x, const ScoreMatrix& y) {
        return std::vector{probabilityOfImprovement(x, y)};
    };
    const BootstrapOptions bySeed = pairedIfPossible(options, arm, baseline);
    BootstrapOptions independent = options;
    independent.pairing = Pairing::Independent;

    const auto baselineBySeed = meansBySeed(baseline, score);
    std::vector<double> differences;
    for (const auto& [seed, value] : meansBySeed(arm, score)) {
        if (const auto paired = baselineBySeed.find(seed); paired != baselineBySeed.end()) {
            differences.push_back(value - paired->second);
        }
    }
    BaselineFigures figures;
    figures.difference = bootstrapPair(mine, theirs, difference, bySeed).front();
    figures.paired = bySeed.pairing == Pairing::Rows;
    figures.probabilityOfImprovement = bootstrapPair(mine, theirs, improvement, independent).front();
    figures.permutation = pairedPermutationTest(differences, {.seed = options.seed});
    figures.wilcoxon = wilcoxonSignedRank(differences);
    figures.permutationHolm = figures.permutation.p;
    figures.wilcoxonHolm = figures.wilcoxon.p;
    return figures;
}

void adjustForNumber(std::span<BaselineFigures*> comparisons) {
    std::vector<double> permutation;
    std::vector<double> wilcoxon;
    for (const BaselineFigures* figures : comparisons) {
        permutation.push_back(figures->permutation.p);
        wilcoxon.push_back(figures->wilcoxon.p);
    }
    permutation = holmAdjusted(permutation);
    wilcoxon = holmAdjusted(wilcoxon);
    for (std::size_t i = 0; i < comparisons.size(); ++i) {
        comparisons[i]->permutationHolm = permutation[i];
        comparisons[i]->wilcoxonHolm = wilcoxon[i];
    }
}

} // namespace knife
