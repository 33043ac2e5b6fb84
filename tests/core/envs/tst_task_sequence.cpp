// SPDX-License-Identifier: GPL-3.0-or-later
#include <QTest>

#include <algorithm>
#include <set>

#include "core/envs/matrix_game.h"
#include "core/envs/task_sequence.h"
#include "played.h"

using namespace knife;

namespace {

using Cells = std::vector<double>;

Experiment experimentOf(const std::string& toml) {
    return parseExperiment(toml, "test.toml").value();
}

std::vector<TaskInstance> tasksOf(const std::string& toml) {
    return expandTasks(experimentOf(toml)).value();
}

std::string errorOf(const std::string& toml) {
    const auto tasks = expandTasks(experimentOf(toml));
    return tasks ? std::string() : tasks.error().describe();
}

PayoffTable tableOf(const TaskInstance& task) {
    return oneStepTable(readMatrixGameParams(task.env).value()).value();
}

std::string generator(const std::string& kind, const std::string& more = {},
                      const std::string& env = "table = \"qtran\"") {
    return "[experiment]\nsteps = 8000\n[env]\nname = \"matrix\"\n" + env + "\n[task_generator]\nkind = \"" + kind +
           "\"\n" + more;
}

Cells sorted(Cells cells) {
    std::sort(cells.begin(), cells.end());
    return cells;
}

std::size_t argmax(const Cells& cells) {
    return static_cast<std::size_t>(std::max_element(cells.begin(), cells.end()) - cells.begin());
}

} // namespace

class TestTaskSequence : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void withoutTasksThereIsOne();
    void listedTasksCoverTheBudget();
    void sizesMustAgree();
    void battlesAndHuntsFitByTheirSlots_data();
    void battlesAndHuntsFitByTheirSlots();
    void generatorsAreDeterministic_data();
    void generatorsAreDeterministic();
    void permuteKeepsValuesAndClass();
    void shiftOptimumMovesTheBestCell();
    void penaltyRampKeepsTheOptimum();
    void classSwitchAlternatesClasses();
    void recurrenceRepeats();
    void taskNumbersAreShown();
    void resolvedExperimentsGiveTheSameTasks_data();
    void resolvedExperimentsGiveTheSameTasks();
    void equalTasksShareAnId();
    void mistakesAreNamed_data();
    void mistakesAreNamed();
};

void TestTaskSequence::withoutTasksThereIsOne() {
    const auto tasks = tasksOf("[experiment]\nsteps = 500\n[env]\nname = \"stag_hunt\"\n");
    QCOMPARE(tasks.size(), std::size_t{1});
    QCOMPARE(tasks[0].name, std::string("stag_hunt"));
    QCOMPARE(tasks[0].begin, std::int64_t{0});
    QCOMPARE(tasks[0].end, std::int64_t{500});
    QVERIFY(tasks[0].env.has("episode_limit"));
}

void TestTaskSequence::listedTasksCoverTheBudget() {
    const auto tasks = tasksOf("[experiment]\nsteps = 1000\n[env]\nname = \"stag_hunt\"\nmiscapture_punishment = 0\n"
                               "[[tasks]]\n[[tasks]]\nsteps = 300\nenv = { miscapture_punishment = -0.5 }\n"
                               "[[tasks]]\nname = \"last\"\nenv = { miscapture_punishment = -2 }\n");
    QCOMPARE(tasks.size(), std::size_t{3});
    QCOMPARE(tasks[0].end, std::int64_t{350});
    QCOMPARE(tasks[1].begin, std::int64_t{350});
    QCOMPARE(tasks[1].end, std::int64_t{650});
    QCOMPARE(tasks[2].end, std::int64_t{1000});
    QCOMPARE(tasks[2].name, std::string("last"));
    QVERIFY(tasks[2].env.toToml().find("miscapture_punishment = -2.0") != std::string::npos);
    // Steps that do not add up to the budget: the last task goes on.
    const auto shorter =
        tasksOf("[experiment]\nsteps = 1000\n[env]\nname = \"matrix\"\n[[tasks]]\nsteps = 10\n[[tasks]]\nsteps = 10\n");
    QCOMPARE(shorter[1].end, std::int64_t{1000});
    QCOMPARE(shorter[0].end, std::int64_t{10});
}

void TestTaskSequence::sizesMustAgree() {
    QCOMPARE(errorOf("[env]\nname = \"matrix\"\n[[tasks]]\nname = \"a\"\n[[tasks]]\nname = \"b\"\nenv = { table = "
                     "\"coordination\" }\n"),
             std::string("test.toml:1:1: tasks[1].env: task 'b' has 2 agents, 2 actions, 5 observations, 5 state "
                         "entries, but task 'a' "
                         "has 2 agents, 3 actions, 5 observations, 5 state entries; one network must fit all tasks"));
}

