// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/ctl/compare_study.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/config/did_you_mean.h"
#include "core/stats/fresh_arm.h"
#include "core/stats/performance_profile.h"
#include "core/types/counted.h"

namespace knife {

namespace {

constexpr double kShortfall = 0.04; // of the coverage, above which it is said
constexpr std::size_t kProfileSteps = 51;
constexpr double kLengthTolerance = 0.05; // rollouts end where they end, so stretches differ by some steps

using Indices = std::vector<std::size_t>;

class StudyBuilder {
  public:
    StudyBuilder(ComparedRuns runs, const StudyOptions& options) : m_curves(std::move(runs.curves)) {
        m_study.options = options;
        m_study.configs = std::move(runs.configs);
        m_study.notes = std::move(runs.notes);
    }

    Result<Study> build() {
        auto prepared = group();
        prepared = prepared ? chooseArms() : prepared;
        prepared = prepared ? assignFresh() : prepared;
        prepared = prepared ? scale() : prepared;
        if (!prepared) {
            return tl::unexpected(prepared.error());
        }
        describe();
        compareFresh();
        compareBaselines();
        noteSmallSamples();
        return std::move(m_study);
    }

  private:
    std::vector<StudyArm>& arms() { return m_study.arms; }
    void note(std::string text) {
        if (std::ranges::find(m_study.notes, text) == m_study.notes.end()) {
            m_study.notes.push_back(std::move(text));
        }
    }
    TaskScore score() const { return m_study.options.finalScores ? &lastTenthScore : &areaUnderCurve; }

    Result<void> group() {
        const std::string& by = m_study.options.by;
        std::set<std::string> known{"experiment"};
        for (const RunConfig& config : m_study.configs) {
            for (const auto& [key, value] : *config.config) {
                known.insert(key);
            }
        }
        if (!by.empty() && !known.contains(by)) {
            return fail(ErrorCode::Usage,
                        fmt::format("no run has a key \"{}\"{}", by, suggestion(by, {known.begin(), known.end()})));
        }
        m_arms = by.empty() ? groupByConfig(m_study.configs) : groupByKey(m_study.configs, by);
        for (Arm& arm : m_arms) {
            keepCommonTasks(arm);
            if (!by.empty()) {
                noteMixture(arm);
            }
            ArmCurves curves{arm.name, {}};
            for (const std::size_t member : arm.members) {
                curves.runs.push_back(m_curves[member]);
            }
            std::ranges::stable_sort(curves.runs, {}, &RunCurves::seed);
            arms().push_back({arm, std::move(curves), {}, {}, {}, {}, {}, {}, {}});
        }
        m_study.diff = configDiff(m_study.configs, m_arms);
        return {};
    }

    /// A key may gather runs on different sequences, whose tasks cannot be put side by side.
    void keepCommonTasks(Arm& arm) {
        const ArmCurves first{"", {m_curves[arm.members.front()]}};
        const auto strangers = std::ranges::stable_partition(arm.members, [&](std::size_t member) {
            return sameTasks(first, {"", {m_curves[member]}});
        });
        if (!strangers.empty()) {
            note(fmt::format("left out, on other tasks than the first run of arm \"{}\": {}", arm.name,
                             counted(strangers.size(), "run")));
            arm.members.erase(strangers.begin(), strangers.end());
        }
    }

    /// Runs that a key has gathered need not be seeds of one experiment, as intervals take them to be.
    void noteMixture(const Arm& arm) {
        std::vector<RunConfig> configs;
        std::set<std::uint64_t> seeds;
        for (const std::size_t member : arm.members) {
            configs.push_back(m_study.configs[member]);
            seeds.insert(m_curves[member].seed);
        }
        const std::vector<Arm> parts = groupByConfig(configs);
        if (parts.size() < 2) {
            return;
        }
        constexpr std::size_t kNamed = 4;
        std::vector<std::string> keys;
        for (const DifferingKey& differing : configDiff(configs, parts)) {
            keys.push_back(differing.key);
        }
        const std::string more = keys.size() > kNamed ? fmt::format(" and {} more keys", keys.size() - kNamed) : "";
        keys.resize(std::min(keys.size(), kNamed));
        note(fmt::format("arm \"{}\" mixes {} configurations, {}: they differ in {}{}; its figures and intervals are "
                         "those of the mixture",
                         arm.name, parts.size(), counted(seeds.size(), "seed"), fmt::join(keys, ", "), more));
    }

