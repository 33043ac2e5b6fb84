// SPDX-License-Identifier: GPL-3.0-or-later
#include <limits>

#include <QAbstractItemModelTester>
#include <QElapsedTimer>
#include <QSignalSpy>
#include <QTest>

#include "app/workbench/models/run_table_model.h"
#include "tests/app/fake_reader.h"
#include "widgets/run_panel.h"

using namespace knife;
using knife::test::makeRecord;

class TestRunTableModel final : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void liveUpdateTouchesOnlyWhatChanged();
    void runsComeGoAndMoveWithoutReset();
    void selectionSurvivesANewRun();
    void sortsNumbersAsNumbers();
    void marksTheProgressColumn();
    void tenThousandRunsLoadQuickly();
};

namespace {

QStringList ids(const RunTableModel& model) {
    QStringList result;
    for (int row = 0; row < model.rowCount(); ++row) {
        result << model.index(row, 0).data(RunIdRole).toString();
    }
    return result;
}

} // namespace

void TestRunTableModel::liveUpdateTouchesOnlyWhatChanged() {
    RunTableModel model;
    const QAbstractItemModelTester tester(&model, QAbstractItemModelTester::FailureReportingMode::QtTest);
    RunRecord still = makeRecord("aaa");
    RunRecord moving = makeRecord("bbb");
    still.lastTestReturn = std::numeric_limits<double>::quiet_NaN();
    moving.lastTestReturn = still.lastTestReturn;
    model.setRuns({still, moving});

    QSignalSpy changed(&model, &QAbstractItemModel::dataChanged);
    QSignalSpy reset(&model, &QAbstractItemModel::modelReset);
    moving.clocks.envStep = EnvStep{250};
    model.setRuns({still, moving});
    QCOMPARE(changed.size(), 1);
    QCOMPARE(changed.at(0).at(0).toModelIndex(), model.index(1, RunTableModel::Progress));
    QCOMPARE(changed.at(0).at(1).toModelIndex(), model.index(1, RunTableModel::Step));
    QCOMPARE(model.index(1, 0).data(RunProgressRole).toDouble(), 0.25);
    model.setRuns({still, moving});
    QCOMPARE(changed.size(), 1);
    QCOMPARE(reset.size(), 0);
}

void TestRunTableModel::runsComeGoAndMoveWithoutReset() {
    RunTableModel model;
    const QAbstractItemModelTester tester(&model, QAbstractItemModelTester::FailureReportingMode::QtTest);
    QSignalSpy reset(&model, &QAbstractItemModel::modelReset);
    model.setRuns({makeRecord("b"), makeRecord("a")});
    model.setRuns({makeRecord("d"), makeRecord("c"), makeRecord("b"), makeRecord("a")});
    QCOMPARE(ids(model), QStringList({"d", "c", "b", "a"}));
    model.setRuns({makeRecord("a"), makeRecord("e"), makeRecord("d"), makeRecord("b")});
    QCOMPARE(ids(model), QStringList({"a", "e", "d", "b"}));
    model.setRuns({});
    QCOMPARE(model.rowCount(), 0);
    QCOMPARE(reset.size(), 0);
}

void TestRunTableModel::selectionSurvivesANewRun() {
    RunTableModel model;
    model.setRuns({makeRecord("old")});
    const QPersistentModelIndex selected = model.index(0, 0);
    model.setRuns({makeRecord("new"), makeRecord("old")});
    QCOMPARE(selected.row(), 1);
    QCOMPARE(selected.data(RunIdRole).toString(), "old");
}

void TestRunTableModel::sortsNumbersAsNumbers() {
    RunTableModel model;
    RunRecord small = makeRecord("s", "demo", 9);
    RunRecord large = makeRecord("l", "demo", 10);
    small.clocks.envStep = EnvStep{900};
    large.clocks.envStep = EnvStep{1'000'000};
    model.setRuns({small, large});
    const auto key = [&model](int row, int column) {
        return model.index(row, column).data(RunTableModel::kSortRole).toDouble();
    };
    QVERIFY(key(0, RunTableModel::Step) < key(1, RunTableModel::Step));
    QVERIFY(key(0, RunTableModel::Seed) < key(1, RunTableModel::Seed));
}

void TestRunTableModel::marksTheProgressColumn() {
    const RunTableModel model;
    for (int column = 0; column < RunTableModel::ColumnCount; ++column) {
        QCOMPARE(model.headerData(column, Qt::Horizontal, RunProgressRole).toBool(), column == RunTableModel::Progress);
        QVERIFY(!model.headerData(column, Qt::Horizontal, Qt::DisplayRole).toString().isEmpty());
    }
}

void TestRunTableModel::tenThousandRunsLoadQuickly() {
    std::vector<RunRecord> runs;
    for (int i = 0; i < 10'000; ++i) {
        runs.push_back(makeRecord("run" + std::to_string(i)));
    }
    RunTableModel model;
    QElapsedTimer timer;
    timer.start();
    model.setRuns(runs);
    runs.insert(runs.begin(), makeRecord("newest"));
    model.setRuns(runs);
    QCOMPARE(model.rowCount(), 10'001);
    QVERIFY2(timer.elapsed() < 300, qPrintable(QString::number(timer.elapsed()) + " ms"));
}

QTEST_GUILESS_MAIN(TestRunTableModel)
#include "tst_run_table_model.moc"
