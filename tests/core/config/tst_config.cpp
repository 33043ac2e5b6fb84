// SPDX-License-Identifier: GPL-3.0-or-later
#include <QTemporaryDir>
#include <QTest>

#include <fstream>

#include "core/config/did_you_mean.h"
#include "core/config/experiment.h"

using namespace knife;

namespace {

const char* const kSmall = R"([experiment]
name = "small"
seeds = [3, 4]
steps = 1000

[env]
name = "matrix"
size = 3

[mixer]
method = "vdn"
embed = 16

[learning]
lr = 1e-3
batch_episodes = 8
)";

Result<Experiment> parse(const std::string& toml, const std::vector<std::string>& overrides = {}) {
    return parseExperiment(toml, "x.toml", overrides);
}

std::string errorOf(const Result<Experiment>& result) {
    return result ? std::string("no error") : result.error().describe();
}

struct AllTypes {
    bool flag = false;
    std::int64_t integer = 2;
    double number = 0.5;
    std::string text = "abc";
    std::string word = "red";
    std::vector<std::int64_t> integers = {1};
    std::vector<double> numbers = {0.5};
    std::vector<std::string> texts = {"a"};
    std::vector<std::vector<double>> table = {{1, 2}, {3}};
};

void describe(FieldVisitor& visitor, AllTypes& value) {
    visitor.field("flag", value.flag, {"A flag"});
    visitor.field("integer", value.integer, {"An integer", "steps"}, {0, 9});
    visitor.field("number", value.number, {"A number"}, {0, 1});
    visitor.field("text", value.text, {"A text"});
    visitor.choice("word", value.word, {"A word"}, {"red", "green"});
    visitor.field("integers", value.integers, {"Integers"}, {0, 9});
    visitor.field("numbers", value.numbers, {"Numbers"}, {0, 9});
    visitor.field("texts", value.texts, {"Texts"});
    visitor.field("table", value.table, {"A table"});
}

} // namespace

class TestConfig : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void readsWhatTheFileSays();
    void defaultsStandWhereTheFileIsSilent();
    void wrongInputIsNamedWithItsPlace_data();
    void wrongInputIsNamedWithItsPlace();
    void overridesWin();
    void wrongOverridesAreNamed_data();
    void wrongOverridesAreNamed();
    void tasksLayTheirOverridesOnTheEnvironment();
    void badFilesGiveOneClearError();
    void everyFieldTypeReadsWritesAndLists();
    void wrongFieldTypes_data();
    void wrongFieldTypes();
    void sectionsMerge();
    void nearestWords_data();
    void nearestWords();
};

void TestConfig::readsWhatTheFileSays() {
    const auto experiment = parse(kSmall);
    QVERIFY2(experiment.has_value(), errorOf(experiment).c_str());
    QCOMPARE(experiment->name, std::string("small"));
    QCOMPARE(experiment->seeds, (std::vector<std::uint64_t>{3, 4}));
    QCOMPARE(experiment->steps, std::int64_t{1000});
    QCOMPARE(experiment->learning.lr, 1e-3);
    QCOMPARE(experiment->learning.batchEpisodes, std::int64_t{8});
    QCOMPARE(experiment->mixer.text("method", "").value(), std::string("vdn"));
    QVERIFY(experiment->env.has("size"));
}

void TestConfig::defaultsStandWhereTheFileIsSilent() {
    const auto experiment = parse("[env]\nname = \"matrix\"\n");
    QVERIFY2(experiment.has_value(), errorOf(experiment).c_str());
    QCOMPARE(experiment->mixer.text("method", "").value(), std::string("qmix"));
    QVERIFY(experiment->learning == LearningConfig{});
    QVERIFY(experiment->agent == AgentConfig{});
    QCOMPARE(experiment->seeds, std::vector<std::uint64_t>{1});
    QVERIFY(experiment->tasks.empty());
    QVERIFY(experiment->taskGenerator.empty());
}

