// SPDX-License-Identifier: GPL-3.0-or-later
// The command line of the window, the processes it starts, and where its window may be.
#include <QDir>
#include <QFile>
#include <QSignalSpy>
#include <QTemporaryDir>
#include <QTest>

#include "app/workbench/command_line.h"
#include "app/workbench/experiment_menu.h"
#include "app/workbench/run_process.h"
#include "app/workbench/status_view.h"
#include "app/workbench/window_layout.h"

using namespace knife;

namespace {

constexpr int kWaitMs = 5000;

ParsedCommandLine parse(const QStringList& arguments) {
    return parseCommandLine(QStringList{"knife-workbench"} + arguments);
}

void write(const QString& path, const QByteArray& content) {
    QFile file(path);
    QVERIFY(file.open(QIODevice::WriteOnly));
    file.write(content);
}

} // namespace

class TestLaunching final : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void understandsItsCommandLine();
    void refusesWhatItDoesNotUnderstand_data();
    void refusesWhatItDoesNotUnderstand();
    void tellsARunWhereToStoreAndWhatItIsCalled();
    void findsTheLastWordsOfAProcess();
    void noticesTheEndOfAProcess();
    void withoutAProgramNothingStarts();
    void listsExperimentsByStudy();
    void keepsTheWindowOnAScreen_data();
    void keepsTheWindowOnAScreen();
    void saysTheTimeLeftOnlyWhenItIsKnown();
};

void TestLaunching::understandsItsCommandLine() {
    const ParsedCommandLine line =
        parse({"/data/runs", "--start", "a.toml", "--select", "last", "--theme", "dark", "--inspect", "agent.fc1:12",
               "--screenshot", "s.png", "--after", "2.5", "--timing"});
    QVERIFY2(line.kind == ParsedCommandLine::Kind::Run, qPrintable(line.text));
    QCOMPARE(line.options.workspace, "/data/runs");
    QCOMPARE(line.options.startFile, "a.toml");
    QCOMPARE(line.options.select, "last");
    QVERIFY(line.options.theme == Theme::Dark);
    QVERIFY((line.options.inspect == NeuronRef{"agent.fc1", 12}));
    QCOMPARE(line.options.screenshot, "s.png");
    QCOMPARE(line.options.afterS, 2.5);
    QVERIFY(line.options.timing);
    QVERIFY(parse({}).kind == ParsedCommandLine::Kind::Run);
    QVERIFY(parse({"--help"}).kind == ParsedCommandLine::Kind::Help);
    QVERIFY(parse({"-v"}).kind == ParsedCommandLine::Kind::Version);
}

void TestLaunching::refusesWhatItDoesNotUnderstand_data() {
    QTest::addColumn<QStringList>("arguments");
    QTest::newRow("unknown option") << QStringList{"--nonsense"};
    QTest::newRow("two workspaces") << QStringList{"a", "b"};
    QTest::newRow("theme") << QStringList{"--theme", "pink"};
    QTest::newRow("unit without number") << QStringList{"--inspect", "agent.fc1"};
    QTest::newRow("unit without site") << QStringList{"--inspect", ":3"};
    QTest::newRow("negative unit") << QStringList{"--inspect", "agent.fc1:-3"};
    QTest::newRow("seconds") << QStringList{"--after", "soon"};
    QTest::newRow("negative seconds") << QStringList{"--after", "-1"};
}

void TestLaunching::refusesWhatItDoesNotUnderstand() {
    QFETCH(QStringList, arguments);
    const ParsedCommandLine line = parse(arguments);
    QVERIFY(line.kind == ParsedCommandLine::Kind::Wrong);
    QVERIFY(!line.text.isEmpty());
}

void TestLaunching::tellsARunWhereToStoreAndWhatItIsCalled() {
    const RunLaunch train = trainLaunch("/x/e.toml", "/ws", RunId{"abc"}, 7, FirstState::Paused);
    QCOMPARE(train.arguments, QStringList({"train", "/x/e.toml", "--run-id", "abc", "--seed", "7", "--start-paused",
                                           "--workspace", "/ws"}));
    QCOMPARE(train.logFile(), "/ws/logs/abc.log");
    QCOMPARE(trainLaunch("/x/e.toml", "/ws", RunId{"abc"}).arguments,
             QStringList({"train", "/x/e.toml", "--run-id", "abc", "--workspace", "/ws"}));
    QCOMPARE(resumeLaunch("/ws", RunId{"abc"}).arguments, QStringList({"resume", "abc", "--workspace", "/ws"}));
}

