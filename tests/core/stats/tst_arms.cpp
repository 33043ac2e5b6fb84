// SPDX-License-Identifier: GPL-3.0-or-later
#include <QTest>

#include "core/stats/arms.h"

using namespace knife;

namespace {

FlatConfig with(const FlatConfig& config, FlatConfig more) {
    more.insert(config.begin(), config.end()); // what is there already stays
    return more;
}

RunConfig run(const std::string& experiment, const FlatConfig& config) {
    return {experiment, std::make_shared<const FlatConfig>(with(config, {{"experiment.name", experiment}}))};
}

/// Two mixers, each without and with a remedy, and a seed more of the first.
std::vector<RunConfig> study() {
    const FlatConfig qmix{{"mixer.method", "qmix"}, {"learning.lr", "0.001"}, {"experiment.seeds", "[1]"}};
    const FlatConfig qplex = with(qmix, {{"mixer.method", "qplex"}, {"mixer.heads", "4"}});
    const FlatConfig remedy{{"interventions[0].method", "knife"}, {"interventions[0].alpha", "0.25"}};
    const FlatConfig secondSeed = with(qmix, {{"experiment.seeds", "[2]"},
                                              {"experiment.threads", "2"},
                                              {"checkpoint.interval_s", "5"},
                                              {"diagnostics.per_task", "[srank]"}});
    return {run("a", qmix), run("b", qplex), run("c", with(qmix, remedy)), run("d", with(qplex, remedy)),
            run("e", secondSeed)};
}

std::vector<std::string> names(const std::vector<Arm>& arms) {
    std::vector<std::string> list;
    for (const Arm& arm : arms) {
        list.push_back(arm.name);
    }
    return list;
}

using Indices = std::vector<std::size_t>;

} // namespace