void TestTaskSequence::battlesAndHuntsFitByTheirSlots_data() {
    QTest::addColumn<QString>("env");
    QTest::addColumn<QStringList>("tasks");
    QTest::newRow("smacv2") << "name = \"smacv2:zerg_5_vs_5\"\nunit_slots = 6\nenemy_slots = 8"
                            << QStringList{"{ unit_weights = [1.0, 0.0, 0.0] }",
                                           "{ units = 3, enemies = 8, start_positions = \"surrounded\" }",
                                           "{ units = 6, enemies = 5, start_positions = \"reflect\" }"};
    QTest::newRow("smac") << "name = \"smac:5m_vs_6m\"\nunit_slots = 8\nenemy_slots = 9"
                          << QStringList{"{}", "{ scenario = \"8m_vs_9m\" }", "{ scenario = \"3m\" }"};
    QTest::newRow("tag") << "name = \"tag\"\npredator_slots = 6\nprey_slots = 2\nlandmark_slots = 4"
                         << QStringList{"{}", "{ predators = 6, prey = 2, landmarks = 4, prey_speed = 0.5 }",
                                        "{ punishment = -12.0, predator_speed = 2.0, landmarks = 0 }"};
}

// Tasks of other numbers, weights, places and speeds can be one run's, and all are played to their ends.
void TestTaskSequence::battlesAndHuntsFitByTheirSlots() {
    QFETCH(QString, env);
    QFETCH(QStringList, tasks);
    std::string toml = "[experiment]\nsteps = 3000\n[env]\n" + env.toStdString() + "\n";
    for (const QString& task : tasks) {
        toml += "[[tasks]]\nenv = " + task.toStdString() + "\n";
    }
    const auto expanded = expandTasks(experimentOf(toml));
    QVERIFY2(expanded, expanded ? "" : expanded.error().describe().c_str());
    QCOMPARE(static_cast<qsizetype>(expanded->size()), tasks.size());
    QCOMPARE(std::ranges::max(taskIds(*expanded)), static_cast<int>(tasks.size()) - 1);
    for (const TaskInstance& task : *expanded) {
        const auto played = makeEnvironment(task.env).value();
        Sight sight(played->spec());
        CounterRng random({4, "tasks", 0});
        played->reset({.seed = 1}, sight.spans());
        for (bool ended = false; !ended;) {
            const auto outcome = played->step(legalActions(played->spec(), sight.avail, random), sight.spans());
            QVERIFY(outcome);
            ended = outcome->terminated || outcome->truncated;
        }
    }
}

void TestTaskSequence::generatorsAreDeterministic_data() {
    QTest::addColumn<QString>("kind");
    for (const char* kind : {"permute", "shift_optimum", "penalty_ramp", "class_switch", "recurrence"}) {
        QTest::newRow(kind) << kind;
    }
}

void TestTaskSequence::generatorsAreDeterministic() {
    QFETCH(QString, kind);
    const std::string text = generator(kind.toStdString(), "seed = 5\n");
    const auto tasks = tasksOf(text);
    QCOMPARE(tasks.size(), std::size_t{8});
    QVERIFY(tasks == tasksOf(text));
    std::set<std::string> tables;
    for (std::size_t i = 0; i < tasks.size(); ++i) {
        QCOMPARE(tasks[i].begin, static_cast<std::int64_t>(i) * 1000);
        QCOMPARE(tasks[i].end, static_cast<std::int64_t>(i + 1) * 1000);
        QVERIFY(i == 0 || tableOf(tasks[i]) != tableOf(tasks[i - 1]));
    }
    if (kind != QStringLiteral("penalty_ramp")) { // which draws nothing
        QVERIFY(tasks != tasksOf(generator(kind.toStdString(), "seed = 6\n")));
    }
}

void TestTaskSequence::permuteKeepsValuesAndClass() {
    const auto tasks = tasksOf(generator("permute", "tasks = 40\n"));
    QVERIFY(tableOf(tasks[0]) == tableByName("qtran", {}));
    std::set<std::size_t> optima;
    for (const TaskInstance& task : tasks) {
        const PayoffTable table = tableOf(task);
        QCOMPARE(sorted(table.low), sorted(tableByName("qtran", {}).low));
        QVERIFY(!isMonotone(table));
        optima.insert(argmax(table.low));
    }
    QCOMPARE(optima.size(), std::size_t{9});
    for (const TaskInstance& task : tasksOf(generator("permute", "tasks = 20\n", "table = \"monotone\"\nagents = 3"))) {
        QVERIFY(isMonotone(tableOf(task)));
        QCOMPARE(tableOf(task).shape, (std::vector<int>{3, 3, 3}));
    }
}

