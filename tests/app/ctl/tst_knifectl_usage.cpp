// SPDX-License-Identifier: GPL-3.0-or-later
// What knifectl says to a command line or an experiment file that is wrong. None of it may leave a workspace behind.
#include <QDir>
#include <QTest>

#include "tests/app/ctl/knifectl.h"

using namespace knife::test;

namespace {

// The small experiment with one of its lines replaced.
QByteArray changed(const char* line, const char* replacement) {
    QByteArray text = kSmallExperiment;
    if (!text.contains(line)) {
        qFatal("the experiment has no line %s", line);
    }
    return text.replace(line, replacement);
}

} // namespace

class TestKnifectlUsage : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void helpAndVersion_data();
    void helpAndVersion();
    void wrongCommandLine_data();
    void wrongCommandLine();
    void wrongExperiment_data();
    void wrongExperiment();
    void wrongOverride_data();
    void wrongOverride();
    void wrongFile_data();
    void wrongFile();
    void outputThatFindsNoRoom();

  private:
    Knifectl m_ctl;
};

void TestKnifectlUsage::helpAndVersion_data() {
    QTest::addColumn<QStringList>("arguments");
    QTest::addColumn<QString>("says");
    QTest::newRow("help") << QStringList{"--help"} << "Usage: knifectl";
    QTest::newRow("version") << QStringList{"--version"} << "knifectl 0.";
    QTest::newRow("help of train") << QStringList{"train", "--help"} << "--set";
    QTest::newRow("help of bench env") << QStringList{"bench", "env", "--help"} << "--seconds";
}

void TestKnifectlUsage::helpAndVersion() {
    QFETCH(const QStringList, arguments);
    QFETCH(const QString, says);
    const Outcome outcome = m_ctl.run(arguments);
    VERIFY_EXIT(outcome, 0);
    QVERIFY2(outcome.out.contains(says), outcome.describe());
    QCOMPARE(outcome.err, QString());
}

void TestKnifectlUsage::wrongCommandLine_data() {
    QTest::addColumn<QStringList>("arguments");
    QTest::addColumn<QString>("says");
    const QString file = m_ctl.write("good.toml", kSmallExperiment);
    QTest::newRow("no command") << QStringList{} << "knifectl needs a command: train, resume";
    QTest::newRow("option alone") << QStringList{"--nonsense"} << "unexpected argument '--nonsense'";
    QTest::newRow("unknown command") << QStringList{"trian", file} << "trian";
    QTest::newRow("unknown option") << QStringList{"train", file, "--epochs", "3"} << "--epochs";
    QTest::newRow("no experiment") << QStringList{"train"} << "FILE";
    QTest::newRow("seed is no number") << QStringList{"train", file, "--seed", "many"} << "--seed";
    QTest::newRow("no steps") << QStringList{"train", file, "--steps", "0"} << "--steps";
    QTest::newRow("no threads") << QStringList{"train", file, "--threads", "0"} << "--threads";
    QTest::newRow("negative seed") << QStringList{"train", file, "--seed", "-1"}
                                   << "--seed: expected a whole number of at least 0, got \"-1\"";
    QTest::newRow("huge seed") << QStringList{"train", file, "--seed", "99999999999999999999"}
                               << "--seed: expected a whole number of at least 0, got \"99999999999999999999\"";
    QTest::newRow("huge steps") << QStringList{"train", file, "--steps", "1e30"}
                                << "--steps: expected a whole number of at least 1, got \"1e30\"";
    QTest::newRow("half a step") << QStringList{"train", file, "--steps", "0.5"}
                                 << "--steps: expected a whole number of at least 1, got \"0.5\"";
    QTest::newRow("steps with a unit") << QStringList{"train", file, "--steps", "10k"} << "got \"10k\"";
    QTest::newRow("many threads") << QStringList{"resume", "last", "--threads", "257"}
                                  << "--threads: expected a whole number from 1 to 256, got \"257\"";
    QTest::newRow("bench what") << QStringList{"bench"} << "bench needs a command: env, learn";
    QTest::newRow("bench that") << QStringList{"bench", "lern"} << "unknown command 'lern'; did you mean 'learn'?";
}

void TestKnifectlUsage::wrongCommandLine() {
    QFETCH(const QStringList, arguments);
    QFETCH(const QString, says);
    const Outcome outcome = m_ctl.run(arguments);
    VERIFY_EXIT(outcome, 2);
    QVERIFY2(outcome.err.contains(says), outcome.describe());
    QCOMPARE(outcome.out, QString());
    QVERIFY(!QDir(m_ctl.workspace()).exists());
}

