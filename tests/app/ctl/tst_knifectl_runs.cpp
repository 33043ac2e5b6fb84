// SPDX-License-Identifier: GPL-3.0-or-later
// Runs from the command line: what they report, that they repeat to the bit, and that they survive signals.
#include <csignal>

#include <QTest>

#include "tests/app/ctl/knifectl.h"

using namespace knife::test;

namespace {

QStringList missingKeys(const QJsonObject& object, const QStringList& keys) {
    QStringList missing;
    for (const QString& key : keys) {
        if (!object.contains(key)) {
            missing << key;
        }
    }
    return missing;
}

QString hashOf(const Outcome& outcome) {
    return outcome.object()["weights_sha256"].toString();
}

/// Waits until the progress bar was reported for the `reports`-th time; that happens with every tenth of the budget.
bool waitForProgress(QProcess& process, int reports) {
    process.setReadChannel(QProcess::StandardError);
    while (reports > 0) {
        while (process.canReadLine()) {
            reports -= process.readLine().startsWith('[') ? 1 : 0;
        }
        if (reports > 0 && !process.waitForReadyRead(60'000)) {
            return false;
        }
    }
    return true;
}

} // namespace

class TestKnifectlRuns : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void initTestCase();
    void trainReportsItsResult();
    void sameSeedGivesSameWeights();
    void commandLineOverridesTheFile();
    void interruptedRunGoesOnAsIfNothingHappened();
    void killedRunGoesOnAsIfNothingHappened();
    void finishedRunIsLengthened();
    void secondSignalEndsAtOnce();
    void runsAreListed();
    void showTellsTheWholeRun();
    void neuronsAreTold();
    void unknownRun_data();
    void unknownRun();
    void envsAreListed();
    void environmentsAreMeasured();
    void unknownEnvironmentIsRefused();
    void learningIsMeasured();
    void doctorFindsNothing();

  private:
    Knifectl m_ctl;
    QString m_file;
    Outcome m_trained;
};

void TestKnifectlRuns::initTestCase() {
    m_file = m_ctl.write("small.toml", kSmallExperiment);
    m_trained = m_ctl.train(m_file, {"--run-id", "referencerun"});
    VERIFY_EXIT(m_trained, 0);
}

void TestKnifectlRuns::trainReportsItsResult() {
    const QJsonObject result = m_trained.object();
    QCOMPARE(missingKeys(result, {"run", "status", "env_steps", "updates", "episodes", "wall_s", "env_steps_per_s",
                                  "updates_per_s", "weights_sha256", "final"}),
             QStringList());
    QCOMPARE(result["run"].toString(), "referencerun");
    QCOMPARE(result["status"].toString(), "finished");
    QCOMPARE(result["env_steps"].toInt(), 800);
    QCOMPARE(result["episodes"].toInt(), 800); // one step each
    QVERIFY(result["updates"].toInt() > 0 && result["wall_s"].toDouble() > 0.0);
    QCOMPARE(result["weights_sha256"].toString().size(), 64);
    QVERIFY(result["final"].toObject()["test_return"].isDouble());
    QCOMPARE(m_trained.err, QString());
}

void TestKnifectlRuns::sameSeedGivesSameWeights() {
    QCOMPARE(hashOf(m_ctl.train(m_file)), hashOf(m_trained));
    QCOMPARE(hashOf(m_ctl.train(m_file, {"--seed", "3", "--threads", "1"})), hashOf(m_trained));
    const Outcome other = m_ctl.train(m_file, {"--seed", "4"});
    VERIFY_EXIT(other, 0);
    QVERIFY(hashOf(other) != hashOf(m_trained));
}

void TestKnifectlRuns::commandLineOverridesTheFile() {
    const Outcome shorter = m_ctl.train(m_file, {"--steps", "600", "--set", "agent.hidden=8"});
    VERIFY_EXIT(shorter, 0);
    QCOMPARE(shorter.object()["env_steps"].toInt(), 600);
    const Outcome otherMixer = m_ctl.train(m_file, {"--steps", "600", "--set", R"(mixer={method="vdn"})"});
    VERIFY_EXIT(otherMixer, 0);
    // The file's own keys of QMIX go with QMIX; one that is given beside the new method is checked against it.
    const Outcome otherMethod = m_ctl.train(m_file, {"--steps", "600", "--set", "mixer.method=vdn"});
    VERIFY_EXIT(otherMethod, 0);
    QCOMPARE(hashOf(otherMethod), hashOf(otherMixer));
    const Outcome foreignKey = m_ctl.train(m_file, {"--set", "mixer.method=vdn", "--set", "mixer.embed=8"});
    VERIFY_EXIT(foreignKey, 2);
    QVERIFY2(foreignKey.err.contains("mixer.embed"), foreignKey.describe()); // VDN has no embedding
}