void TestConfig::wrongInputIsNamedWithItsPlace_data() {
    QTest::addColumn<QString>("toml");
    QTest::addColumn<QString>("expected");
    const QString env = "[env]\nname = \"matrix\"\n";
    QTest::newRow("unknown key") << env + "[learning]\n  lrr = 1\n"
                                 << "x.toml:4:3: unknown key 'learning.lrr'; did you mean 'lr'?";
    QTest::newRow("unknown table") << env + "[lerning]\nlr = 1\n"
                                   << "x.toml:3:2: unknown key 'lerning'; did you mean 'learning'?";
    QTest::newRow("key without table") << "lr = 1\n" + env
                                       << "x.toml:1:1: unknown key 'lr'; did you mean 'learning.lr'?";
    QTest::newRow("wrong type") << env + "[learning]\nlr = \"fast\"\n"
                                << "x.toml:4:6: learning.lr: expected a number in [0, 10], got text \"fast\"";
    QTest::newRow("fraction") << env + "[experiment]\nsteps = 1.5\n"
                              << "x.toml:4:9: experiment.steps: expected an integer of at least 1, got 1.5";
    QTest::newRow("out of range") << env + "[learning]\ngamma = 1.5\n"
                                  << "x.toml:4:9: learning.gamma: expected a number in [0, 1], got 1.5";
    QTest::newRow("not a number") << env + "[learning]\ngamma = nan\n"
                                  << "x.toml:4:9: learning.gamma: expected a number in [0, 1], got nan";
    QTest::newRow("choice")
        << env + "[learning]\noptimiser = \"adm\"\n"
        << "x.toml:4:13: learning.optimiser: expected one of rmsprop, adam, got text \"adm\"; did you mean 'adam'?";
    QTest::newRow("list item") << env + "[experiment]\nseeds = [1, -2]\n"
                               << "x.toml:4:13: experiment.seeds[1]: expected an integer of at least 0, got -2";
    QTest::newRow("no list") << env + "[experiment]\nseeds = 3\n"
                             << "x.toml:4:9: experiment.seeds: expected a list of integers, got 3";
    QTest::newRow("no env") << "[experiment]\nsteps = 10\n"
                            << "env: name is missing, for example name = \"matrix\"";
    QTest::newRow("env is text") << "env = \"matrix\"\n"
                                 << "x.toml:1:7: expected a table [env], got text \"matrix\"";
    QTest::newRow("env name") << "[env]\nname = 3\n"
                              << "x.toml:2:8: env.name: expected text, got 3";
    QTest::newRow("intervention") << env + "[[interventions]]\ntrigger = \"periodic\"\n"
                                  << "x.toml:3:1: interventions[0]: method is missing, for example method = \"knife\"";
    QTest::newRow("interventions") << env + "[interventions]\nmethod = \"knife\"\n"
                                   << "expected tables [[interventions]], got a table";
    QTest::newRow("syntax") << env + "[learning]\nlr = \n"
                            << "x.toml:4:";
    QTest::newRow("date") << "[env]\nname = 1979-05-27\n"
                          << "x.toml:2:8: env.name: dates";
    QTest::newRow("seeds empty") << env + "[experiment]\nseeds = []\n"
                                 << "x.toml:4:9: experiment.seeds: expected at least one seed";
    QTest::newRow("seed twice") << env + "[experiment]\nseeds = [1, 2, 1]\n"
                                << "x.toml:4:9: experiment.seeds: seed 1 stands there twice";
    QTest::newRow("exploration")
        << env + "[exploration]\nstart = 0.1\nfinish = 0.2\n"
        << "x.toml:5:10: exploration.finish: expected at most exploration.start = 0.1, got 0.2";
    QTest::newRow("batch")
        << env + "[learning]\nbatch_episodes = 32\nbuffer_episodes = 16\n"
        << "x.toml:4:18: learning.batch_episodes: expected at most learning.buffer_episodes = 16, got 32";
    QTest::newRow("tasks too long") << env + "[experiment]\nsteps = 100\n[[tasks]]\nsteps = 60\n[[tasks]]\nsteps = 60\n"
                                    << "x.toml:8:9: tasks[1].steps: 60 is more than the 40 env steps that are left";
    QTest::newRow("task starved") << env +
                                         "[experiment]\nsteps = 100\n[[tasks]]\nsteps = 100\n[[tasks]]\nname = \"b\"\n"
                                  << "tasks[1].steps: the other tasks use up experiment.steps = 100";
    QTest::newRow("task key") << env + "[[tasks]]\nstep = 60\n"
                              << "x.toml:4:1: unknown key 'tasks[0].step'; did you mean 'steps'?";
    QTest::newRow("task env") << env + "[[tasks]]\nenv = 3\n"
                              << "x.toml:4:7: tasks[0].env: expected a table of overrides, got 3";
    QTest::newRow("tasks and generator")
        << env + "[[tasks]]\nsteps = 60\n[task_generator]\nkind = \"permute\"\n"
        << "x.toml:5:1: task_generator: [[tasks]] and [task_generator] exclude each other";
}