    Result<void> chooseArms() {
        const StudyOptions& options = m_study.options;
        if (!options.fresh.empty()) {
            auto found = selectArms(m_study.configs, m_arms, options.fresh);
            if (!found) {
                return tl::unexpected(std::move(found).error().within("choosing the fresh arm"));
            }
            m_freshArms = std::move(*found);
        }
        if (!options.baseline.empty()) {
            auto found = selectArms(m_study.configs, m_arms, options.baseline);
            if (!found) {
                return tl::unexpected(std::move(found).error().within("choosing the baseline"));
            }
            m_baselines = std::move(*found);
            return {};
        }
        Indices others;
        for (std::size_t arm = 0; arm < m_arms.size(); ++arm) {
            if (!isOneOf(m_freshArms, arm)) {
                others.push_back(arm);
            }
        }
        if (auto untouched = selectArms(m_study.configs, m_arms, "interventions=unset")) {
            std::erase_if(*untouched, [this](std::size_t arm) { return isOneOf(m_freshArms, arm); });
            m_baselines = std::move(*untouched);
        }
        if (m_baselines.empty() || m_baselines.size() == others.size()) {
            m_baselines.assign(others.begin(), others.begin() + (others.empty() ? 0 : 1));
        }
        return {};
    }

    static bool isOneOf(const Indices& indices, std::size_t arm) { return std::ranges::count(indices, arm) > 0; }

    /// The arm's own fresh curves, out of the nearest of the fresh arms.
    Result<void> assignFresh() {
        m_freshCurves.resize(arms().size());
        for (std::size_t arm = 0; arm < arms().size() && !m_freshArms.empty(); ++arm) {
            if (isOneOf(m_freshArms, arm)) {
                continue;
            }
            if (auto fresh = freshFor(arm)) {
                arms()[arm].freshName = fresh->name;
                m_freshCurves[arm] = std::move(*fresh);
            } else {
                note(fmt::format("no fresh runs on the tasks of arm \"{}\"", arms()[arm].arm.name));
            }
        }
        return {};
    }

    std::optional<ArmCurves> freshFor(std::size_t arm) {
        const ArmCurves& mine = arms()[arm].curves;
        Indices alike;
        std::ranges::copy_if(m_freshArms, std::back_inserter(alike),
                             [&](std::size_t fresh) { return sameTasks(mine, arms()[fresh].curves); });
        if (!alike.empty()) {
            return arms()[onlyNearest(arm, alike, "fresh arms")].curves;
        }
        std::vector<RunCurves> singles;
        for (const std::size_t fresh : nearestArms(m_study.configs, m_arms, arm, m_freshArms)) {
            const auto& runs = arms()[fresh].curves.runs;
            singles.insert(singles.end(), runs.begin(), runs.end());
        }
        auto merged = freshFromSingleTasks(mine, singles);
        if (merged) {
            merged->name = m_study.options.fresh;
            note(fmt::format("the fresh arm of \"{}\" is put together from runs on single tasks, {} seeds", mine.name,
                             merged->runs.size()));
        }
        return merged;
    }

    std::size_t onlyNearest(std::size_t arm, const Indices& candidates, const char* what) {
        const Indices nearest = nearestArms(m_study.configs, m_arms, arm, candidates);
        if (nearest.size() > 1) {
            note(fmt::format("{} {} are equally near to arm \"{}\"; the first is taken, \"{}\"", nearest.size(), what,
                             m_arms[arm].name, m_arms[nearest.front()].name));
        }
        return nearest.front();
    }

    Result<void> scale() {
        const auto& wanted = m_study.options.scale;
        if (!wanted) {
            return {};
        }
        std::map<std::string, double> best; // end of the best fresh run, by task
        for (const auto& fresh : m_freshCurves) {
            for (const RunCurves& run : fresh ? fresh->runs : std::vector<RunCurves>()) {
                for (const TaskCurve& task : run.tasks) {
                    const auto [entry, isNew] = best.try_emplace(task.identity, endScore(task));
                    entry->second = std::max(entry->second, endScore(task));
                }
            }
        }
        const auto scaleTasks = [&](ArmCurves& curves) -> Result<void> {
            for (RunCurves& run : curves.runs) {
                for (TaskCurve& task : run.tasks) {
                    const auto found = best.find(task.identity);
                    if (!wanted->one && found == best.end()) {
                        return fail(ErrorCode::Usage,
                                    fmt::format("task \"{}\" has no fresh runs to be scaled by", task.name));
                    }
                    const double one = wanted->one ? *wanted->one : found->second;
                    if (!(one > wanted->zero)) {
                        return fail(ErrorCode::Usage, fmt::format("task \"{}\" cannot be scaled from {} to {}",
                                                                  task.name, wanted->zero, one));
                    }
                    task = scaled(std::move(task), {wanted->zero, one});
                }
            }
            return {};
        };
        Result<void> done;
        for (StudyArm& arm : arms()) {
            done = done ? scaleTasks(arm.curves) : done;
        }
        for (auto& fresh : m_freshCurves) {
            done = done && fresh ? scaleTasks(*fresh) : done;
        }
        return done;
    }

