// SPDX-License-Identifier: GPL-3.0-or-later
// `knifectl compare`: runs that the test has written, whose figures are known, and runs that knifectl has trained.
#include <cmath>

#include <QTest>

#include "core/store/run_writer.h"
#include "core/store/workspace.h"
#include "core/types/metric_names.h"
#include "tests/app/ctl/knifectl.h"

using namespace knife;
using namespace knife::test;

namespace {

constexpr std::int64_t kTaskSteps = 100;

/// A stored run of a task after the other. On task k the evaluations rise from 0 to tops[k] at half of the stretch and
/// stay there: the area under the curve is 3/4 of the top, the last tenth is the top.
struct StoredRun {
    QString experiment = "study";
    std::uint64_t seed = 1;
    QString settings = {}; ///< TOML below the common part
    std::vector<double> tops = {1, 1, 1};
    QStringList tasks = {"a", "b", "a"};
    RunState state = RunState::Finished;
    std::vector<double> atEnd = {}; ///< evaluations of earlier tasks at the end
    const char* metric = "test/return";
};

Clocks clocksAt(std::int64_t envStep) {
    return {UpdateStep{envStep / 2}, EnvStep{envStep}, Episode{envStep}, 0.1};
}

QString configOf(const StoredRun& run) {
    QString text = QString("[experiment]\nname = \"%1\"\nseeds = [%2]\nsteps = %3\n%4\n")
                       .arg(run.experiment)
                       .arg(run.seed)
                       .arg(kTaskSteps * run.tasks.size())
                       .arg(run.settings);
    if (run.tasks.size() == 1) {
        return text + QString("[env]\nname = \"matrix\"\ntable = \"%1\"\n").arg(run.tasks.front());
    }
    text += "[env]\nname = \"matrix\"\n";
    for (const QString& task : run.tasks) {
        text += QString("[[tasks]]\nname = \"%1\"\n[tasks.env]\nname = \"matrix\"\ntable = \"%1\"\n").arg(task);
    }
    return text;
}

QString store(const Knifectl& ctl, const StoredRun& run) {
    const std::filesystem::path workspace = ctl.workspace().toStdString();
    if (!prepareWorkspace(workspace)) {
        qFatal("no workspace");
    }
    NewRun description;
    description.experiment = run.experiment.toStdString();
    description.seed = run.seed;
    description.configToml = configOf(run).toStdString();
    description.totalEnvSteps = kTaskSteps * static_cast<std::int64_t>(run.tops.size());
    const auto writer = std::move(*RunWriter::create(workspace, description));
    (void)writer->beginSegment(clocksAt(0), "start");
    const MetricHandle metric = writer->metric(run.metric);
    for (std::size_t k = 0; k < run.tops.size(); ++k) {
        const auto begin = static_cast<std::int64_t>(k) * kTaskSteps;
        if (k > 0) {
            const auto at = static_cast<qsizetype>(k);
            writer->event(clocksAt(begin), "task_switch", "on",
                          QString(R"({"from":"%1","to":"%2"})").arg(run.tasks[at - 1], run.tasks[at]).toStdString());
        }
        const double top = run.tops[k];
        const std::vector<double> scores{0.0, top / 2, top, top, top};
        for (std::size_t i = 0; i < scores.size(); ++i) {
            writer->point(metric, clocksAt(begin + static_cast<std::int64_t>(i) * kTaskSteps / 4), scores[i]);
        }
    }
    const Clocks end = clocksAt(description.totalEnvSteps);
    for (std::size_t k = 0; k < run.atEnd.size(); ++k) {
        const MetricHandle ofTask = writer->metric(metricOfTask("test/return", k));
        writer->point(ofTask, clocksAt(description.totalEnvSteps - kTaskSteps), 77.0); // at the last switch
        writer->point(ofTask, end, run.atEnd[k]);
    }
    writer->progress(end, run.state, run.tasks.back().toStdString(), 1.0);
    if (!writer->close(run.state, "", end, "")) {
        qFatal("the run was not stored");
    }
    return QString::fromStdString(writer->id().value);
}

const char* const kRemedy = "[[interventions]]\nmethod = \"knife\"";
const char* const kReset = "[learning]\non_switch_network = \"reset\"";

/// Three arms of four seeds: one that loses plasticity, one with a remedy that halves the loss, and fresh networks.
void storeStudy(const Knifectl& ctl) {
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
        const double luck = 0.25 * static_cast<double>(seed);
        store(ctl, {.seed = seed, .tops = {4 + luck, 3 + luck, 2 + luck}});
        store(ctl, {.seed = seed, .settings = kRemedy, .tops = {4 + luck, 3.5 + luck, 3 + luck}});
        store(ctl, {.experiment = "control", .seed = seed, .settings = kReset, .tops = {4 + luck, 4 + luck, 4 + luck}});
    }
}

