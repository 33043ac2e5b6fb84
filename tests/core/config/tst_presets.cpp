// SPDX-License-Identifier: GPL-3.0-or-later
// Presets, and values that depend on other keys: what a resolved experiment holds.
#include <QTest>

#include "core/config/experiment.h"

using namespace knife;

namespace {

Result<Experiment> parse(const std::string& toml, const std::vector<std::string>& overrides = {}) {
    return parseExperiment("[env]\nname = \"matrix\"\n" + toml, "x.toml", overrides);
}

std::string errorOf(const Result<Experiment>& result) {
    return result ? std::string("no error") : result.error().describe();
}

// What a preset is expected to give, all of it.
struct Expected {
    const char* preset;
    const char* method;
    std::int64_t fcLayers;
    std::int64_t hidden;
    bool lastAction;
    std::int64_t batch;
    std::int64_t parallel;
    const char* optimiser;
    double lr;
    double epsilon;
    double tdLambda;
    bool standardised;
    std::int64_t anneal;
    const char* mixer; ///< the section's lines behind the method
};

constexpr const char* kEmbed64 = "embed = 64\nhypernet_layers = 2\nhypernet_embed = 64\n";
constexpr const char* kEmbed32 = "embed = 32\nhypernet_layers = 2\nhypernet_embed = 64\n";

constexpr Expected kExpected[] = {
    {"group", "qmix", 2, 64, true, 32, 1, "rmsprop", 5e-4, 1e-5, 0.0, false, 50'000, kEmbed64},
    {"group", "vdn", 2, 64, true, 32, 1, "rmsprop", 5e-4, 1e-5, 0.0, false, 50'000, ""},
    {"group", "ow_qmix", 2, 64, true, 32, 1, "rmsprop", 5e-4, 1e-5, 0.0, false, 50'000, kEmbed64},
    {"pymarl", "qmix", 1, 64, true, 32, 1, "rmsprop", 5e-4, 1e-5, 0.0, false, 50'000, kEmbed32},
    {"pymarl", "iql", 1, 64, true, 32, 1, "rmsprop", 5e-4, 1e-5, 0.0, false, 50'000, ""},
    {"pymarl2", "qmix", 1, 64, true, 128, 8, "adam", 1e-3, 1e-8, 0.6, false, 100'000, kEmbed32},
    {"pymarl2", "vdn", 1, 64, true, 128, 8, "adam", 1e-3, 1e-8, 0.6, false, 100'000, ""},
    {"pymarl2", "qatten", 1, 64, true, 128, 8, "adam", 1e-3, 1e-8, 0.6, false, 100'000, ""},
    {"pymarl2", "qplex", 1, 64, true, 128, 8, "adam", 1e-3, 1e-8, 0.6, false, 100'000, "adv_hypernet_layers = 2\n"},
    {"pymarl2", "qtran_base", 1, 64, true, 128, 8, "adam", 5e-4, 1e-8, 0.0, false, 100'000, ""},
    {"pymarl2", "iql", 1, 64, true, 32, 8, "adam", 5e-4, 1e-8, 0.0, false, 100'000, ""},
    {"epymarl", "qmix", 1, 64, false, 32, 1, "adam", 5e-4, 1e-8, 0.0, true, 50'000, kEmbed32},
    {"epymarl", "vdn", 1, 64, false, 32, 1, "adam", 5e-4, 1e-8, 0.0, true, 50'000, ""},
    {"epymarl", "iql", 1, 128, false, 32, 1, "adam", 3e-4, 1e-8, 0.0, true, 200'000, ""},
};

void compare(const Experiment& e, const Expected& expected) {
    QCOMPARE(e.agent.kind, std::string("rnn"));
    QCOMPARE(e.agent.fcLayers, expected.fcLayers);
    QCOMPARE(e.agent.hidden, expected.hidden);
    QCOMPARE(e.agent.lastAction, expected.lastAction);
    QCOMPARE(e.agent.agentId, true);
    QCOMPARE(e.learning.batchEpisodes, expected.batch);
    QCOMPARE(e.learning.bufferEpisodes, std::int64_t{5000});
    QCOMPARE(e.learning.parallelEnvs, expected.parallel);
    QCOMPARE(e.learning.updatesPerRollout, std::int64_t{1});
    QCOMPARE(e.learning.optimiser, std::string(expected.optimiser));
    QCOMPARE(e.learning.lr, expected.lr);
    QCOMPARE(e.learning.epsilon, expected.epsilon);
    QCOMPARE(e.learning.gamma, 0.99);
    QCOMPARE(e.learning.tdLambda, expected.tdLambda);
    QCOMPARE(e.learning.doubleQ, true);
    QCOMPARE(e.learning.gradClip, 10.0);
    QCOMPARE(e.learning.targetInterval, std::int64_t{200});
    QCOMPARE(e.learning.targetTau, 0.0);
    QCOMPARE(e.learning.standardiseRewards, expected.standardised);
    QCOMPARE(e.exploration.start, 1.0);
    QCOMPARE(e.exploration.finish, 0.05);
    QCOMPARE(e.exploration.annealSteps, expected.anneal);
    QCOMPARE(e.mixer.without({"method"}).toToml(), std::string(expected.mixer));
}

} // namespace

class TestPresets : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void aPresetGivesTheSettingsOfItsSource_data() {
        QTest::addColumn<int>("row");
        for (int row = 0; row < static_cast<int>(std::size(kExpected)); ++row) {
            QTest::addRow("%s, %s", kExpected[row].preset, kExpected[row].method) << row;
        }
    }
    void aPresetGivesTheSettingsOfItsSource() {
        QFETCH(int, row);
        const Expected& expected = kExpected[row];
        const auto experiment = parse(std::string("[experiment]\npreset = \"") + expected.preset +
                                      "\"\n[mixer]\nmethod = \"" + expected.method + "\"\n");
        QVERIFY2(experiment, errorOf(experiment).c_str());
        compare(*experiment, expected);
    }

    void theFilesOwnKeysWin() {
        const auto experiment = parse("[experiment]\npreset = \"pymarl2\"\n[agent]\nhidden = 32\n[mixer]\nembed = 8\n"
                                      "[learning]\noptimiser = \"rmsprop\"\nbatch_episodes = 16\n",
                                      {"learning.td_lambda=0.8"});
        QVERIFY2(experiment, errorOf(experiment).c_str());
        QCOMPARE(experiment->agent.hidden, std::int64_t{32});
        QVERIFY(experiment->mixer == parseSection("method = \"qmix\"\nembed = 8\nhypernet_layers = 2\n"
                                                  "hypernet_embed = 64\n",
                                                  "")
                                         .value());
        QCOMPARE(experiment->learning.optimiser, std::string("rmsprop"));
        QCOMPARE(experiment->learning.epsilon, 1e-5);
        QCOMPARE(experiment->learning.batchEpisodes, std::int64_t{16});
        QCOMPARE(experiment->learning.tdLambda, 0.8);
        QCOMPARE(experiment->learning.lr, 1e-3);
    }

    void aPresetCanBeGivenOnTheCommandLineWithAMethod() {
        const auto experiment =
            parse("[mixer]\nmethod = \"qmix\"\nembed = 8\n", {"mixer.method=vdn", "experiment.preset=epymarl"});
        QVERIFY2(experiment, errorOf(experiment).c_str());
        compare(*experiment, kExpected[12]);
    }

    // "group" speaks of layers before a GRU; other agents have no such layers.
    void partsThatOnlyOneAgentKnowsAreForThatAgent() {
        const auto experiment = parse("[experiment]\npreset = \"group\"\n[agent]\nkind = \"mlp\"\n");
        QVERIFY2(experiment, errorOf(experiment).c_str());
        QCOMPARE(experiment->agent.fcLayers, std::int64_t{1});
    }

    void theResolvedTextHoldsTheValues() {
        const auto experiment = parse("[experiment]\npreset = \"pymarl2\"\n");
        QVERIFY2(experiment, errorOf(experiment).c_str());
        const QString text = QString::fromStdString(toToml(*experiment));
        for (const char* line : {"preset = \"pymarl2\"", "td_lambda = 0.6", "epsilon = 1e-08", "parallel_envs = 8",
                                 "hypernet_embed = 64", "anneal_steps = 100000"}) {
            QVERIFY2(text.contains(line), qPrintable(QString(line) + " is not in\n" + text));
        }
        const auto again = parseExperiment(text.toStdString(), "resolved");
        QVERIFY2(again, errorOf(again).c_str());
        QVERIFY(*again == *experiment);
    }

    void mistakesAreNamed_data() {
        QTest::addColumn<QString>("toml");
        QTest::addColumn<QString>("expected");
        QTest::addRow("misspelt") << "[experiment]\npreset = \"pymarl3\"\n"
                                  << "x.toml:4:10: experiment.preset: expected one of none, group, pymarl, pymarl2, "
                                     "epymarl, got text \"pymarl3\"; did you mean 'pymarl";
        QTest::addRow("no text") << "[experiment]\npreset = 3\n"
                                 << "x.toml:4:10: experiment.preset: expected one of none, group";
        QTest::addRow("against the file")
            << "[experiment]\npreset = \"pymarl2\"\n[learning]\nbuffer_episodes = 64\n"
            << "preset pymarl2:4:18: learning.batch_episodes: expected at most learning.buffer_episodes = 64, got 128";
        QTest::addRow("unknown key beside one") << "[experiment]\npreset = \"group\"\n[learning]\nlrr = 1\n"
                                                << "x.toml:6:1: unknown key 'learning.lrr'; did you mean 'lr'?";
        QTest::addRow("device") << "[experiment]\ndevice = \"gpu\"\n"
                                << "x.toml:4:10: experiment.device: expected one of cpu, cuda, got text \"gpu\"";
    }
    void mistakesAreNamed() {
        QFETCH(QString, toml);
        QFETCH(QString, expected);
        const auto experiment = parse(toml.toStdString());
        QVERIFY(!experiment);
        QVERIFY(experiment.error().code == ErrorCode::Usage);
        QVERIFY2(QString::fromStdString(errorOf(experiment)).contains(expected), errorOf(experiment).c_str());
    }

    void theOptimisersEpsilonIsItsOwn_data() {
        QTest::addColumn<QString>("toml");
        QTest::addColumn<double>("epsilon");
        QTest::addRow("rmsprop") << "" << 1e-5;
        QTest::addRow("adam") << "[learning]\noptimiser = \"adam\"\n" << 1e-8;
        QTest::addRow("given") << "[learning]\noptimiser = \"adam\"\nepsilon = 1e-5\n" << 1e-5;
        QTest::addRow("given as zero") << "[learning]\nepsilon = 0\n" << 0.0;
    }
    void theOptimisersEpsilonIsItsOwn() {
        QFETCH(QString, toml);
        QFETCH(double, epsilon);
        const auto experiment = parse(toml.toStdString());
        QVERIFY2(experiment, errorOf(experiment).c_str());
        QCOMPARE(experiment->learning.epsilon, epsilon);
        QVERIFY(toToml(*experiment).find("\nepsilon = ") != std::string::npos);
    }

    void anotherMethodDropsTheKeysOfTheFilesOwn_data() {
        QTest::addColumn<QString>("mixer");
        QTest::addColumn<QStringList>("overrides");
        QTest::addColumn<QString>("expected");
        const char* const qmix = "[mixer]\nmethod = \"qmix\"\nembed = 8\n";
        QTest::addRow("another") << qmix << QStringList{"mixer.method=vdn"} << "method = \"vdn\"\n";
        QTest::addRow("quoted") << qmix << QStringList{"mixer.method=\"vdn\""} << "method = \"vdn\"\n";
        QTest::addRow("the same") << qmix << QStringList{"mixer.method=qmix"} << "method = \"qmix\"\nembed = 8\n";
        QTest::addRow("there and back") << qmix << QStringList{"mixer.method=vdn", "mixer.method=qmix"}
                                        << "method = \"qmix\"\n";
        QTest::addRow("own key before") << qmix << QStringList{"mixer.heads=2", "mixer.method=qatten"}
                                        << "method = \"qatten\"\nheads = 2\n";
        QTest::addRow("own key behind") << qmix << QStringList{"mixer.method=qatten", "mixer.heads=2"}
                                        << "method = \"qatten\"\nheads = 2\n";
        QTest::addRow("own key of a file's key")
            << qmix << QStringList{"mixer.embed=4", "mixer.method=qatten"} << "method = \"qatten\"\nembed = 4\n";
        QTest::addRow("file without method") << "[mixer]\nembed = 8\n"
                                             << QStringList{"mixer.method=vdn"} << "method = \"vdn\"\n";
        QTest::addRow("default named") << "[mixer]\nembed = 8\n"
                                       << QStringList{"mixer.method=qmix"} << "embed = 8\nmethod = \"qmix\"\n";
        QTest::addRow("no table") << "" << QStringList{"mixer.method=vdn"} << "method = \"vdn\"\n";
    }
    void anotherMethodDropsTheKeysOfTheFilesOwn() {
        QFETCH(QString, mixer);
        QFETCH(QStringList, overrides);
        QFETCH(QString, expected);
        std::vector<std::string> assignments;
        for (const QString& text : overrides) {
            assignments.push_back(text.toStdString());
        }
        const auto experiment = parse(mixer.toStdString(), assignments);
        QVERIFY2(experiment, errorOf(experiment).c_str());
        QVERIFY2(experiment->mixer == parseSection(expected.toStdString(), "").value(),
                 experiment->mixer.toToml().c_str());
    }

    void interventionsKeepTheirTrigger() {
        const auto experiment = parse("[[interventions]]\nmethod = \"knife\"\ntrigger = \"periodic\"\nevery = 7\n"
                                      "persistence = 3\n[[interventions]]\nmethod = \"knife\"\npersistence = 2\n",
                                      {"interventions[0].method=redo", "interventions[0].threshold=0.1"});
        QVERIFY2(experiment, errorOf(experiment).c_str());
        QVERIFY(experiment->interventions[0] ==
                parseSection("method = \"redo\"\ntrigger = \"periodic\"\nevery = 7\nthreshold = 0.1\n", "").value());
        QVERIFY(experiment->interventions[1] == parseSection("method = \"knife\"\npersistence = 2\n", "").value());
    }
};

QTEST_APPLESS_MAIN(TestPresets)
#include "tst_presets.moc"