void TestConfig::wrongInputIsNamedWithItsPlace() {
    QFETCH(QString, toml);
    QFETCH(QString, expected);
    const auto experiment = parse(toml.toStdString());
    QVERIFY(!experiment);
    QVERIFY(experiment.error().code == ErrorCode::Usage);
    QVERIFY2(QString::fromStdString(errorOf(experiment)).contains(expected), errorOf(experiment).c_str());
}

void TestConfig::overridesWin() {
    const auto experiment =
        parse(kSmall, {"learning.lr=5e-4", "env.name=stag_hunt", "env.world=[4, 5]", "experiment.steps=2e3",
                       "interventions[0].method=knife", "interventions[0].trigger = \"task_switch\"",
                       "experiment.name=\"a b\"", "tasks[0].steps=10", "tasks[0].env.size=4"});
    QVERIFY2(experiment.has_value(), errorOf(experiment).c_str());
    QCOMPARE(experiment->learning.lr, 5e-4);
    QCOMPARE(experiment->env.text("name", "").value(), std::string("stag_hunt"));
    QCOMPARE(experiment->env.toToml(), std::string("name = \"stag_hunt\"\nsize = 3\nworld = [4, 5]\n"));
    QCOMPARE(experiment->steps, std::int64_t{2000});
    QCOMPARE(experiment->name, std::string("a b"));
    QCOMPARE(experiment->interventions.size(), std::size_t{1});
    QCOMPARE(experiment->interventions[0].text("trigger", "").value(), std::string("task_switch"));
    QCOMPARE(experiment->tasks.size(), std::size_t{1});
    QCOMPARE(experiment->tasks[0].steps, std::int64_t{10});
}

void TestConfig::wrongOverridesAreNamed_data() {
    QTest::addColumn<QString>("assignment");
    QTest::addColumn<QString>("expected");
    QTest::newRow("unknown key") << "learning.lrr=1"
                                 << "--set learning.lrr=1: unknown key 'learning.lrr'; did you mean 'lr'?";
    QTest::newRow("unknown table") << "lerning.lr=1"
                                   << "--set lerning.lr=1: unknown key 'lerning'; did you mean 'learning'?";
    QTest::newRow("no table") << "lr=1"
                              << "--set lr=1: unknown key 'lr'; did you mean 'learning.lr'?";
    QTest::newRow("wrong type")
        << "learning.lr=fast"
        << "--set learning.lr=fast: learning.lr: expected a number in [0, 10], got text \"fast\"";
    QTest::newRow("range") << "experiment.steps=0"
                           << "--set experiment.steps=0: experiment.steps: expected an integer of at least 1, got 0";
    QTest::newRow("no equals") << "learning.lr"
                               << "--set learning.lr: expected key=value";
    QTest::newRow("no key") << "=3"
                            << "expected a key like learning.lr";
    QTest::newRow("half path") << "learning.=3"
                               << "expected a key like learning.lr";
    QTest::newRow("bad index") << "tasks[x].steps=3"
                               << "expected a key like learning.lr";
    QTest::newRow("index too high") << "tasks[2].steps=3"
                                    << "'tasks' has 0 entries, so the next new one is tasks[0]";
    QTest::newRow("index into text") << "experiment.name[0]=3"
                                     << "'experiment.name' is text \"small\", not a list";
    QTest::newRow("key of a number") << "env.size.rows=3"
                                     << "'env.size' is 3, it has no keys";
    QTest::newRow("spaces") << "experiment.name=two words"
                            << "text with spaces needs quotes";
    QTest::newRow("two keys at once") << "experiment.name=1\nsteps=2"
                                      << "the value is neither TOML nor a bare word";
}