QJsonObject armOf(const QJsonObject& study, const QString& part) {
    for (const QJsonValue& arm : study["arms"].toArray()) {
        if (arm["arm"].toString().contains(part)) {
            return arm.toObject();
        }
    }
    return {};
}

double valueOf(const QJsonValue& estimate, const char* part = "value") {
    return estimate[part].toDouble(std::nan(""));
}

} // namespace

class TestKnifectlCompare : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void initTestCase();
    void armsAreNamedByWhatDiffers();
    void scoresAreAreas();
    void gapsToFreshNetworks();
    void besideTheBaseline();
    void whatIsLeftOfEarlierTasks();
    void tasksThatComeAgain();
    void tablesForPeople();
    void resultsRepeat();
    void otherScoresAndScales();
    void armsByAKey();
    void chosenRuns();
    void repeatsOfARun();
    void whatIsLeftOut();
    void freshNetworksOnSingleTasks();
    void wrongUse_data();
    void wrongUse();
    void trainedRuns();

  private:
    [[nodiscard]] QJsonObject compare(const QStringList& arguments) const;

    Knifectl m_ctl;
};

QJsonObject TestKnifectlCompare::compare(const QStringList& arguments) const {
    const Outcome outcome = m_ctl.run(QStringList{"compare", "--json", "--reps", "500"} + arguments);
    if (outcome.exitCode != 0) {
        qWarning("%s", outcome.describe().constData());
    }
    return outcome.object();
}

void TestKnifectlCompare::initTestCase() {
    storeStudy(m_ctl);
}

void TestKnifectlCompare::armsAreNamedByWhatDiffers() {
    const QJsonObject study = compare({"--all"});
    QCOMPARE(study["arms"].toArray().size(), 3);
    const QJsonObject remedy = armOf(study, "interventions[0].method=knife");
    QCOMPARE(remedy["runs"].toInt(), 4);
    QCOMPARE(remedy["experiments"].toArray(), QJsonArray{"study"});
    const QJsonObject diff = study["config_diff"].toObject();
    QCOMPARE(diff.keys(), (QStringList{"interventions[0].method", "learning.on_switch_network"}));
    QCOMPARE(diff["interventions[0].method"].toArray(), (QJsonArray{"unset", "knife", "unset"}));
}

void TestKnifectlCompare::scoresAreAreas() {
    const QJsonObject plain = armOf(compare({"--name", "study"}), "unset");
    QCOMPARE(plain["scores"].toArray().at(0)["seed"].toInt(), 1);
    QCOMPARE(plain["scores"].toArray().at(0)["scores"].toArray(), (QJsonArray{0.75 * 4.25, 0.75 * 3.25, 0.75 * 2.25}));
    QCOMPARE(valueOf(plain["tasks"].toArray().at(1)["score"]), 0.75 * 3.625);
    QCOMPARE(valueOf(plain["mean"]), 0.75 * 3.625);
    QCOMPARE(valueOf(plain["tasks"].toArray().at(1)["start"]), 0.0);
    QCOMPARE(plain["tasks"].toArray().at(1)["name"].toString(), "b");
    QVERIFY(valueOf(plain["iqm"], "low") < valueOf(plain["iqm"]));
    QVERIFY(valueOf(plain["iqm"], "high") > valueOf(plain["iqm"]));
}