void TestKnifectlRuns::interruptedRunGoesOnAsIfNothingHappened() {
    const QStringList longer{"--steps", "4000"};
    const Outcome uninterrupted = m_ctl.train(m_file, longer);
    VERIFY_EXIT(uninterrupted, 0);

    const auto process = m_ctl.start(QStringList{"train", m_file, "--json", "--run-id", "stoppedrun01"} + longer);
    QVERIFY(waitForProgress(*process, 3));
    ::kill(static_cast<pid_t>(process->processId()), SIGINT);
    const Outcome interrupted = Knifectl::wait(*process);
    VERIFY_EXIT(interrupted, 130);
    QCOMPARE(interrupted.object()["status"].toString(), "interrupted");
    QVERIFY(interrupted.object()["env_steps"].toInt() < 4000);

    const Outcome resumed = m_ctl.run({"resume", "stoppedrun01", "--json", "--quiet"});
    VERIFY_EXIT(resumed, 0);
    QCOMPARE(resumed.object()["status"].toString(), "finished");
    QCOMPARE(resumed.object()["env_steps"], uninterrupted.object()["env_steps"]);
    QCOMPARE(resumed.object()["updates"], uninterrupted.object()["updates"]);
    QCOMPARE(hashOf(resumed), hashOf(uninterrupted));
}

void TestKnifectlRuns::killedRunGoesOnAsIfNothingHappened() {
    const QStringList longer{"--steps", "40000", "--set", "checkpoint.interval_s=0.1"};
    const Outcome uninterrupted = m_ctl.train(m_file, longer);
    VERIFY_EXIT(uninterrupted, 0);

    const auto process = m_ctl.start(QStringList{"train", m_file, "--run-id", "killedrun001"} + longer);
    QVERIFY(waitForProgress(*process, 8)); // behind the first checkpoint
    process->kill();
    QCOMPARE(Knifectl::wait(*process).exitCode, -1);

    const Outcome runs = m_ctl.run({"runs", "--json"});
    VERIFY_EXIT(runs, 0);
    const QJsonArray list = runs.json().array();
    QVERIFY(std::any_of(list.begin(), list.end(), [](const QJsonValue& run) {
        return run.toObject()["run"] == "killedrun001" && run.toObject()["status"] == "interrupted";
    }));

    const Outcome resumed = m_ctl.run({"resume", "killedrun001", "--json", "--quiet"});
    VERIFY_EXIT(resumed, 0);
    QCOMPARE(resumed.object()["status"].toString(), "finished");
    QCOMPARE(hashOf(resumed), hashOf(uninterrupted));
    const QJsonArray segments = m_ctl.run({"show", "killedrun001", "--json"}).object()["segments"].toArray();
    QCOMPARE(segments.size(), 2);
}

void TestKnifectlRuns::finishedRunIsLengthened() {
    const Outcome refused = m_ctl.run({"resume", "referencerun", "--json"});
    VERIFY_EXIT(refused, 2);
    QVERIFY2(refused.err.contains("--steps"), refused.describe());

    const Outcome shorter = m_ctl.train(m_file, {"--run-id", "longerrun001"});
    VERIFY_EXIT(shorter, 0);
    const Outcome lengthened = m_ctl.run({"resume", "longerrun001", "--steps", "1200", "--json", "--quiet"});
    VERIFY_EXIT(lengthened, 0);
    QCOMPARE(hashOf(lengthened), hashOf(m_ctl.train(m_file, {"--steps", "1200"})));
    // Nobody shall take it for the short one.
    const QJsonObject shown = m_ctl.run({"show", "longerrun001", "--json"}).object();
    QCOMPARE(shown["config"].toObject()["experiment"].toObject()["steps"].toInt(), 1200);
}

void TestKnifectlRuns::secondSignalEndsAtOnce() {
    const auto process = m_ctl.start({"train", m_file, "--steps", "20000"});
    QVERIFY(waitForProgress(*process, 1));
    ::kill(static_cast<pid_t>(process->processId()), SIGTERM);
    ::kill(static_cast<pid_t>(process->processId()), SIGTERM);
    VERIFY_EXIT(Knifectl::wait(*process), 130);
}

void TestKnifectlRuns::runsAreListed() {
    const Outcome outcome = m_ctl.run({"runs", "--json"});
    VERIFY_EXIT(outcome, 0);
    const QJsonArray runs = outcome.json().array();
    QVERIFY(!runs.isEmpty());
    for (const QJsonValue& run : runs) {
        QVERIFY2(!run.toObject()["run"].toString().isEmpty(), outcome.describe());
        QVERIFY2(!run.toObject()["status"].toString().isEmpty(), outcome.describe());
    }
    const Outcome table = m_ctl.run({"runs"});
    VERIFY_EXIT(table, 0);
    QVERIFY2(table.out.contains("referencerun"), table.describe());
}