void TestLaunching::findsTheLastWordsOfAProcess() {
    const QTemporaryDir folder;
    const QString file = folder.filePath("log");
    QCOMPARE(lastLine(file), QString());
    write(file, "first\n  the reason  \n\n \n");
    QCOMPARE(lastLine(file), "the reason");
    write(file, "one\n" + QByteArray(100'000, 'x'));
    QVERIFY(lastLine(file).size() <= 400);
    write(file, "");
    QCOMPARE(lastLine(file), QString());
}

void TestLaunching::noticesTheEndOfAProcess() {
    const QTemporaryDir folder;
    RunProcess process;
    QSignalSpy ended(&process, &RunProcess::ended);
    const RunLaunch launch{RunId{"abc"}, "/bin/sh", {"-c", "echo it is over >&2; exit 3"}, folder.path()};
    QVERIFY(process.start(launch).has_value());
    QTRY_COMPARE_WITH_TIMEOUT(ended.size(), 1, kWaitMs);
    QCOMPARE(lastLine(launch.logFile()), "it is over");
    QVERIFY(!process.isWatching());

    const RunLaunch longer{RunId{"def"}, "/bin/sh", {"-c", "sleep 1"}, folder.path()};
    QVERIFY(process.start(longer).has_value());
    QTest::qWait(400);
    QCOMPARE(ended.size(), 1);
    process.letGo();
    QTest::qWait(1000);
    QCOMPARE(ended.size(), 1);
}

void TestLaunching::withoutAProgramNothingStarts() {
    const QTemporaryDir folder;
    RunProcess process;
    QVERIFY(process.start({RunId{"a"}, "", {}, folder.path()}).error().code == ErrorCode::NotFound);
    QVERIFY(process.start({RunId{"a"}, "/no/such/program", {}, folder.path()}).error().code == ErrorCode::Io);
    const QTemporaryDir spoilt;
    write(spoilt.filePath("logs"), "a file where the folder should be");
    QVERIFY(process.start({RunId{"a"}, "/bin/true", {}, spoilt.path()}).error().code == ErrorCode::Io);
}

void TestLaunching::listsExperimentsByStudy() {
    const QTemporaryDir folder;
    for (const char* study : {"b_study", "a_study", "empty"}) {
        QVERIFY(QDir(folder.path()).mkdir(study));
    }
    write(folder.filePath("b_study/two.toml"), "");
    write(folder.filePath("a_study/one.toml"), "");
    write(folder.filePath("a_study/readme.md"), "");
    const auto files = listExperiments(folder.path());
    QCOMPARE(files.size(), 2UL);
    QCOMPARE(files[0].study, "a_study");
    QCOMPARE(files[0].name, "one");
    QCOMPARE(files[1].path, folder.filePath("b_study/two.toml"));
    QVERIFY(listExperiments("/no/such/folder").empty());
}

void TestLaunching::keepsTheWindowOnAScreen_data() {
    QTest::addColumn<QRect>("window");
    QTest::addColumn<QRect>("kept");
    const QRect second(1920, 0, 1280, 720);
    QTest::newRow("inside") << QRect(10, 20, 800, 600) << QRect(10, 20, 800, 600);
    QTest::newRow("over the right edge of all") << QRect(3000, 100, 800, 600) << QRect(2400, 100, 800, 600);
    QTest::newRow("above") << QRect(100, -500, 800, 600) << QRect(100, 0, 800, 600);
    QTest::newRow("on a screen that is gone") << QRect(9000, 9000, 800, 600) << QRect(1120, 480, 800, 600);
    QTest::newRow("larger than its screen") << QRect(1900, -40, 3000, 2000) << second;
}

void TestLaunching::keepsTheWindowOnAScreen() {
    QFETCH(QRect, window);
    QFETCH(QRect, kept);
    QCOMPARE(clampedToScreens(window, {QRect(0, 0, 1920, 1080), QRect(1920, 0, 1280, 720)}), kept);
    QCOMPARE(clampedToScreens(window, {}), window);
}

void TestLaunching::saysTheTimeLeftOnlyWhenItIsKnown() {
    QCOMPARE(*secondsLeft(100, 300, 50.0), 4.0);
    QCOMPARE(*secondsLeft(400, 300, 50.0), 0.0);
    QVERIFY(!secondsLeft(0, 0, 50.0));
    QVERIFY(!secondsLeft(0, 300, 0.0));
}

QTEST_GUILESS_MAIN(TestLaunching)
#include "tst_launching.moc"