void TestKnifectlCompare::gapsToFreshNetworks() {
    const QJsonObject study = compare({"--all", "--fresh", "learning.on_switch_network=reset"});
    const QJsonObject plain = armOf(study, "interventions[0].method=unset, learning.on_switch_network=unset");
    QCOMPARE(valueOf(plain["tasks"].toArray().at(0)["gap"]), 0.0);
    QCOMPARE(valueOf(plain["tasks"].toArray().at(2)["gap"]), 0.75 * 2);
    QCOMPARE(valueOf(plain["fresh"]["gap"]), 0.75);
    QCOMPARE(valueOf(plain["fresh"]["gap_slope"]), 0.75);
    QVERIFY(plain["fresh"]["paired"].toBool());
    QVERIFY(std::abs(valueOf(plain["fresh"]["gap_slope"], "low") - 0.75) < 1e-12); // the same for every seed
    QCOMPARE(valueOf(plain["fresh"]["final_gap"]), 1.0);
    const QJsonObject remedy = armOf(study, "knife");
    QCOMPARE(valueOf(remedy["fresh"]["gap_slope"]), 0.375);
    QVERIFY(armOf(study, "reset")["fresh"].isNull());
    // 0.8 of the fresh arm's mean end of 4.625 is 3.7: of tops 2.25 2.5 2.75 3 none gets there.
    QCOMPARE(plain["tasks"].toArray().at(2)["threshold"].toDouble(), 0.8 * 4.625);
    QCOMPARE(plain["tasks"].toArray().at(2)["reached_threshold"].toDouble(), 0.0);
    QCOMPARE(valueOf(plain["tasks"].toArray().at(2)["steps_to_threshold"]), 100.0);
    QCOMPARE(plain["tasks"].toArray().at(0)["reached_threshold"].toDouble(), 1.0);
    QCOMPARE(valueOf(plain["tasks"].toArray().at(0)["steps_to_threshold"]), 50.0);

    const QJsonObject byName = compare({"--all", "--fresh", "control", "--unpaired"});
    const QJsonObject unpaired = armOf(byName, "knife");
    QVERIFY(!unpaired["fresh"]["paired"].toBool());
    QVERIFY(valueOf(unpaired["fresh"]["gap"], "low") < valueOf(unpaired["fresh"]["gap"]) - 0.05);
}

void TestKnifectlCompare::besideTheBaseline() {
    const QJsonObject study = compare({"--name", "study"});
    const QJsonObject beside = armOf(study, "knife")["baseline"].toObject();
    QVERIFY(beside["arm"].toString().contains("unset")); // what has no interventions, without being asked for
    QCOMPARE(valueOf(beside["difference"]), 0.75 * 0.5);
    // Task a: alike, 1/2. Task b: 0.5 higher, of 16 pairs 13 wins and 2 ties. Task a again: 1 higher, 16 wins.
    QCOMPARE(valueOf(beside["probability_of_improvement"]), (0.5 + 14.0 / 16 + 1) / 3);
    QCOMPARE(beside["permutation"]["p"].toDouble(), 0.125); // 4 seeds, all better: 2 / 16
    QCOMPARE(beside["wilcoxon"]["p_holm"].toDouble(), 0.125);
    const QJsonObject turned =
        armOf(compare({"--name", "study", "--baseline", "interventions[0].method=knife"}), "unset");
    QCOMPARE(valueOf(turned["baseline"]["difference"]), -0.75 * 0.5);
    QVERIFY(study["notes"].toArray().last().toString().contains("4 seeds in common cannot give a p below 0.125"));
}

void TestKnifectlCompare::whatIsLeftOfEarlierTasks() {
    const Knifectl ctl;
    const char* const looksBack = "[evaluation]\nearlier_tasks = \"at_end\"";
    for (std::uint64_t seed = 1; seed <= 2; ++seed) {
        store(ctl, {.seed = seed, .settings = looksBack, .tops = {4, 3, 2}, .atEnd = {1, 2}});
    }
    store(ctl, {.seed = 3, .tops = {4, 3, 2}, .atEnd = {}});
    const QJsonObject study = ctl.run({"compare", "--all", "--reps", "200", "--json"}).object();
    QCOMPARE(study["arms"].toArray().size(), 1); // looking back makes no other experiment
    const QJsonObject arm = armOf(study, "study");
    const QJsonArray tasks = arm["tasks"].toArray();
    const QJsonObject kept = arm["retention"].toObject();
    QCOMPARE(kept["runs"].toInt(), 2);
    QCOMPARE(valueOf(kept["average_performance"]), (1.0 + 2.0 + 2.0) / 3);
    QCOMPARE(valueOf(kept["forgetting"]), (3.0 + 1.0) / 2);
    QCOMPARE(valueOf(kept["backward_transfer"]), -2.0);
    QCOMPARE(valueOf(kept["forgetting"], "low"), 2.0); // both runs agree
    QCOMPARE(valueOf(tasks.at(0)["forgetting"]), 3.0);
    QCOMPARE(valueOf(tasks.at(2)["at_end"]), 2.0);
    QVERIFY(tasks.at(2)["forgetting"].isNull());
    QVERIFY(study["notes"].toArray().first().toString().startsWith("only 2 of 3 runs"));
    const QJsonObject scaled = ctl.run({"compare", "--all", "--reps", "200", "--scale", "0:4", "--json"}).object();
    QCOMPARE(valueOf(armOf(scaled, "study")["retention"].toObject()["forgetting"]), 0.5);
    QVERIFY(ctl.run({"compare", "--all", "--reps", "200"}).out.contains("At the end of the sequence"));
}

