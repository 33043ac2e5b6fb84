// SPDX-License-Identifier: GPL-3.0-or-later
#include <QTest>

#include <set>

#include "played.h"

using namespace knife;

class TestEnvironmentRegistry : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void everyInstanceCanBeMadeAndHasItsOwnName();
    void resolvingWritesEverythingAndIsStable();
    void sizesAreThoseOfTheLiterature_data();
    void sizesAreThoseOfTheLiterature();
    void unknownNamesAreAnsweredWithTheNearest();
    void presetsAreNamesToo();
    void schemasListEveryKey();
};

void TestEnvironmentRegistry::everyInstanceCanBeMadeAndHasItsOwnName() {
    std::set<std::string> names;
    for (const EnvInstance& instance : environmentInstances()) {
        QVERIFY2(names.insert(instance.name).second, instance.name.c_str());
        const auto made = makeEnvironment(instance.env);
        QVERIFY2(made.has_value(), instance.name.c_str());
        const EnvSpec& spec = (*made)->spec();
        QCOMPARE(spec.name, instance.envName);
        QVERIFY(spec.nAgents > 1 && spec.nActions > 0 && spec.obsDim > 0 && spec.stateDim > 0 && spec.episodeLimit > 0);
        QVERIFY(!instance.help.empty());
    }
    for (const char* name : {"matrix", "stag_hunt", "pred_prey_punish", "stag_hunt_l", "qtran", "nstep"}) {
        QVERIFY2(names.count(name) == 1, name);
    }
}

void TestEnvironmentRegistry::resolvingWritesEverythingAndIsStable() {
    for (const EnvInstance& instance : environmentInstances()) {
        const auto resolved = resolveEnvironment(instance.env);
        QVERIFY2(resolved.has_value(), instance.name.c_str());
        QVERIFY(resolveEnvironment(*resolved).value() == *resolved);
        QVERIFY(resolveEnvironment(parseSection(resolved->toToml(), "again").value()).value() == *resolved);
        QVERIFY(makeEnvironment(*resolved).value()->spec() == makeEnvironment(instance.env).value()->spec());
        for (const EnvEntry& entry : environments()) {
            for (const FieldSchema& field :
                 entry.name == instance.envName ? entry.schema() : std::vector<FieldSchema>{}) {
                QVERIFY2(resolved->has(field.key), field.key.c_str());
            }
        }
    }
}

void TestEnvironmentRegistry::sizesAreThoseOfTheLiterature_data() {
    QTest::addColumn<int>("agents");
    QTest::addColumn<int>("actions");
    QTest::addColumn<int>("obs");
    QTest::addColumn<int>("state");
    QTest::addColumn<int>("limit");
    QTest::newRow("pred_prey_punish") << 8 << 6 << 75 << 300 << 200;
    QTest::newRow("stag_hunt") << 8 << 6 << 75 << 300 << 200;
    QTest::newRow("stag_hunt_s") << 6 << 6 << 147 << 1200 << 150;
    QTest::newRow("stag_hunt_m") << 10 << 6 << 147 << 1875 << 150;
    QTest::newRow("stag_hunt_l") << 15 << 6 << 147 << 2700 << 150;
    QTest::newRow("qtran") << 2 << 3 << 5 << 5 << 1;
    QTest::newRow("coordination") << 2 << 2 << 5 << 5 << 1;
    QTest::newRow("two_step") << 2 << 2 << 3 << 3 << 2;
    QTest::newRow("nstep") << 2 << 2 << 9 << 9 << 4;
    QTest::newRow("mmdp") << 2 << 2 << 2 << 2 << 100;
}

void TestEnvironmentRegistry::sizesAreThoseOfTheLiterature() {
    QFETCH(int, agents);
    QFETCH(int, actions);
    QFETCH(int, obs);
    QFETCH(int, state);
    QFETCH(int, limit);
    const EnvInstance instance = environmentInstance(QTest::currentDataTag()).value();
    const EnvSpec expected{instance.envName, agents, actions, obs, state, limit, false};
    QVERIFY(makeEnvironment(instance.env).value()->spec() == expected);
}

void TestEnvironmentRegistry::unknownNamesAreAnsweredWithTheNearest() {
    QCOMPARE(errorOfMaking("name = \"stag_hunts\""),
             std::string("test.toml:1:8: env.name: there is no environment 'stag_hunts'; did you mean 'stag_hunt'?"));
    QCOMPARE(errorOfMaking("name = \"chess\""),
             std::string("test.toml:1:8: env.name: there is no environment 'chess'; known: matrix, stag_hunt, tag, "
                         "car_following, smac, smacv2"));
    const auto instance = environmentInstance("pred_pray_punish");
    QVERIFY(!instance);
    QVERIFY(instance.error().code == ErrorCode::NotFound);
    QVERIFY(instance.error().message.find("did you mean 'pred_prey_punish'?") != std::string::npos);
}

void TestEnvironmentRegistry::presetsAreNamesToo() {
    const auto sectionOf = [](const std::string& toml) {
        return parseSection(toml, "x.toml", "env").value();
    };
    for (const EnvInstance& instance : environmentInstances()) {
        const Section shortForm = sectionOf("name = \"" + instance.name + "\"");
        QVERIFY2(resolveEnvironment(shortForm).value() == resolveEnvironment(instance.env).value(),
                 instance.name.c_str());
        QVERIFY(makeEnvironment(shortForm).has_value());
    }
    // Keys beside the name count; a task may lay another table over the one that the name stands for.
    const Section mixed = sectionOf("name = \"qtran\"\ntable = \"additive\"");
    QVERIFY(resolveEnvironment(mixed).value() ==
            resolveEnvironment(sectionOf("name = \"matrix\"\ntable = \"additive\"")).value());
    const auto wrong = makeEnvironment(sectionOf("name = \"pred_pray_punish\""));
    QVERIFY(!wrong);
    QVERIFY2(QString::fromStdString(wrong.error().message).contains("x.toml:1:8: env.name: there is no environment"),
             wrong.error().message.c_str());
    QVERIFY2(QString::fromStdString(wrong.error().message).contains("did you mean 'pred_prey"),
             wrong.error().message.c_str());
    const auto key = makeEnvironment(sectionOf("name = \"pred_prey_punish\"\nsiez = 3"));
    QVERIFY2(QString::fromStdString(key.error().message).contains("x.toml:2:1: unknown key 'env.siez'"),
             key.error().message.c_str());
}

void TestEnvironmentRegistry::schemasListEveryKey() {
    for (const EnvEntry& entry : environments()) {
        std::set<std::string> keys;
        for (const FieldSchema& field : entry.schema()) {
            QVERIFY2(keys.insert(field.key).second, field.key.c_str());
            QVERIFY2(!field.help.empty() && !field.defaultToml.empty(), field.key.c_str());
        }
        QVERIFY(keys.count(entry.presetKey) == 1);
    }
}

QTEST_APPLESS_MAIN(TestEnvironmentRegistry)
#include "tst_environment_registry.moc"
