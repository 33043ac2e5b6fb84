// SPDX-License-Identifier: GPL-3.0-or-later
// Ten thousand runs of two hundred metrics in the real window: when the list can be used, and how long the window ever
// stands still.
#include <algorithm>

#include <QElapsedTimer>
#include <QHeaderView>
#include <QSettings>
#include <QStandardPaths>
#include <QTemporaryDir>
#include <QTest>
#include <QTreeView>

#include "app/workbench/main_window.h"
#include "app/workbench/stall_watch.h"
#include "app/workbench/workbench.h"
#include "tests/app/fake_reader.h"
#include "widgets/curves_panel.h"
#include "widgets/run_panel.h"

using namespace knife;
using namespace knife::test;

namespace {

constexpr int kRuns = 10'000;
constexpr int kWaitMs = 20'000;
/// The promise is 50 ms on an idle machine; a shared one gets some room.
constexpr double kLongestStallMs = 150.0;
constexpr qint64 kUsableMs = 300;

std::shared_ptr<FakeStore> largeStore() {
    auto store = std::make_shared<FakeStore>();
    for (int i = 0; i < kRuns; ++i) {
        FakeStore::Run run;
        run.record = makeRecord("run" + std::to_string(i), "study " + std::to_string(i % 50),
                                static_cast<std::uint64_t>(i % 20), RunState::Finished);
        run.record.lastTestReturn = i % 100;
        store->runs.push_back(std::move(run));
    }
    for (int metric = 0; metric < 200; ++metric) { // of the one that is looked at
        for (int point = 0; point < 1000; ++point) {
            addPoint(store->runs[0].metrics["group" + std::to_string(metric % 10) + "/m" + std::to_string(metric)],
                     point, point);
        }
    }
    for (int point = 0; point < 1'000'000; ++point) {
        addPoint(store->runs[0].metrics["test/return"], point, point % 977);
    }
    return store;
}

} // namespace

class TestLargeWorkspace final : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void initTestCase() { QStandardPaths::setTestModeEnabled(true); }
    void listIsUsableAtOnceAndNothingStalls();
};

void TestLargeWorkspace::listIsUsableAtOnceAndNothingStalls() {
    auto* application = qobject_cast<WatchedApplication*>(QCoreApplication::instance());
    const QTemporaryDir folder;
    const std::shared_ptr<FakeStore> store = largeStore();
    QSettings settings(folder.filePath("p.ini"), QSettings::IniFormat);
    Workbench workbench([store](const std::filesystem::path&) -> Result<std::unique_ptr<RunReader>> {
        return std::make_unique<FakeReader>(store);
    });
    LaunchOptions options;
    options.workspace = folder.path();
    MainWindow window(workbench, settings, options);
    window.show();
    QVERIFY(QTest::qWaitForWindowExposed(&window));
    application->startWatching();

    QElapsedTimer timer;
    timer.start();
    window.open();
    auto* tree = window.findChild<RunPanel*>()->findChild<QTreeView*>();
    QTRY_COMPARE_WITH_TIMEOUT(tree->model()->rowCount(), kRuns, kWaitMs);
    const qint64 usableMs = timer.elapsed();
    QVERIFY2(usableMs <= kUsableMs, qPrintable(QStringLiteral("usable after %1 ms").arg(usableMs)));

    auto* curves = window.findChild<CurvesPanel*>();
    QTRY_VERIFY_WITH_TIMEOUT(curves->plot("test/return") && curves->plot("test/return")->dataExtent(), kWaitMs);
    store->change([](auto& runs) { // a live update of a few runs
        for (std::size_t i = 0; i < 20; ++i) {
            runs[i].record.clocks.envStep = EnvStep{500};
        }
        addPoint(runs[0].metrics["test/return"], 1'000'000, 1.0);
    });
    QTRY_COMPARE_WITH_TIMEOUT(workbench.list.model().runs()[3].clocks.envStep.value, 500, kWaitMs);
    QTest::qWait(1000);
    application->stopWatching();
    qInfo("list of %d runs usable after %lld ms; longest stall %.1f ms: %s", kRuns, usableMs,
          application->longestStallMs(), qPrintable(application->longestStall()));
    QVERIFY2(application->longestStallMs() <= kLongestStallMs, qPrintable(application->longestStall()));
}

int main(int argc, char** argv) {
    WatchedApplication application(argc, argv);
    TestLargeWorkspace test;
    return QTest::qExec(&test, argc, argv);
}
#include "tst_large_workspace.moc"