void TestKnifectlUsage::wrongExperiment_data() {
    QTest::addColumn<QByteArray>("text");
    QTest::addColumn<QString>("place"); // line:column; empty: the message names the key only
    QTest::addColumn<QString>("says");
    QTest::newRow("unknown key") << changed("hidden = 16", "hiden = 16") << "19:1"
                                 << "did you mean 'hidden'?";
    QTest::newRow("unknown table") << changed("[exploration]", "[explortion]") << "30:2"
                                   << "did you mean 'exploration'?";
    QTest::newRow("wrong type") << changed("hidden = 16", "hidden = \"wide\"") << "19:10"
                                << "expected";
    QTest::newRow("out of range") << changed("hidden = 16", "hidden = 0") << "19:10"
                                  << "[1, 65536]";
    QTest::newRow("bad grammar") << changed("hidden = 16", "hidden = ") << "19:10"
                                 << "";
    QTest::newRow("unknown environment") << changed("\"matrix\"", "\"matrx\"") << "7:8"
                                         << "did you mean 'matrix'?";
    QTest::newRow("unknown parameter of the environment") << changed("table = \"qtran\"", "tabel = \"qtran\"") << "8:1"
                                                          << "did you mean 'table'?";
    QTest::newRow("unknown agent") << changed("[agent]", "[agent]\nkind = \"rn\"") << ""
                                   << "agent.kind: there is no agent 'rn'; did you mean 'rnn'?";
    QTest::newRow("unknown mixer") << changed("\"qmix\"", "\"qmux\"") << "22:10"
                                   << "qmix";
    QTest::newRow("unknown intervention") << changed("\"knife\"", "\"knive\"") << "39:10"
                                          << "knife";
    QTest::newRow("unknown site") << changed("persistence = 1", "persistence = 1\nsites = [\"agent.fc9\"]") << "42:9"
                                  << "agent.fc1";
    QTest::newRow("tasks longer than the run") << changed("steps = 400", "steps = 900") << "12:9"
                                               << "800";
    QTest::newRow("batch larger than the buffer") << changed("batch_episodes = 8", "batch_episodes = 201") << "26:18"
                                                  << "200";
}

void TestKnifectlUsage::wrongExperiment() {
    QFETCH(const QByteArray, text);
    QFETCH(const QString, place);
    QFETCH(const QString, says);
    const QString file = m_ctl.write("wrong.toml", text);
    const Outcome outcome = m_ctl.run({"train", file});
    VERIFY_EXIT(outcome, 2);
    QVERIFY2(outcome.oneMessage(), outcome.describe());
    QVERIFY2(place.isEmpty() || outcome.err.contains(QString("%1:%2: ").arg(file, place)), outcome.describe());
    QVERIFY2(outcome.err.contains(says), outcome.describe());
    QVERIFY(!QDir(m_ctl.workspace()).exists());
}

void TestKnifectlUsage::wrongOverride_data() {
    QTest::addColumn<QString>("assignment");
    QTest::addColumn<QString>("says");
    QTest::newRow("unknown key") << "learning.lrr=1"
                                 << "did you mean 'lr'?";
    QTest::newRow("no assignment") << "learning.lr"
                                   << "key=value";
    QTest::newRow("wrong type") << "learning.lr=fast"
                                << "expected a number";
    QTest::newRow("out of range") << "learning.lr=-1"
                                  << "[0, 10]";
    QTest::newRow("empty") << ""
                           << "key=value";
    QTest::newRow("unknown mixer") << "mixer.method=qmux"
                                   << "qmix";
    QTest::newRow("unknown environment") << "env.name=matrx"
                                         << "did you mean 'matrix'?";
}

void TestKnifectlUsage::wrongOverride() {
    QFETCH(const QString, assignment);
    QFETCH(const QString, says);
    const QString file = m_ctl.write("good.toml", kSmallExperiment);
    const Outcome outcome = m_ctl.run({"train", file, "--set", assignment});
    VERIFY_EXIT(outcome, 2);
    QVERIFY2(outcome.oneMessage(), outcome.describe());
    QVERIFY2(outcome.err.contains("--set " + assignment), outcome.describe());
    QVERIFY2(outcome.err.contains(says), outcome.describe());
    QVERIFY(!QDir(m_ctl.workspace()).exists());
}

void TestKnifectlUsage::wrongFile_data() {
    QTest::addColumn<QString>("file");
    QTest::addColumn<QString>("says");
    QTest::newRow("missing") << m_ctl.path("nowhere.toml") << "no such file";
    QTest::newRow("a directory") << m_ctl.path("data") << "directory";
    QTest::newRow("not text") << m_ctl.write("binary.toml", QByteArray("\x7f\x45\x4c\x46\x00\x01\xff\xfe", 8)) << "";
    QTest::newRow("a device") << "/dev/null"
                              << "expected an experiment file";
    QTest::newRow("empty") << m_ctl.write("empty.toml", "") << "name";
}

void TestKnifectlUsage::wrongFile() {
    QFETCH(const QString, file);
    QFETCH(const QString, says);
    const Outcome outcome = m_ctl.run({"train", file});
    QVERIFY2(outcome.exitCode == 1 || outcome.exitCode == 2, outcome.describe());
    QVERIFY2(outcome.oneMessage(), outcome.describe());
    QVERIFY2(outcome.err.contains(file), outcome.describe());
    QVERIFY2(outcome.err.contains(says), outcome.describe());
    QVERIFY(!QDir(m_ctl.workspace()).exists());
}

void TestKnifectlUsage::outputThatFindsNoRoom() {
    const Outcome outcome = m_ctl.shell("$KNIFECTL envs >/dev/full");
    VERIFY_EXIT(outcome, 1);
    QVERIFY2(outcome.oneMessage() && outcome.err.contains("standard output"), outcome.describe());
}

QTEST_GUILESS_MAIN(TestKnifectlUsage)
#include "tst_knifectl_usage.moc"