void TestTaskSequence::shiftOptimumMovesTheBestCell() {
    const auto tasks = tasksOf(generator("shift_optimum", "tasks = 20\n"));
    std::size_t before = argmax(tableOf(tasks[0]).low);
    QCOMPARE(before, std::size_t{0});
    for (std::size_t i = 1; i < tasks.size(); ++i) {
        const Cells cells = tableOf(tasks[i]).low;
        const std::size_t best = argmax(cells);
        QVERIFY(best % 4 == 0); // the diagonal of three by three
        QVERIFY(best != before);
        QCOMPARE(cells[1], -12.0);
        before = best;
    }
}

void TestTaskSequence::penaltyRampKeepsTheOptimum() {
    const auto tasks = tasksOf(generator("penalty_ramp"));
    const Cells ramp = {0, -1, -2, -4, -8, -12, -20, -30};
    for (std::size_t i = 0; i < tasks.size(); ++i) {
        const PayoffTable table = tableOf(tasks[i]);
        const double p = ramp[i];
        QCOMPARE(table.low, (Cells{8, p, p, p, 0, 0, p, 0, 0}));
        QCOMPARE(isMonotone(table), i == 0);
    }
    QCOMPARE(tasks[2].name, std::string("penalty -2"));
}

void TestTaskSequence::classSwitchAlternatesClasses() {
    const auto tasks = tasksOf(generator("class_switch", "tasks = 9\n"));
    for (std::size_t i = 0; i < tasks.size(); ++i) {
        QCOMPARE(isMonotone(tableOf(tasks[i])), i % 3 != 2);
        const double best[] = {4, 9, 8};
        QCOMPARE(tableOf(tasks[i]).low[argmax(tableOf(tasks[i]).low)], best[i % 3]);
    }
    QCOMPARE(tasks[0].name, std::string("additive 1"));
    QCOMPARE(tasks[5].name, std::string("non-monotone 2"));
}

void TestTaskSequence::recurrenceRepeats() {
    const auto tasks = tasksOf(generator("recurrence", "cycle = 3\ntasks = 8\n"));
    for (std::size_t i = 3; i < tasks.size(); ++i) {
        QVERIFY(tableOf(tasks[i]) == tableOf(tasks[i - 3]));
        QCOMPARE(tasks[i].name, tasks[i - 3].name);
    }
    QVERIFY(tableOf(tasks[0]) != tableOf(tasks[1]));
    QVERIFY(tableOf(tasks[1]) != tableOf(tasks[2]));
}

void TestTaskSequence::taskNumbersAreShown() {
    const auto recurring = tasksOf(generator("recurrence", "cycle = 3\ntasks = 5\n", "observation = \"task_id\""));
    for (std::size_t i = 0; i < recurring.size(); ++i) {
        const MatrixGameParams params = readMatrixGameParams(recurring[i].env).value();
        QCOMPARE(params.taskId, static_cast<std::int64_t>(i % 3));
        QCOMPARE(params.taskCount, std::int64_t{3});
    }
    const auto listed = tasksOf(
        "[env]\nname = \"matrix\"\nobservation = \"task_id\"\n[[tasks]]\n[[tasks]]\nenv = { table = \"monotone\" }\n");
    const auto second = makeEnvironment(listed[1].env).value();
    Sight sight(second->spec());
    second->reset({}, sight.spans());
    QCOMPARE(sight.state, (std::vector<float>{0, 1}));
}

void TestTaskSequence::resolvedExperimentsGiveTheSameTasks_data() {
    QTest::addColumn<QString>("toml");
    QTest::newRow("one") << "[env]\nname = \"stag_hunt\"\n";
    QTest::newRow("presets") << "[env]\nname = \"stag_hunt\"\n[[tasks]]\n[[tasks]]\nenv = { preset = "
                                "\"pred_prey_punish\", reward_stag = 5 }\n";
    QTest::newRow("shares")
        << "[experiment]\nsteps = 1000\n[env]\nname = \"matrix\"\n[[tasks]]\n[[tasks]]\n[[tasks]]\nsteps = 100\n";
    QTest::newRow("numbers") << "[env]\nname = \"matrix\"\nobservation = \"task_id\"\n[[tasks]]\n[[tasks]]\nenv = { "
                                "table = \"climbing\" }\n";
    QTest::newRow("generated") << QString::fromStdString(generator("class_switch", "", "observation = \"task_id\""));
    QTest::newRow("generated, rows") << QString::fromStdString(
        generator("permute", "", "table = \"free\"\npayoff = [[1, 2], [3, 5]]"));
}

