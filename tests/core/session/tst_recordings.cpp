// SPDX-License-Identifier: GPL-3.0-or-later
// Greedy episodes that evaluations leave in the store: those that were played, and nothing is different for it.
#include <algorithm>

#include <QTest>
#include <fmt/format.h>

#include "core/envs/registry.h"
#include "core/store/run_reader.h"
#include "session_fixture.h"

using namespace knife;
using namespace knife::test;

namespace {

// Of the fixture's sequence, another environment.
Experiment experimentIn(const std::string& env, int recorded) {
    return experimentOf(kMatrixSequence, {"experiment.steps=600", "tasks=[{name=\"the only one\",env={}}]",
                                          "env=" + env, "interventions=[]", "evaluation.interval=200",
                                          fmt::format("evaluation.recorded_episodes={}", recorded)});
}

const char* const kHunt = "{name=\"stag_hunt\",episode_limit=20}";
const char* const kBattle = "{name=\"smac:3m\"}";

/// Whether an agent took its best legal action.
bool isGreedy(const ChoiceView& choice) {
    const auto taken = static_cast<std::size_t>(choice.action);
    for (std::size_t action = 0; action < choice.values.size(); ++action) {
        if (choice.legal[action] != 0 && choice.values[action] > choice.values[taken]) {
            return false;
        }
    }
    return choice.legal[taken] != 0;
}

} // namespace

class TestRecordings : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void recordingChangesNothing_data() { environments(); }
    void recordingChangesNothing() {
        QFETCH(std::string, env);
        std::string weights;
        std::vector<double> returns;
        for (const int recorded : {0, 1, 4}) {
            const Workspace workspace;
            RunId run;
            const RunOutcome outcome = live(experimentIn(env, recorded), workspace, &run);
            VERIFY_FINISHED(outcome);
            const auto reader = std::move(*RunReader::open(workspace.path()));
            const Series series = *reader->series(run, "test/return");
            QCOMPARE(reader->episodes(run)->size(), static_cast<std::size_t>(recorded) * series.size());
            if (weights.empty()) {
                weights = hashOf(outcome);
                returns = series.value;
            }
            QCOMPARE(hashOf(outcome), weights);
            QVERIFY(series.value == returns);
        }
    }

    void moreThanAreEvaluatedAreRefused() {
        QVERIFY(!parseExperiment(kMatrixSequence, "test", {"evaluation.recorded_episodes=5"}));
        QVERIFY(!parseExperiment(kMatrixSequence, "test", {"evaluation.recorded_episodes=-1"}));
    }

    // Every evaluation plays its episodes in the order of their numbers, which is that of the store.
    void aReplayShowsWhatIsStored_data() { environments(); }
    void aReplayShowsWhatIsStored() {
        QFETCH(std::string, env);
        const Experiment experiment = experimentIn(env, 4);
        const Workspace workspace;
        RunId run;
        VERIFY_FINISHED(live(experiment, workspace, &run));
        const auto reader = std::move(*RunReader::open(workspace.path()));
        const auto stamps = *reader->episodes(run);
        const auto environment = std::move(*makeEnvironment(experiment.env));
        const EnvSpec& spec = environment->spec();
        std::vector<float> obs(static_cast<std::size_t>(spec.nAgents * spec.obsDim));
        std::vector<float> state(static_cast<std::size_t>(spec.stateDim));
        std::vector<std::uint8_t> avail(static_cast<std::size_t>(spec.nAgents * spec.nActions));
        const ObservationSpans spans{obs, state, avail};
        QVERIFY(stamps.size() >= 8);
        for (std::size_t number = 0; number < stamps.size(); ++number) {
            const EpisodeStamp& stamp = stamps[number];
            const EpisodeRecording recording = *reader->episode(run, stamp.id);
            QCOMPARE(recording.moments.size(), static_cast<std::size_t>(stamp.steps) + 1);
            QVERIFY(recording.clocks == stamp.clocks);
            QCOMPARE(static_cast<double>(recording.moments.back().episodeReturn), stamp.episodeReturn);
            environment->reset({.seed = 1, .greedy = true, .episode = number}, spans);
            for (std::size_t step = 0; step < recording.moments.size(); ++step) {
                const EnvView& moment = recording.moments[step];
                if (step > 0) {
                    std::vector<std::int32_t> actions;
                    std::vector<float> seen;
                    std::vector<std::uint8_t> legal;
                    for (const ChoiceView& choice : moment.choices) {
                        QVERIFY(isGreedy(choice));
                        actions.push_back(choice.action);
                        seen.insert(seen.end(), choice.observation.begin(), choice.observation.end());
                        legal.insert(legal.end(), choice.legal.begin(), choice.legal.end());
                    }
                    QVERIFY(seen == obs);
                    QVERIFY(legal == avail);
                    QVERIFY(environment->step(actions, spans).has_value());
                } else {
                    QVERIFY(moment.choices.empty());
                }
                EnvView expected = environment->view();
                expected.task = "the only one";
                expected.choices = moment.choices;
                if (auto* matrix = std::get_if<MatrixView>(&expected.scene)) {
                    const auto& stored = std::get<MatrixView>(moment.scene);
                    QCOMPARE(stored.learnedQTot.size(), stored.payoff.size());
                    matrix->learnedQ = stored.learnedQ;
                    matrix->learnedQTot = stored.learnedQTot;
                }
                QVERIFY(moment == expected);
                QVERIFY(moment.greedy);
            }
        }
    }

    void aResumeCutsOffWhatCameLater() {
        const Workspace workspace;
        RunId run;
        const Death death{.savedAt = 500, .savedAtUpdate = 0, .at = 1300};
        VERIFY_FINISHED(dieAndResume(experimentOf(kMatrixSequence), workspace, death, &run));
        const auto reader = std::move(*RunReader::open(workspace.path()));
        const Series evaluations = *reader->series(run, "test/return");
        const auto stamps = *reader->episodes(run);
        QCOMPARE(stamps.size(), evaluations.size());
        for (std::size_t i = 0; i < stamps.size(); ++i) {
            QCOMPARE(stamps[i].clocks.envStep.value, evaluations.envStep[i]);
            QCOMPARE(stamps[i].task, std::string(i < 3 ? "additive" : "monotone"));
        }
    }

    void whatAnEpisodeCosts_data() { environments(); }
    void whatAnEpisodeCosts() {
        QFETCH(std::string, env);
        const Workspace workspace;
        RunId run;
        VERIFY_FINISHED(live(experimentIn(env, 4), workspace, &run));
        const auto reader = std::move(*RunReader::open(workspace.path()));
        std::int64_t bytes = 0;
        std::int64_t steps = 0;
        const auto stamps = *reader->episodes(run);
        for (const EpisodeStamp& stamp : stamps) {
            bytes += stamp.bytes;
            steps += stamp.steps;
        }
        qInfo("%s: %lld bytes per step", env.c_str(), static_cast<long long>(bytes / std::max<std::int64_t>(steps, 1)));
        QVERIFY(bytes < 2'000 * steps);
    }

  private:
    static void environments() {
        QTest::addColumn<std::string>("env");
        QTest::newRow("matrix game") << std::string("{name=\"matrix\",table=\"additive\"}");
        QTest::newRow("matrix game of two steps") << std::string("{name=\"matrix\",table=\"two_step\"}");
        QTest::newRow("predators and prey") << std::string("{name=\"tag\"}");
        QTest::newRow("stag hunt") << std::string(kHunt);
        QTest::newRow("battle") << std::string(kBattle);
    }
};

QTEST_APPLESS_MAIN(TestRecordings)
#include "tst_recordings.moc"
