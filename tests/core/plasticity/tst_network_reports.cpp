// SPDX-License-Identifier: GPL-3.0-or-later
// Diagnostics of networks inside a run: they change no weight, they reach the store when they should, and what they
// keep survives a checkpoint bit for bit.
#include <algorithm>

#include <QTest>

#include "core/session/run_plan.h"
#include "core/session/trainer.h"
#include "core/store/run_reader.h"
#include "core/store/workspace.h"
#include "probe_rig.h"
#include "session_fixture.h"

using namespace knife;
using namespace knife::test;

class TestNetworkReports : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void changeNoWeight();
    void areStoredWhenTheyAreDue();
    void continueBitForBit();
    void failWithoutStoppingTheRun();
};

namespace {

const char* const kEverything = R"(diagnostics.per_evaluation=["ranks", "weights", "behaviour", "churn"])";
const char* const kEverythingPerTask = R"(diagnostics.per_task=["gradient_covariance", "ntk", "trainability"])";
const char* const kNothing = "diagnostics.per_evaluation=[]";

// A trainer with a store of its own.
class Bench {
  public:
    explicit Bench(const Experiment& experiment) {
        const auto plan = planRun(experiment);
        if (!plan || !prepareWorkspace(m_workspace.path())) {
            qFatal("cannot prepare");
        }
        m_store = std::move(*RunWriter::create(m_workspace.path(), {.id = {},
                                                                    .experiment = "bench",
                                                                    .seed = 1,
                                                                    .configToml = "",
                                                                    .totalEnvSteps = experiment.steps,
                                                                    .build = "test"}));
        if (!m_store->beginSegment({}, "start")) {
            qFatal("cannot begin");
        }
        m_trainer = std::move(*Trainer::build(*plan, 1, *m_store, [] {}));
    }
    Trainer* operator->() { return m_trainer.get(); }

  private:
    Workspace m_workspace;
    std::unique_ptr<RunWriter> m_store;
    std::unique_ptr<Trainer> m_trainer;
};

Series seriesOf(RunReader& reader, const RunId& run, const std::string& metric) {
    auto series = reader.series(run, metric);
    return series ? *series : Series{};
}

std::vector<std::string> textsOf(const QStringList& list) {
    std::vector<std::string> texts;
    for (const QString& text : list) {
        texts.push_back(text.toStdString());
    }
    return texts;
}

} // namespace

void TestNetworkReports::changeNoWeight() {
    const auto hashWith = [](const std::vector<std::string>& overrides) {
        const Workspace workspace;
        const auto session = workspace.start(experimentOf(kMatrixSequence, overrides));
        RecordingObserver observer;
        const RunOutcome outcome = session->run(observer);
        return hashOf(outcome);
    };
    const std::string without = hashWith({kNothing});
    QCOMPARE(hashWith({}), without);
    QCOMPARE(hashWith({kEverything, kEverythingPerTask}), without);
}

void TestNetworkReports::areStoredWhenTheyAreDue() {
    const Workspace workspace;
    const auto session = workspace.start(experimentOf(kMatrixSequence, {kEverything, kEverythingPerTask}));
    RecordingObserver observer;
    QVERIFY(session->run(observer).state == RunState::Finished);
    const auto reader = std::move(*RunReader::open(workspace.path()));
    const RunId run = session->id();
    const auto events = reader->events(run);
    QVERIFY(events);
    for (const EventRecord& event : *events) {
        QVERIFY2(event.kind != "diagnostic_failed", event.text.c_str());
    }
    // Evaluations with episodes to look at: two or three per task and the last one.
    QVERIFY(seriesOf(*reader, run, "rank/agent.fc1/srank").size() >= 4);
    QVERIFY(seriesOf(*reader, run, "behaviour/td_error/p95").size() >= 4);
    QVERIFY(seriesOf(*reader, run, "churn/policy/target").size() >= 4);
    QVERIFY(seriesOf(*reader, run, "churn/policy/since_1").size() > 0);
    QVERIFY(seriesOf(*reader, run, "churn/policy/since_10").size() > 0);
    // Both ends of two tasks.
    QCOMPARE(seriesOf(*reader, run, "trainability/ratio").size(), std::size_t{4});
    QCOMPARE(seriesOf(*reader, run, "ntk/srank").size(), std::size_t{4});
    const Series covariance = seriesOf(*reader, run, "gradient_covariance/all/mean_cosine");
    QCOMPARE(covariance.size(), std::size_t{4});
    QCOMPARE(covariance.update.front(), std::int64_t{0});
}

// Saved in the middle of a churn window, with earlier weights in three memories.
void TestNetworkReports::continueBitForBit() {
    const Experiment experiment = experimentOf(kMatrixSequence, textsOf({kEverything, "evaluation.interval=150"}));
    Bench original(experiment);
    for (int i = 0; i < 80; ++i) {
        QVERIFY(original->advance());
    }
    const std::string saved = original->save();
    const Experiment silent = experimentOf(kMatrixSequence, textsOf({kNothing, "evaluation.interval=150"}));
    Bench copy(experiment);
    QVERIFY(copy->restore(saved));
    QCOMPARE(copy->save(), saved);
    for (int i = 0; i < 150; ++i) {
        QVERIFY(original->advance());
        QVERIFY(copy->advance());
        QVERIFY(copy->save() == original->save());
    }
    // A run that does not ask for them reads the checkpoint too, and forgets the memories.
    Bench without(silent);
    QVERIFY(without->restore(saved));
    QVERIFY(without->save().size() < saved.size());
    QCOMPARE(without->figures().weightsSha256.size(), std::size_t{64});
}

// A specification of other networks stands for everything that a diagnostic may be unable to do.
void TestNetworkReports::failWithoutStoppingTheRun() {
    Setup setup;
    DiagnosticsConfig config;
    config.perEvaluation = {"ranks", "ntk"};
    ProbeRig rig(setup, randomEpisodes(setup.spec, {4, 5}), config);
    setup.hidden = 12;
    ProbeRig other(setup, randomEpisodes(setup.spec, {4, 5}), config);
    RunPlan plan;
    plan.experiment.diagnostics = config;
    plan.spec = setup.spec;
    Replay replay(10);
    QVERIFY(!NetworkProbe(plan, other.spec(), rig.learner(), replay).isDue(ProbeOccasion::Evaluation, 1));
    replay.add(randomEpisode(setup.spec, 4, End::Terminated, 1));
    NetworkProbe probe(plan, other.spec(), rig.learner(), replay);
    QVERIFY(probe.isDue(ProbeOccasion::Evaluation, 1));
    QVERIFY(!probe.isDue(ProbeOccasion::TaskBegins, 1));
    const NetworkReport report = probe.look(ProbeOccasion::Evaluation, 1);
    QCOMPARE(report.failures.size(), std::size_t{1});
    QVERIFY(report.failures.front().describe().find("\"ntk\"") != std::string::npos);
    QVERIFY(!report.values.empty());
}

QTEST_APPLESS_MAIN(TestNetworkReports)
#include "tst_network_reports.moc"