void TestTaskSequence::resolvedExperimentsGiveTheSameTasks() {
    QFETCH(QString, toml);
    const Experiment experiment = experimentOf(toml.toStdString());
    const auto tasks = expandTasks(experiment).value();
    const Experiment resolved = resolveTasks(experiment).value();
    QVERIFY(expandTasks(resolved).value() == tasks);
    const Experiment reread = parseExperiment(toToml(resolved), "resolved").value();
    QVERIFY(reread == resolved);
    QVERIFY(expandTasks(reread).value() == tasks);
    QVERIFY(resolveTasks(reread).value() == resolved);

    // A run that is resumed with a larger budget keeps the switches of its past.
    Experiment longer = reread;
    longer.steps += 12'345;
    const auto later = expandTasks(longer).value();
    QCOMPARE(later.size(), tasks.size());
    for (std::size_t i = 0; i < tasks.size(); ++i) {
        QCOMPARE(later[i].begin, tasks[i].begin);
    }
    QCOMPARE(later.back().end, longer.steps);
}

void TestTaskSequence::equalTasksShareAnId() {
    const auto idsOf = [](const std::string& toml) {
        return taskIds(expandTasks(experimentOf(toml)).value());
    };
    QCOMPARE(idsOf(generator("recurrence", "tasks = 8\ncycle = 3\n")), (std::vector<int>{0, 1, 2, 0, 1, 2, 0, 1}));
    QCOMPARE(idsOf("[env]\nname = \"matrix\"\n"), std::vector<int>{0});
    QCOMPARE(idsOf("[env]\nname = \"matrix\"\n[[tasks]]\nname = \"a\"\nenv = { noise = 1 }\n[[tasks]]\nname = "
                   "\"b\"\n[[tasks]]\nname = \"again\"\nenv = { noise = 1 }\n"),
             (std::vector<int>{0, 1, 0}));
}

void TestTaskSequence::mistakesAreNamed_data() {
    QTest::addColumn<QString>("toml");
    QTest::addColumn<QString>("expected");
    const auto row = [](const char* name, const std::string& toml, const char* expected) {
        QTest::newRow(name) << QString::fromStdString(toml) << expected;
    };
    row("kind", generator("permutate"), "test.toml:7:8: task_generator.kind: expected one of permute");
    row("key", generator("permute", "task = 3\n"),
        "test.toml:8:1: unknown key 'task_generator.task'; did you mean 'tasks'?");
    row("other environment", "[env]\nname = \"stag_hunt\"\n[task_generator]\nkind = \"permute\"\n",
        "generators need env.name = \"matrix\"");
    row("several steps", generator("permute", "", "table = \"two_step\""), "\"two_step\" is a game of several steps");
    row("stochastic", generator("permute", "", "table = \"climbing_fully_stochastic\""),
        "permute: it needs a table of certain payoffs");
    row("unequal", generator("shift_optimum", "", "table = \"free\"\npayoff = [[1, 2, 3], [4, 5, 6]]"),
        "equal numbers of actions");
    row("one action", generator("shift_optimum", "", "table = \"additive\"\nsize = 1"), "at least two actions");
    row("too long", generator("permute", "steps = 1001\n"),
        "8 tasks of 1001 env steps do not fit into experiment.steps = 8000");
    row("no penalties", generator("penalty_ramp", "penalties = []\n"), "expected at least one penalty");
    row("more tasks than steps", generator("permute", "tasks = 9000\n"),
        "9000 tasks do not fit into experiment.steps = 8000");
    row("bad task", "[env]\nname = \"matrix\"\n[[tasks]]\nname = \"x\"\nenv = { noise = -1 }\n",
        "test.toml:5:17: tasks[0].env.noise: expected a number in [0, 1000000000], got -1 (while setting up task 'x')");
}

void TestTaskSequence::mistakesAreNamed() {
    QFETCH(QString, toml);
    QFETCH(QString, expected);
    const std::string error = errorOf(toml.toStdString());
    QVERIFY2(QString::fromStdString(error).contains(expected), error.c_str());
}

QTEST_APPLESS_MAIN(TestTaskSequence)
#include "tst_task_sequence.moc"