void TestKnifectlCompare::tasksThatComeAgain() {
    const QJsonObject plain = armOf(compare({"--name", "study"}), "unset");
    QCOMPARE(plain["recurrences"].toArray().size(), 1);
    QCOMPARE(plain["recurrences"].toArray().at(0)["task"].toInt(), 2);
    QCOMPARE(valueOf(plain["recurrences"].toArray().at(0)["ratio"]), 2.625 / 4.625);
    QCOMPARE(valueOf(plain["recurrences"].toArray().at(0)["forgetting"]), 4.625);
}

void TestKnifectlCompare::tablesForPeople() {
    const Outcome outcome = m_ctl.run({"compare", "--all", "--fresh", "control", "--reps", "500"});
    VERIFY_EXIT(outcome, 0);
    for (const char* part : {"area under the learning curve of test/return: 12 runs in 3 arms",
                             "500 resamples of whole runs, seed 0", "IQM", "P(better)", "Holm", "Beside fresh networks",
                             "Settings in which arms differ", "Tasks that come again", "Notes"}) {
        QVERIFY2(outcome.out.contains(part), outcome.describe());
    }
    QCOMPARE(outcome.err, QString());
}

void TestKnifectlCompare::resultsRepeat() {
    QCOMPARE(compare({"--all"}), compare({"--all"}));
    const QJsonObject other = compare({"--all", "--seed", "1"});
    QCOMPARE(other["bootstrap"]["seed"].toInt(), 1);
    QVERIFY(other["arms"] != compare({"--all"})["arms"]);
}

void TestKnifectlCompare::otherScoresAndScales() {
    const QJsonObject ends = compare({"--name", "study", "--score", "final"});
    QCOMPARE(valueOf(armOf(ends, "unset")["tasks"].toArray().at(0)["score"]), 4.625);
    const QJsonObject fixed = compare({"--name", "study", "--scale", "-5:5"});
    QCOMPARE(valueOf(armOf(fixed, "unset")["tasks"].toArray().at(0)["end"]), (4.625 + 5) / 10);
    QVERIFY(armOf(fixed, "unset")["optimality_gap"].isObject());
    // The best fresh run ends at 5 on both tasks.
    const QJsonObject byFresh = compare({"--all", "--fresh", "control", "--scale", "0:fresh"});
    QCOMPARE(valueOf(armOf(byFresh, "knife")["tasks"].toArray().at(2)["end"]), 3.625 / 5);
}

void TestKnifectlCompare::armsByAKey() {
    const QJsonObject study = compare({"--all", "--by", "experiment"});
    QCOMPARE(study["arms"].toArray().size(), 2);
    QCOMPARE(armOf(study, "study")["runs"].toInt(), 8);
    // Two runs of each seed count as their mean, so there are four pairs.
    const QJsonObject beside = armOf(study, "study")["baseline"].toObject();
    QCOMPARE(beside["permutation"]["pairs"].toInt(), 4);
    const QString notes = QString::fromUtf8(QJsonDocument(study["notes"].toArray()).toJson());
    QVERIFY2(notes.contains("do not have one run each of the same seeds"), qPrintable(notes));
    const QString first = study["notes"].toArray().first().toString();
    QVERIFY2(first.startsWith("arm \"study\" mixes 2 configurations, 4 seeds: they differ in interventions[0].method;"),
             qPrintable(first));
    const QJsonObject byKey = compare({"--all", "--by", "learning.on_switch_network"});
    QCOMPARE(armOf(byKey, "reset")["runs"].toInt(), 4);
}

