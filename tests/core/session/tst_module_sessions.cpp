// SPDX-License-Identifier: GPL-3.0-or-later
// Methods that act on whole layers or change what agents share, in runs: they operate, and a run that was killed and
// resumed ends with the weights of one that was not.
#include <optional>

#include <QTest>

#include "core/store/run_reader.h"
#include "session_fixture.h"

using namespace knife;
using namespace knife::test;

namespace {

const char* const kHunt = R"(
[experiment]
name = "short hunt"
seeds = [1]
steps = 400

[env]
name = "stag_hunt"
preset = "pred_prey_punish"
episode_limit = 20

[[tasks]]
name = "first"
steps = 200

[[tasks]]
name = "second"

[agent]
hidden = 16

[learning]
batch_episodes = 4
buffer_episodes = 12
target_interval = 5

[exploration]
anneal_steps = 200

[diagnostics]
window = 4
stagnant_below = 0.75 # something to operate on for KNIFE
volatile_above = 1.25

[evaluation]
interval = 100
episodes = 2
)";

struct Remedy {
    const char* name;
    const char* toml;
    const char* kind; ///< of the receipts; empty: it leaves none
    bool needsMixer;  ///< parameters beside the agents'
    bool preserves;
};

constexpr Remedy kRemedies[] = {
    {"fresh network", "{method=\"reset\",scope=\"all\",trigger=\"task_switch\",optimiser=\"reset_all\"}", "redrawn",
     false, false},
    {"last layers",
     "{method=\"reset\",scope=\"last_k_layers\",layers=2,trigger=\"periodic\",every=5,"
     "every_unit=\"updates\"}",
     "redrawn", false, false},
    {"shrink", "{method=\"shrink_and_perturb\"}", "blended", false, false},
    {"shrink always", "{method=\"shrink_and_perturb\",mode=\"every_update\"}", "", false, false},
    {"noise always", "{method=\"shrink_and_perturb\",mode=\"decay_and_noise\"}", "", false, false},
    {"marr", "{method=\"marr\",every=6}", "blended", false, false},
    {"injection", "{method=\"plasticity_injection\",scope=\"all\",trigger=\"both\",every=7}", "injected", false, true},
    {"injection, then reset",
     "{method=\"plasticity_injection\",scope=\"all\",trigger=\"periodic\",every=4,"
     "every_unit=\"updates\"},{method=\"reset\",scope=\"agent\",trigger=\"periodic\",every=6,"
     "every_unit=\"updates\"}",
     "injected", false, false},
    {"knife, consolidating",
     "{method=\"knife\",trigger=\"periodic\",every=4,persistence=1,consolidation=\"lstsq\",keep_frozen=0.5}",
     "consolidated", false, false},
    {"knife, consolidating at its limit",
     "{method=\"knife\",trigger=\"periodic\",every=4,persistence=1,consolidation=\"prune\",prune_below=0.5,"
     "max_frozen_ratio=0.5,at_limit=\"consolidate\"}",
     "consolidated", false, false},
    {"knife, shrinking", "{method=\"knife\",trigger=\"periodic\",every=4,volatile_action=\"shrink\"}", "shrunk", false,
     false},
    {"knife, resetting", "{method=\"knife\",trigger=\"periodic\",every=4,volatile_action=\"reset\"}", "reset", false,
     false},
    {"reborn",
     "{method=\"reborn\",every=1,dormant_below=0.9,overactive_above=1.05,"
     "target=\"mirror\",optimiser=\"mean_fill\"}",
     "reborn", true, false},
    // The agents' fast path makes way for the graph at the first split, so that sums are ordered otherwise.
    {"gradps", "{method=\"gradps\",window=1,futile_below=1}", "split", false, false},
    {"gradps, then injection",
     "{method=\"gradps\",window=1,futile_below=1,max_share=0.5},"
     "{method=\"plasticity_injection\",scope=\"agent\",trigger=\"both\",every=7}",
     "composite", false, false},
};

} // namespace