    void describe() {
        double low = 0.0;
        double high = 1.0;
        if (!m_study.options.scale) {
            low = std::numeric_limits<double>::infinity();
            high = -low;
            for (const StudyArm& arm : arms()) {
                const auto scores = scoreMatrix(arm.curves, score());
                low = std::min(low, std::ranges::min(scores.cells()));
                high = std::max(high, std::ranges::max(scores.cells()));
            }
        }
        m_study.taus = thresholdGrid(low, high, kProfileSteps);
        BootstrapOptions curveOptions = m_study.options.bootstrap;
        curveOptions.reps = std::min(curveOptions.reps, kCurveReps);
        for (StudyArm& arm : arms()) {
            arm.figures = describeArm(arm.curves, score(), m_study.options.bootstrap);
            arm.retention = describeRetention(arm.curves, m_study.options.bootstrap);
            if (arm.retention && arm.retention->runs < arm.curves.runs.size()) {
                note(fmt::format("only {} of {} runs of arm \"{}\" have evaluated their earlier tasks at the end",
                                 arm.retention->runs, arm.curves.runs.size(), arm.arm.name));
            }
            arm.profile = performanceBands(scoreMatrix(arm.curves, score()), m_study.taus, curveOptions);
        }
    }

    void compareFresh() {
        for (std::size_t arm = 0; arm < arms().size(); ++arm) {
            if (const auto& fresh = m_freshCurves[arm]) {
                arms()[arm].fresh = compareToFresh(arms()[arm].curves, *fresh, {m_study.options.bootstrap});
                noteOtherLengths(arms()[arm].curves, *fresh);
                noteUnpaired(arms()[arm].curves, *fresh, arms()[arm].fresh->paired);
            }
        }
    }

    void noteOtherLengths(const ArmCurves& arm, const ArmCurves& fresh) {
        std::vector<std::string> tasks;
        for (std::size_t t = 0; t < arm.runs.front().tasks.size(); ++t) {
            const double mine = arm.runs.front().tasks[t].length;
            const double theirs = fresh.runs.front().tasks[t].length;
            if (std::abs(mine - theirs) > kLengthTolerance * std::max(mine, theirs)) {
                tasks.push_back(std::to_string(t + 1));
            }
        }
        if (!tasks.empty()) {
            note(fmt::format("arm \"{}\" and its fresh arm had different budgets on task {}: their gaps are no measure",
                             arm.name, fmt::join(tasks, ", ")));
        }
    }

    void noteUnpaired(const ArmCurves& arm, const ArmCurves& other, bool paired) {
        if (!paired && m_study.options.bootstrap.pairing == Pairing::Rows) {
            note(
                fmt::format("arms \"{}\" and \"{}\" do not have one run each of the same seeds: the intervals of their "
                            "difference take them for independent",
                            arm.name, other.name));
        }
    }

    void compareBaselines() {
        std::vector<BaselineFigures*> comparisons;
        for (std::size_t arm = 0; arm < arms().size(); ++arm) {
            if (isOneOf(m_baselines, arm) || isOneOf(m_freshArms, arm)) {
                continue;
            }
            StudyArm& mine = arms()[arm];
            Indices alike;
            std::ranges::copy_if(m_baselines, std::back_inserter(alike), [&](std::size_t baseline) {
                return baseline != arm && sameTasks(mine.curves, arms()[baseline].curves);
            });
            if (alike.empty()) {
                note(fmt::format("arm \"{}\" met other tasks than the baseline, and is not compared with it",
                                 mine.arm.name));
                continue;
            }
            mine.baseline = onlyNearest(arm, alike, "baselines");
            const ArmCurves& theirs = arms()[*mine.baseline].curves;
            mine.besideBaseline = compareToBaseline(mine.curves, theirs, score(), m_study.options.bootstrap);
            noteUnpaired(mine.curves, theirs, mine.besideBaseline->paired);
        }
        for (StudyArm& arm : arms()) {
            if (arm.besideBaseline) {
                comparisons.push_back(&*arm.besideBaseline);
            }
        }
        adjustForNumber(comparisons);
    }

    void noteSmallSamples() {
        std::size_t fewest = std::numeric_limits<std::size_t>::max();
        std::size_t pairs = fewest;
        for (const StudyArm& arm : arms()) {
            fewest = std::min(fewest, arm.curves.runs.size());
            pairs = arm.besideBaseline ? std::min(pairs, arm.besideBaseline->permutation.pairs) : pairs;
        }
        const double level = m_study.options.bootstrap.level;
        const double coverage = coverageOfMean(fewest, level);
        if (fewest == 1) {
            note("an arm of one run has no intervals");
        } else if (coverage < level - kShortfall) {
            note(fmt::format("intervals from few runs are too narrow: from {} they hold in about {:.0f} % of all cases",
                             fewest, 100.0 * coverage));
        }
        if (pairs < std::numeric_limits<std::size_t>::max() && smallestPairedP(pairs) > 0.05) {
            note(fmt::format("{} in common cannot give a p below {}", counted(pairs, "seed"), smallestPairedP(pairs)));
        }
    }

    std::vector<RunCurves> m_curves;
    std::vector<Arm> m_arms;
    Indices m_freshArms;
    Indices m_baselines;
    std::vector<std::optional<ArmCurves>> m_freshCurves; ///< of each arm
    Study m_study;
};

} // namespace

Result<Study> makeStudy(ComparedRuns runs, const StudyOptions& options) {
    return StudyBuilder(std::move(runs), options).build();
}

} // namespace knife