void TestKnifectlCompare::chosenRuns() {
    const Knifectl other;
    const QString first = store(other, {.seed = 1});
    const QString second = store(other, {.seed = 2});
    store(other, {.experiment = "third", .seed = 3});
    const Outcome two = other.run({"compare", first, second.left(10), "--json", "--reps", "100"});
    VERIFY_EXIT(two, 0);
    QCOMPARE(two.object()["arms"].toArray().at(0)["runs"].toInt(), 2);
    QCOMPARE(two.object()["arms"].toArray().at(0)["arm"].toString(),
             "study"); // a single arm has the name of its experiment
    const Outcome last = other.run({"compare", "last", "--json"});
    QCOMPARE(last.object()["arms"].toArray().at(0)["arm"].toString(), "third");
    QVERIFY(last.object()["arms"].toArray().at(0)["mean"]["low"].isNull()); // one run has no interval
    QVERIFY(last.object()["notes"].toArray().at(0).toString().contains("no intervals"));
}

// Which of them knows most is not a matter of age.
void TestKnifectlCompare::repeatsOfARun() {
    const Knifectl other;
    store(other, {.seed = 1, .settings = "[evaluation]\nearlier_tasks = \"at_end\"", .atEnd = {1, 2}});
    store(other, {.seed = 1, .settings = "[diagnostics]\nper_task = [\"weights\"]", .metric = "weights/norm"});
    store(other, {.seed = 1});
    const auto only = [&other](const QString& metric) {
        const Outcome outcome = other.run({"compare", "--all", "--json", "--reps", "100", "--metric", metric});
        return outcome.object()["arms"].toArray().at(0).toObject();
    };
    QCOMPARE(only("weights/norm")["runs"].toInt(), 1);
    QCOMPARE(only("test/return")["runs"].toInt(), 1);
    QCOMPARE(only("test/return")["retention"].toObject()["runs"].toInt(), 1);
}

void TestKnifectlCompare::whatIsLeftOut() {
    const Knifectl other;
    const QString again = store(other, {.seed = 1});
    store(other, {.seed = 1});
    store(other, {.seed = 2});
    const QString stopped = store(other, {.seed = 3, .tops = {1}, .state = RunState::Interrupted});
    const QString broken = store(other, {.seed = 4, .tops = {1, std::nan(""), 1}});
    const Outcome outcome = other.run({"compare", "--all", "--json", "--reps", "100"});
    VERIFY_EXIT(outcome, 0);
    QCOMPARE(outcome.object()["arms"].toArray().at(0)["runs"].toInt(), 2);
    const QString notes = QString::fromUtf8(QJsonDocument(outcome.object()["notes"].toArray()).toJson());
    QVERIFY2(notes.contains("a run that counts: " + again), qPrintable(notes));
    QVERIFY2(notes.contains("not finished: " + stopped), qPrintable(notes));
    QVERIFY2(notes.contains("not finite: " + broken), qPrintable(notes));
    const Outcome nothing = other.run({"compare", stopped});
    VERIFY_EXIT(nothing, 1);
    QVERIFY(nothing.oneMessage() && nothing.err.contains("not finished"));
}

void TestKnifectlCompare::freshNetworksOnSingleTasks() {
    const Knifectl other;
    for (std::uint64_t seed = 1; seed <= 2; ++seed) {
        store(other, {.seed = seed, .tops = {4, 3, 2}});
        store(other, {.experiment = "alone", .seed = seed, .tops = {4}, .tasks = {"a"}});
        store(other, {.experiment = "alone", .seed = seed, .tops = {5}, .tasks = {"b"}});
    }
    const Outcome outcome = other.run({"compare", "--all", "--fresh", "alone", "--json", "--reps", "100"});
    VERIFY_EXIT(outcome, 0);
    const QJsonObject sequence = armOf(outcome.object(), "env.table=unset");
    QCOMPARE(sequence["fresh"]["runs"].toInt(), 2);
    QCOMPARE(valueOf(sequence["tasks"].toArray().at(0)["gap"]), 0.0);
    QCOMPARE(valueOf(sequence["tasks"].toArray().at(1)["gap"]), 0.75 * 2);
    QCOMPARE(valueOf(sequence["tasks"].toArray().at(2)["gap"]), 0.75 * 2); // task a again
}