void TestConfig::wrongOverridesAreNamed() {
    QFETCH(QString, assignment);
    QFETCH(QString, expected);
    const auto experiment = parse(kSmall, {assignment.toStdString()});
    QVERIFY(!experiment);
    QVERIFY(experiment.error().code == ErrorCode::Usage);
    QVERIFY2(QString::fromStdString(errorOf(experiment)).contains(expected), errorOf(experiment).c_str());
}

void TestConfig::tasksLayTheirOverridesOnTheEnvironment() {
    const auto experiment = parse(R"([env]
name = "stag_hunt"
world = [5, 5]
[[tasks]]
name = "mild"
[[tasks]]
steps = 100
env = { punishment = -2.0, world = [6, 6] }
[[tasks]]
[tasks.env]
punishment = -1
)");
    QVERIFY2(experiment.has_value(), errorOf(experiment).c_str());
    QCOMPARE(experiment->tasks.size(), std::size_t{3});
    QCOMPARE(experiment->tasks[0].name, std::string("mild"));
    QCOMPARE(experiment->tasks[1].name, std::string("task 2"));
    QVERIFY(experiment->tasks[0].env == experiment->env);
    QCOMPARE(experiment->tasks[1].env.toToml(),
             std::string("name = \"stag_hunt\"\nworld = [6, 6]\npunishment = -2.0\n"));
    QCOMPARE(experiment->tasks[2].env.path(), std::string("tasks[2].env"));
    QVERIFY(QString::fromStdString(experiment->tasks[2].env.errorAt("punishment", "bad").message)
                .startsWith("x.toml:11:14: tasks[2].env.punishment: bad"));
}

void TestConfig::badFilesGiveOneClearError() {
    QTemporaryDir directory;
    const std::filesystem::path base = directory.path().toStdString();
    const auto missing = loadExperiment(base / "none.toml");
    QVERIFY(missing.error().code == ErrorCode::NotFound);
    QVERIFY(errorOf(missing).ends_with("none.toml: no such file"));
    QVERIFY(loadExperiment(base / "none.toml" / "x").error().code == ErrorCode::NotFound);

    const auto folder = loadExperiment(base);
    QVERIFY(folder.error().code == ErrorCode::Usage);
    QVERIFY(errorOf(folder).find("a directory") != std::string::npos);

    std::ofstream(base / "latin1.toml", std::ios::binary) << "[env]\nname = \"M\xFCller\"\n";
    const auto latin1 = loadExperiment(base / "latin1.toml");
    QVERIFY(latin1.error().code == ErrorCode::Usage);
    QVERIFY2(errorOf(latin1).find("latin1.toml:2:") != std::string::npos, errorOf(latin1).c_str());

    std::ofstream(base / "huge.toml").close();
    std::filesystem::resize_file(base / "huge.toml", 100U << 20U);
    const auto huge = loadExperiment(base / "huge.toml");
    QVERIFY(huge.error().code == ErrorCode::Usage);
    QVERIFY(errorOf(huge).find("too many for an experiment file") != std::string::npos);

    std::ofstream(base / "empty.toml").close();
    QVERIFY(loadExperiment(base / "empty.toml").error().code == ErrorCode::Usage);

    std::ofstream(base / "good.toml") << kSmall;
    const auto good = loadExperiment(base / "good.toml", {"experiment.seeds=[9]"});
    QVERIFY2(good.has_value(), errorOf(good).c_str());
    QCOMPARE(good->seeds, std::vector<std::uint64_t>{9});
}