class TestModuleSessions : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void resumesToTheSameWeights_data() {
        QTest::addColumn<QString>("mixer");
        QTest::addColumn<int>("remedy");
        for (const char* mixer : {"qmix", "qplex", "vdn"}) {
            for (std::size_t i = 0; i < std::size(kRemedies); ++i) {
                if (!kRemedies[i].needsMixer || std::string(mixer) != "vdn") {
                    QTest::addRow("%s, %s", mixer, kRemedies[i].name) << mixer << static_cast<int>(i);
                }
            }
        }
    }
    void resumesToTheSameWeights() {
        QFETCH(QString, mixer);
        QFETCH(int, remedy);
        const Remedy& method = kRemedies[remedy];
        const Experiment experiment = experimentOf(kHunt, {"mixer={method=\"" + mixer.toStdString() + "\"}",
                                                           "interventions=[" + std::string(method.toml) + "]"});
        const Workspace quiet;
        RunId run;
        const RunOutcome expected = live(experiment, quiet, &run);
        VERIFY_FINISHED(expected);
        const auto reader = RunReader::open(quiet.path());
        QVERIFY(reader);
        const auto receipts = (*reader)->surgeries(run);
        QVERIFY(receipts);
        QCOMPARE(receipts->empty(), method.kind[0] == '\0');
        bool found = receipts->empty();
        for (const SurgeryReceipt& receipt : *receipts) {
            for (const SiteReceipt& site : receipt.sites) {
                found = found || site.kind == method.kind;
            }
            QVERIFY(!method.preserves || receipt.change.max() == 0.0);
            QVERIFY(std::isfinite(receipt.change.max()));
        }
        QVERIFY(found);

        const Workspace eventful;
        const RunOutcome outcome = dieAndResume(experiment, eventful, {.savedAt = 220, .at = 300});
        VERIFY_FINISHED(outcome);
        QCOMPARE(hashOf(outcome), hashOf(expected));
    }

    // The evaluation at a task switch counts like any other.
    void evaluationsAtSwitchesAreCounted() {
        const Experiment experiment =
            experimentOf(kMatrixSequence, {"interventions=[{method=\"reset\",scope=\"head\",trigger=\"periodic\","
                                           "every=3,every_unit=\"evaluations\"}]"});
        const Workspace workspace;
        RunId run;
        VERIFY_FINISHED(live(experiment, workspace, &run));
        const auto reader = RunReader::open(workspace.path());
        QVERIFY(reader);
        const auto receipts = (*reader)->surgeries(run);
        QVERIFY(receipts);
        // Evaluations: at 0, 400, 800 (twice: of the old task and of the new one), 1200.
        QCOMPARE(receipts->size(), std::size_t(1));
        QCOMPARE(receipts->front().clocks.envStep.value, std::int64_t(800));
    }

    // What ends a task, or the run, is judged before a surgery that falls due with its last update.
    void surgeriesComeAfterTheEvaluationThatIsDue_data() {
        QTest::addColumn<QString>("remedy");
        QTest::newRow("env steps") << "{method=\"reset\",scope=\"all\",trigger=\"periodic\",every=200,"
                                      "every_unit=\"env_steps\"}";
        QTest::newRow("updates") << "{method=\"reset\",scope=\"all\",trigger=\"at_updates\",at=[%1,%2]}";
    }
    void surgeriesComeAfterTheEvaluationThatIsDue() {
        QFETCH(QString, remedy);
        struct Story {
            std::vector<double> returns;
            std::int64_t updatesOfFirst = 0;
            std::int64_t updates = 0;
            std::vector<std::int64_t> surgeries;
        };
        const auto storyWith = [](const QString& interventions) {
            const Experiment experiment =
                experimentOf(kHunt, {"interventions=[" + interventions.toStdString() + "]", "evaluation.interval=50",
                                     "learning.on_switch_optimiser=\"reset\""});
            const Workspace workspace;
            RunId run;
            if (live(experiment, workspace, &run).error) {
                return Story();
            }
            const auto reader = RunReader::open(workspace.path());
            Story story;
            const auto returns = (*reader)->series(run, "test/return");
            const auto events = (*reader)->events(run);
            for (const EventRecord& event : *events) {
                if (event.kind == "task_switch") {
                    story.updatesOfFirst = event.clocks.update.value;
                    for (std::size_t i = 0; i < returns->size() && returns->envStep[i] <= event.clocks.envStep.value;
                         ++i) {
                        story.returns.push_back(returns->value[i]);
                    }
                }
            }
            if (!story.returns.empty()) {
                story.returns.pop_back(); // of the new task, before its first update
            }
            story.updates = (*reader)->run(run)->clocks.update.value;
            const auto receipts = (*reader)->surgeries(run);
            for (const SurgeryReceipt& receipt : *receipts) {
                story.surgeries.push_back(receipt.clocks.update.value);
            }
            return story;
        };
        const Story plain = storyWith("");
        QVERIFY(plain.returns.size() > 3);
        const Story reset =
            storyWith(remedy.contains("%1") ? remedy.arg(plain.updatesOfFirst).arg(plain.updates) : remedy);
        QCOMPARE(reset.returns, plain.returns);
        QCOMPARE(reset.surgeries, std::vector<std::int64_t>{plain.updatesOfFirst});
    }

    // A checkpoint between an update and the surgery that is due with it.
    void resumesWithWhatIsDue_data() {
        QTest::addColumn<QString>("trigger");
        QTest::newRow("at updates") << "trigger=\"at_updates\",at=[40,100]";
        QTest::newRow("a window has closed") << "trigger=\"stagnation\",above=0";
    }
    void resumesWithWhatIsDue() {
        QFETCH(QString, trigger);
        constexpr std::int64_t kDue = 40; // a multiple of the window
        const Experiment experiment = experimentOf(
            kMatrixSequence, {"interventions=[{method=\"reset\",scope=\"head\"," + trigger.toStdString() + "}]"});
        const auto receiptsOf = [](const Workspace& workspace, const RunId& run) {
            const auto reader = RunReader::open(workspace.path());
            std::vector<std::pair<std::int64_t, double>> receipts; // when, and how much they changed
            const auto stored = (*reader)->surgeries(run);
            for (const SurgeryReceipt& receipt : *stored) {
                receipts.emplace_back(receipt.clocks.update.value, receipt.change.max());
            }
            return receipts;
        };
        const Workspace quiet;
        RunId run;
        const RunOutcome expected = live(experiment, quiet, &run);
        VERIFY_FINISHED(expected);
        const auto receipts = receiptsOf(quiet, run);
        QVERIFY(std::ranges::find(receipts, kDue, &std::pair<std::int64_t, double>::first) != receipts.end());

        const Workspace eventful;
        RunId resumed;
        const RunOutcome outcome = dieAndResume(experiment, eventful, {.savedAtUpdate = kDue, .at = 500}, &resumed);
        VERIFY_FINISHED(outcome);
        const auto checkpoints = (*RunReader::open(eventful.path()))->checkpoints(resumed);
        QCOMPARE(checkpoints->front().clocks.update.value, kDue);
        QCOMPARE(hashOf(outcome), hashOf(expected));
        QCOMPARE(receiptsOf(eventful, resumed), receipts);
    }

    // Where the target is copied with the update that a surgery is due with, it gets what the surgery has made: whether
    // the surgery was to reach the target too makes no difference then, and only then.
    void theTargetIsCopiedAfterTheSurgery() {
        // One update follows each episode from the fourth on; the target is copied every five episodes.
        const auto weightsAfter = [](const std::string& target, std::int64_t at) -> std::optional<std::string> {
            const Workspace workspace;
            RunId run;
            const RunOutcome outcome = live(
                experimentOf(
                    kHunt,
                    {"interventions=[{method=\"redo\",tau=0.9,statistics=\"open_window\",trigger=\"at_updates\",at=[" +
                     std::to_string(at) + "],target=\"" + target + "\"}]"}),
                workspace, &run);
            const auto reader = RunReader::open(workspace.path());
            const auto receipts = (*reader)->surgeries(run);
            const bool asPlanned = receipts->size() == 1 && receipts->front().clocks.episode.value == at + 3;
            return asPlanned ? std::optional(hashOf(outcome)) : std::nullopt;
        };
        const auto untouched = weightsAfter("none", 2);
        QVERIFY(untouched);
        QVERIFY(untouched == weightsAfter("mirror", 2));
        const auto later = weightsAfter("none", 3);
        QVERIFY(later);
        QVERIFY(later != weightsAfter("mirror", 3));
    }

    // Consolidation leaves live neurons alone, and what other methods know of them.
    void consolidationVoidsNothing() {
        const auto replacedAt = [](const std::string& consolidation) {
            const Experiment experiment = experimentOf(
                kMatrixSequence,
                {"interventions=[{method=\"knife\",trigger=\"at_updates\",at=[60],persistence=1},"
                 "{method=\"knife\",trigger=\"at_updates\",at=[150],persistence=1,max_frozen_ratio=0.01" +
                     consolidation +
                     "},{method=\"continual_backprop\",sites=[\"agent.fc1\"],trigger=\"at_updates\",at=[190],"
                     "maturity=100,replacement_rate=1e-2}]",
                 "diagnostics.stagnant_below=0.9"});
            const Workspace workspace;
            RunId run;
            std::vector<std::string> kinds;
            std::size_t units = 0;
            if (live(experiment, workspace, &run).error) {
                return std::pair{kinds, units};
            }
            const auto reader = RunReader::open(workspace.path());
            const auto receipts = (*reader)->surgeries(run);
            for (const SurgeryReceipt& receipt : *receipts) {
                kinds.push_back(receipt.sites.front().kind);
                units = receipt.plan.intervention == "continual_backprop" ? receipt.sites.front().units.size() : units;
            }
            return std::pair{kinds, units};
        };
        const auto without = replacedAt("");
        const auto with = replacedAt(",consolidation=\"prune\",prune_below=0.5");
        QVERIFY(std::ranges::find(without.first, "consolidated") == without.first.end());
        QVERIFY(std::ranges::find(with.first, "consolidated") != with.first.end());
        QVERIFY(without.second > 0);
        QCOMPARE(with.second, without.second);
    }
};

QTEST_APPLESS_MAIN(TestModuleSessions)
#include "tst_module_sessions.moc"