void TestKnifectlCompare::wrongUse_data() {
    QTest::addColumn<QStringList>("arguments");
    QTest::addColumn<int>("exitCode");
    QTest::addColumn<QString>("message");
    QTest::newRow("nothing") << QStringList() << 2 << "nothing to compare";
    QTest::newRow("unknown run") << QStringList{"nobody"} << 1 << "nobody";
    QTest::newRow("unknown experiment") << QStringList{"--name", "stuty"} << 1 << "did you mean 'study'";
    QTest::newRow("unknown metric") << QStringList{"--all", "--metric", "test/retrun"} << 1
                                    << "did you mean 'test/return'";
    QTest::newRow("unknown key") << QStringList{"--all", "--by", "learning.on_switch_netwrk"} << 2
                                 << "learning.on_switch_network";
    QTest::newRow("unknown arm") << QStringList{"--all", "--baseline", "mixer.method=vdn"} << 2 << "baseline";
    QTest::newRow("unknown fresh arm") << QStringList{"--all", "--fresh", "nowhere"} << 2 << "fresh arm";
    QTest::newRow("no scale") << QStringList{"--all", "--scale", "one"} << 2 << "--scale";
    QTest::newRow("scale without fresh arm") << QStringList{"--all", "--scale", "0:fresh"} << 2 << "--fresh";
    QTest::newRow("empty scale") << QStringList{"--all", "--scale", "1:1"} << 2 << "cannot be scaled";
    QTest::newRow("too few resamples") << QStringList{"--all", "--reps", "1"} << 2 << "--reps";
    QTest::newRow("unknown score") << QStringList{"--all", "--score", "best"} << 2 << "best";
}

void TestKnifectlCompare::wrongUse() {
    QFETCH(QStringList, arguments);
    QFETCH(int, exitCode);
    QFETCH(QString, message);
    const Outcome outcome = m_ctl.run(QStringList{"compare"} + arguments);
    VERIFY_EXIT(outcome, exitCode);
    QVERIFY2(outcome.err.contains(message), outcome.describe());
    QCOMPARE(outcome.out, QString());
}

void TestKnifectlCompare::trainedRuns() {
    const Knifectl other;
    const QString file = other.write("small.toml", kSmallExperiment);
    QStringList runs;
    for (const char* seed : {"1", "2"}) {
        for (const QStringList& arm : {QStringList(), QStringList{"--set", "interventions=[]"}}) {
            const Outcome trained = other.train(file, QStringList{"--seed", seed} + arm);
            VERIFY_EXIT(trained, 0);
            runs << trained.object()["run"].toString();
        }
    }
    const Outcome outcome = other.run(QStringList{"compare", "--json", "--reps", "200", "--score", "final"} + runs);
    VERIFY_EXIT(outcome, 0);
    const QJsonObject knife = armOf(outcome.object(), "interventions[0].method=knife");
    QCOMPARE(knife["runs"].toInt(), 2);
    QCOMPARE(knife["tasks"].toArray().size(), 2);
    QCOMPARE(knife["tasks"].toArray().at(1)["name"].toString(), "second");
    QCOMPARE(knife["tasks"].toArray().at(1)["length"].toDouble(), 400.0);
    // Evaluations every 200 steps: the last tenth of three is the last one, which `train` reports, too.
    const Outcome shown = other.run({"show", runs.front(), "--json"});
    QCOMPARE(knife["scores"].toArray().at(0)["run"].toString(), runs.front());
    QCOMPARE(knife["scores"].toArray().at(0)["scores"].toArray().at(0).toDouble(),
             shown.object()["tasks"].toArray().at(0)["final_test_return"].toDouble(std::nan("")));
    QCOMPARE(knife["scores"].toArray().at(0)["scores"].toArray().at(1).toDouble(),
             shown.object()["test_return"].toDouble(std::nan("")));
}

QTEST_APPLESS_MAIN(TestKnifectlCompare)
#include "tst_knifectl_compare.moc"