void TestConfig::everyFieldTypeReadsWritesAndLists() {
    const auto section =
        parseSection("flag = true\ninteger = 3.0\nnumber = 1\ntext = \"x\"\nword = \"green\"\n"
                     "integers = [2, 3]\nnumbers = [1, 0.25]\ntexts = [\"b\"]\ntable = [[1], [2, 3]]\n",
                     "t", "all");
    QVERIFY(section.has_value());
    AllTypes value;
    const auto read = readSection(*section, value);
    QVERIFY2(read.has_value(), read ? "" : read.error().message.c_str());
    QCOMPARE(value.integer, std::int64_t{3});
    QCOMPARE(value.number, 1.0);
    QCOMPARE(value.word, std::string("green"));
    QCOMPARE(value.table, (std::vector<std::vector<double>>{{1}, {2, 3}}));

    AllTypes again;
    QVERIFY(readSection(writeSection("all", value), again).has_value());
    QVERIFY(writeSection("all", value) == writeSection("all", again));

    const auto schema = listSchema<AllTypes>();
    QCOMPARE(schema.size(), std::size_t{9});
    QCOMPARE(schema[1].type, std::string("integer"));
    QCOMPARE(schema[1].unit, std::string("steps"));
    QCOMPARE(schema[4].allowed, (std::vector<std::string>{"red", "green"}));
    QCOMPARE(schema[8].defaultToml, std::string("[[1.0, 2.0], [3.0]]"));
}

void TestConfig::wrongFieldTypes_data() {
    QTest::addColumn<QString>("toml");
    QTest::addColumn<QString>("expected");
    QTest::newRow("flag") << "flag = 1"
                          << "t:1:8: all.flag: expected true or false, got 1";
    QTest::newRow("integer") << "integer = true"
                             << "expected an integer in [0, 9], got true";
    QTest::newRow("text") << "text = [1]"
                          << "all.text: expected text, got a list of 1";
    QTest::newRow("word") << "word = 3"
                          << "expected one of red, green, got 3";
    QTest::newRow("texts") << "texts = [\"a\", 2]"
                           << "all.texts[1]: expected text, got 2";
    QTest::newRow("table row") << "table = [1]"
                               << "all.table[0]: expected a row of numbers, got 1";
    QTest::newRow("table cell") << "table = [[1, \"x\"]]"
                                << "all.table[0][1]: expected a number, got text \"x\"";
    QTest::newRow("unknown") << "colour = 1"
                             << "t:1:1: unknown key 'all.colour'; known: flag, integer";
}

void TestConfig::wrongFieldTypes() {
    QFETCH(QString, toml);
    QFETCH(QString, expected);
    const auto section = parseSection(toml.toStdString(), "t", "all");
    QVERIFY(section.has_value());
    AllTypes value;
    const auto read = readSection(*section, value);
    QVERIFY(!read);
    QVERIFY2(QString::fromStdString(read.error().message).contains(expected), read.error().message.c_str());
}

void TestConfig::sectionsMerge() {
    const Section base = parseSection("a = 1\nb = { c = 2, d = 3 }\n", "base", "s").value();
    const Section above = parseSection("b = { d = 4 }\ne = 5\n", "above", "t").value();
    const Section merged = base.mergedWith(above);
    QVERIFY(merged == parseSection("e = 5\nb = { d = 4, c = 2 }\na = 1\n", "", "").value());
    QCOMPARE(merged.path(), std::string("s"));
    QCOMPARE(merged.errorAt("e", "no").message, std::string("above:2:5: s.e: no"));
    QVERIFY(merged.without({"b", "e"}) == parseSection("a = 1", "", "").value());
    QCOMPARE(base.withText("a", "x").keys(), (std::vector<std::string>{"a", "b"}));
    QVERIFY(!(base == above));
}

void TestConfig::nearestWords_data() {
    QTest::addColumn<QString>("word");
    QTest::addColumn<QString>("nearest");
    QTest::newRow("letter missing") << "batch_episode"
                                    << "batch_episodes";
    QTest::newRow("swap") << "gmama"
                          << "gamma";
    QTest::newRow("case and dash") << "Batch-Episodes"
                                   << "batch_episodes";
    QTest::newRow("beginning") << "opt"
                               << "optimiser";
    QTest::newRow("spelling") << "optimizer"
                              << "optimiser";
    QTest::newRow("nonsense") << "zebra"
                              << "";
    QTest::newRow("empty") << ""
                           << "";
    QTest::newRow("endless") << QString(100'000, 'a') << "";
}

void TestConfig::nearestWords() {
    QFETCH(QString, word);
    QFETCH(QString, nearest);
    QCOMPARE(nearestWord(word.toStdString(), {"gamma", "batch_episodes", "optimiser", "lr"}), nearest.toStdString());
}

QTEST_APPLESS_MAIN(TestConfig)
#include "tst_config.moc"