void TestKnifectlRuns::showTellsTheWholeRun() {
    const Outcome outcome = m_ctl.run({"show", "referencerun", "--json"});
    VERIFY_EXIT(outcome, 0);
    const QJsonObject run = outcome.object();
    QCOMPARE(missingKeys(run, {"run", "status", "config", "segments", "tasks", "surgeries"}), QStringList());
    QCOMPARE(run["segments"].toArray().size(), 1);
    QCOMPARE(run["tasks"].toArray().size(), 2);
    const QJsonArray surgeries = run["surgeries"].toArray();
    QVERIFY2(!surgeries.isEmpty(), outcome.describe());
    for (const QJsonValue& surgery : surgeries) {
        QCOMPARE(missingKeys(surgery.toObject(), {"site", "units", "kind", "update", "max_abs_change"}), QStringList());
        QCOMPARE(surgery.toObject()["max_abs_change"].toDouble(-1.0), 0.0);
    }
    VERIFY_EXIT(m_ctl.run({"show", "referencerun"}), 0);

    const QJsonObject points = m_ctl.run({"show", "referencerun", "--metric", "test/return", "--json"}).object();
    const QStringList lines = m_ctl.run({"show", "referencerun", "--metric", "test/return"}).out.trimmed().split('\n');
    QCOMPARE(lines.size(), 1 + points["value"].toArray().size());
    QVERIFY(lines.size() > 2);
    const QStringList last = lines.back().split('\t');
    QCOMPARE(last.size(), 5);
    QCOMPARE(last[1].toInt(), points["env_step"].toArray().last().toInt());
    QCOMPARE(last[4].toDouble(), points["value"].toArray().last().toDouble());
    const Outcome unknown = m_ctl.run({"show", "referencerun", "--metric", "test/retrun"});
    VERIFY_EXIT(unknown, 1);
    QVERIFY2(unknown.err.contains("test/return"), unknown.describe());
}

void TestKnifectlRuns::neuronsAreTold() {
    const Outcome outcome = m_ctl.run({"neurons", "referencerun", "--json"});
    VERIFY_EXIT(outcome, 0);
    QVERIFY2(outcome.json().isObject() || outcome.json().isArray(), outcome.describe());
    QVERIFY2(outcome.out.contains("agent.fc1"), outcome.describe());
    VERIFY_EXIT(m_ctl.run({"neurons", "referencerun"}), 0);
}

void TestKnifectlRuns::unknownRun_data() {
    QTest::addColumn<QString>("command");
    for (const char* command : {"show", "neurons", "resume"}) {
        QTest::newRow(command) << command;
    }
}

void TestKnifectlRuns::unknownRun() {
    QFETCH(const QString, command);
    const Outcome outcome = m_ctl.run({command, "nobody"});
    VERIFY_EXIT(outcome, 1);
    QVERIFY2(outcome.oneMessage() && outcome.err.contains("nobody"), outcome.describe());
}

void TestKnifectlRuns::envsAreListed() {
    const Outcome outcome = m_ctl.run({"envs", "--json"});
    VERIFY_EXIT(outcome, 0);
    const QJsonArray envs = outcome.json().array();
    QStringList names;
    for (const QJsonValue& env : envs) {
        QCOMPARE(
            missingKeys(env.toObject(), {"name", "n_agents", "n_actions", "obs_dim", "state_dim", "episode_limit"}),
            QStringList());
        names << env.toObject()["name"].toString();
    }
    QVERIFY(names.contains("matrix") && names.contains("stag_hunt") && names.contains("pred_prey_punish"));
    QCOMPARE(names.removeDuplicates(), 0);
}

void TestKnifectlRuns::environmentsAreMeasured() {
    const Outcome outcome = m_ctl.run({"bench", "env", "pred_prey_punish", "--seconds", "0.2", "--json"});
    VERIFY_EXIT(outcome, 0);
    QVERIFY2(outcome.object()["env_steps_per_s"].toDouble() > 0.0, outcome.describe());
}

void TestKnifectlRuns::unknownEnvironmentIsRefused() {
    const Outcome outcome = m_ctl.run({"bench", "env", "pred_pray_punish"});
    QVERIFY2(outcome.exitCode == 1 || outcome.exitCode == 2, outcome.describe());
    QVERIFY2(outcome.oneMessage() && outcome.err.contains("did you mean 'pred_prey_punish'?"), outcome.describe());
}

void TestKnifectlRuns::learningIsMeasured() {
    const Outcome outcome = m_ctl.run({"bench", "learn", m_file, "--seconds", "0.3", "--json"});
    VERIFY_EXIT(outcome, 0);
    const QJsonObject figures = outcome.object();
    for (const char* key : {"updates_per_s", "env_steps_per_s", "gflop_per_update", "gflops", "sgemm_gflops"}) {
        QVERIFY2(figures[key].toDouble() > 0.0, outcome.describe());
    }
}

void TestKnifectlRuns::doctorFindsNothing() {
    const Outcome outcome = m_ctl.run({"doctor"});
    VERIFY_EXIT(outcome, 0);
    QVERIFY2(outcome.out.contains(m_ctl.workspace()), outcome.describe());
    QVERIFY2(outcome.out.contains("small products"), outcome.describe());
}

QTEST_GUILESS_MAIN(TestKnifectlRuns)
#include "tst_knifectl_runs.moc"