class TestArms : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void runsThatDifferInBookkeepingAreOneArm() {
        const auto runs = study();
        const auto arms = groupByConfig(runs);
        QCOMPARE(arms.size(), 4U);
        QCOMPARE(arms[0].members, (Indices{0, 4}));
    }

    void measuringMoreMakesNoOtherArm_data() {
        QTest::addColumn<QString>("key");
        QTest::addColumn<QString>("value");
        QTest::addColumn<int>("arms");
        QTest::newRow("units") << "diagnostics.per_unit"
                               << "[\"cbp_utility\"]" << 1;
        QTest::newRow("agents") << "diagnostics.per_agent"
                                << "true" << 1;
        QTest::newRow("overlap") << "diagnostics.overlap"
                                 << "sites" << 1;
        QTest::newRow("frames") << "diagnostics.frame_interval"
                                << "7" << 1;
        QTest::newRow("evaluations") << "diagnostics.per_evaluation"
                                     << "[\"ranks\"]" << 1;
        QTest::newRow("tasks") << "diagnostics.per_task"
                               << "[\"weights\"]" << 1;
        QTest::newRow("what KNIFE goes by") << "diagnostics.window"
                                            << "50" << 2;
        QTest::newRow("what consolidation goes by") << "diagnostics.probe_episodes"
                                                    << "8" << 2;
        QTest::newRow("what is called dead") << "diagnostics.dead_below"
                                             << "0.1" << 2;
    }
    void measuringMoreMakesNoOtherArm() {
        QFETCH(QString, key);
        QFETCH(QString, value);
        QFETCH(int, arms);
        const FlatConfig plain{{"mixer.method", "qmix"}};
        const FlatConfig other = with(plain, {{key.toStdString(), value.toStdString()}});
        QCOMPARE(static_cast<int>(groupByConfig(std::vector{run("a", plain), run("b", other)}).size()), arms);
    }

    void theFewestKeysNameArms() {
        const auto runs = study();
        QCOMPARE(names(groupByConfig(runs)),
                 (std::vector<std::string>{"interventions[0].method=unset, mixer.method=qmix",
                                           "interventions[0].method=unset, mixer.method=qplex",
                                           "interventions[0].method=knife, mixer.method=qmix",
                                           "interventions[0].method=knife, mixer.method=qplex"}));
        const std::vector<RunConfig> one{runs[0], runs[4]};
        QCOMPARE(names(groupByConfig(one)), std::vector<std::string>{"a"});
    }

    void armsByKey() {
        const auto runs = study();
        const auto byMixer = groupByKey(runs, "mixer.method");
        QCOMPARE(names(byMixer), (std::vector<std::string>{"qmix", "qplex"}));
        QCOMPARE(byMixer[1].members, (Indices{1, 3}));
        QCOMPARE(groupByKey(runs, "experiment").size(), 5U);
        QCOMPARE(names(groupByKey(runs, "mixer.heads")), (std::vector<std::string>{"unset", "4"}));
    }

    void onlyDifferingKeysAreInTheDiff() {
        const auto runs = study();
        const auto diff = configDiff(runs, groupByConfig(runs));
        std::vector<std::string> keys;
        for (const DifferingKey& key : diff) {
            keys.push_back(key.key);
        }
        QCOMPARE(keys, (std::vector<std::string>{"interventions[0].alpha", "interventions[0].method", "mixer.heads",
                                                 "mixer.method"}));
        QCOMPARE(diff[2].values, (std::vector<std::string>{"unset", "4", "unset", "4"}));
        const auto mixed = configDiff(runs, groupByKey(runs, "mixer.method"));
        QCOMPARE(mixed.back().values, (std::vector<std::string>{"qmix", "qplex"}));
        // Both arms mix runs with and without the remedy, so it does not tell them apart.
        QCOMPARE(mixed.size(), 2U);
    }

    void selectors() {
        const auto runs = study();
        const auto arms = groupByConfig(runs);
        QCOMPARE(*selectArms(runs, arms, "c"), Indices{2});
        QCOMPARE(*selectArms(runs, arms, arms[3].name), Indices{3});
        QCOMPARE(*selectArms(runs, arms, "mixer.method=qplex"), (Indices{1, 3}));
        QCOMPARE(*selectArms(runs, arms, "mixer.method=qplex, interventions=unset"), Indices{1});
        QCOMPARE(*selectArms(runs, arms, "mixer.heads=unset"), (Indices{0, 2}));
        QCOMPARE(*selectArms(runs, arms, "mixer.heads=4.0"), (Indices{1, 3}));
        QCOMPARE(*selectArms(runs, arms, "mixer.heads=40e-1"), (Indices{1, 3}));
        QCOMPARE(*selectArms(runs, arms, "learning.lr=1e-3"), (Indices{0, 1, 2, 3}));
        QCOMPARE(*selectArms(runs, arms, "mixer.heads=0_4"), (Indices{1, 3}));
        QVERIFY(!selectArms(runs, arms, "mixer.heads=4x"));
        QVERIFY(!selectArms(runs, arms, "mixer.heads=_"));
        const std::vector<RunConfig> large{run("a", {{"env.seed", "9007199254740993"}}),
                                           run("b", {{"env.seed", "9007199254740992"}})};
        QCOMPARE(*selectArms(large, groupByConfig(large), "env.seed=9007199254740992"), Indices{1});
        const auto nothing = selectArms(runs, arms, "mixer.method=vdn");
        QVERIFY(!nothing);
        QVERIFY(nothing.error().code == ErrorCode::Usage);
        QVERIFY(nothing.error().message.find(arms[0].name) != std::string::npos);
        QVERIFY(!selectArms(runs, arms, ""));
    }

    void theNearestArmIsTheOneForComparison() {
        const auto runs = study();
        const auto arms = groupByConfig(runs);
        const Indices untouched{0, 1};
        QCOMPARE(nearestArms(runs, arms, 2, untouched), Indices{0});
        QCOMPARE(nearestArms(runs, arms, 3, untouched), Indices{1});
        QCOMPARE(nearestArms(runs, arms, 0, Indices{1, 3}), Indices{1});
    }

    void tasksAreNoDistance() {
        const std::vector<RunConfig> runs{run("sequence", {{"tasks[0].name", "a"}, {"tasks[1].name", "b"}}),
                                          run("single a", {{"env.name", "a"}, {"experiment.steps", "5"}}),
                                          run("single b", {{"env.name", "b"}, {"experiment.steps", "5"}})};
        const auto arms = groupByConfig(runs);
        QCOMPARE(arms.size(), 3U);
        QCOMPARE(nearestArms(runs, arms, 0, Indices{1, 2}), (Indices{1, 2}));
    }
};

QTEST_APPLESS_MAIN(TestArms)
#include "tst_arms.moc"
