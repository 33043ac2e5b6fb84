// SPDX-License-Identifier: GPL-3.0-or-later
// What `knifectl bench env` gives of an environment: speed, or how well a script plays it.
#include <QTest>

#include "tests/app/ctl/knifectl.h"

using namespace knife::test;

class TestKnifectlBench : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void speed() {
        const Outcome outcome = m_ctl.run(
            {"bench", "env", "smac:3m", "--seconds", "0.1", "--parallel", "2", "--set", "step_mul=4", "--json"});
        VERIFY_EXIT(outcome, 0);
        QVERIFY(outcome.object()["env_steps_per_s"].toDouble() > 0.0);
        QCOMPARE(outcome.object()["parallel_envs"].toInt(), 2);
    }

    // The same episodes again, whatever they are shown as; without a limit of their own, nobody wins in two steps.
    void scripts() {
        const QStringList command{"bench",      "env", "smac:8m", "--script", "nearest",
                                  "--episodes", "4",   "--seed",  "2",        "--json"};
        const Outcome outcome = m_ctl.run(command);
        VERIFY_EXIT(outcome, 0);
        const QJsonObject figures = outcome.object();
        QCOMPARE(figures["env"].toString(), "smac:8m");
        QCOMPARE(figures["script"].toString(), "nearest");
        QCOMPARE(figures["episodes"].toInt(), 4);
        QCOMPARE(figures["win_rate"].toDouble(), figures["wins"].toInt() / 4.0);
        QVERIFY(figures["win_rate_low"].toDouble() <= figures["win_rate"].toDouble());
        QVERIFY(figures["win_rate_high"].toDouble() >= figures["win_rate"].toDouble());
        QVERIFY(figures["win_rate_high"].toDouble() > 0.3); // four episodes do not exclude it
        QCOMPARE(m_ctl.run(command).object(), figures);
        const QJsonObject cut = m_ctl.run(command + QStringList{"--set", "episode_limit=2"}).object();
        QCOMPARE(cut["at_limit"].toInt(), 4);
        QCOMPARE(cut["mean_steps"].toDouble(), 2.0);
        // Where nothing can be won, there is no rate.
        const QJsonObject game = m_ctl.run({"bench", "env", "qtran", "--script", "random", "--json"}).object();
        QCOMPARE(game["episodes"].toInt(), 100);
        QVERIFY(game.contains("mean_return") && !game.contains("win_rate"));
    }

    void wrongCommandLine_data() {
        QTest::addColumn<QStringList>("arguments");
        QTest::addColumn<int>("exitCode");
        QTest::addColumn<QString>("says");
        QTest::newRow("no such script") << QStringList{"smac:3m", "--script", "furthest"} << 2 << "--script";
        QTest::newRow("episodes of nobody") << QStringList{"smac:3m", "--episodes", "3"} << 2 << "--script";
        QTest::newRow("no episode") << QStringList{"smac:3m", "--script", "random", "--episodes", "0"} << 2
                                    << "--episodes: expected a whole number of at least 1";
        QTest::newRow("speed of a script")
            << QStringList{"smac:3m", "--script", "random", "--seconds", "3"} << 2 << "--seconds";
        QTest::newRow("no battle") << QStringList{"qtran", "--script", "nearest"} << 1 << "no battle";
        QTest::newRow("no such key") << QStringList{"smac:3m", "--set", "step_mull=4"} << 2 << "step_mul";
        QTest::newRow("no value") << QStringList{"smac:3m", "--set", "step_mul"} << 2 << "step_mul";
    }
    void wrongCommandLine() {
        QFETCH(const QStringList, arguments);
        QFETCH(const int, exitCode);
        QFETCH(const QString, says);
        const Outcome outcome = m_ctl.run(QStringList{"bench", "env"} + arguments);
        VERIFY_EXIT(outcome, exitCode);
        QVERIFY2(outcome.err.contains(says), outcome.describe());
        QCOMPARE(outcome.out, QString());
    }

  private:
    Knifectl m_ctl;
};

QTEST_GUILESS_MAIN(TestKnifectlBench)
#include "tst_knifectl_bench.moc"
