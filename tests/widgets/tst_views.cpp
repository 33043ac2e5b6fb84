// SPDX-License-Identifier: GPL-3.0-or-later
// What the views promise apart from plots and heatmaps: intents, marks, bounds, names, themes.
#include <cmath>
#include <limits>

#include <QAbstractButton>
#include <QAbstractItemModelTester>
#include <QAbstractItemView>
#include <QAbstractSpinBox>
#include <QComboBox>
#include <QLabel>
#include <QLineEdit>
#include <QMouseEvent>
#include <QPushButton>
#include <QSignalSpy>
#include <QStandardItemModel>
#include <QTest>
#include <QTreeView>

#include "fake_data.h"
#include "widgets/curves_panel.h"
#include "widgets/env/board_widget.h"
#include "widgets/env/env_panel.h"
#include "widgets/env/matrix_table.h"
#include "widgets/env/matrix_widget.h"
#include "widgets/format.h"
#include "widgets/icons.h"
#include "widgets/log_panel.h"
#include "widgets/message_bar.h"
#include "widgets/metric_picker.h"
#include "widgets/neurons/neuron_heatmap.h"
#include "widgets/neurons/waterfall_view.h"
#include "widgets/run_panel.h"
#include "widgets/surgery_panel.h"
#include "widgets/table_copy.h"
#include "widgets/theme.h"
#include "widgets/unit_inspector.h"

using namespace knife;

namespace {

using Severity = MessageBar::Message::Severity;

std::vector<QPoint> outlinedCells(const MatrixTable& table) {
    std::vector<QPoint> cells;
    for (int row = 0; row < table.slice()->rowCount(); ++row) {
        for (int column = 0; column < table.slice()->columnCount(); ++column) {
            if (table.slice()->index(row, column).data(MatrixSliceModel::OutlinedRole).toBool()) {
                cells.emplace_back(row, column);
            }
        }
    }
    return cells;
}

/// Two runs, one of them with a fork.
std::unique_ptr<QStandardItemModel> runModel() {
    auto model = std::make_unique<QStandardItemModel>(0, 3);
    model->setHorizontalHeaderLabels({"Run", "Progress", "Return"});
    model->setHeaderData(1, Qt::Horizontal, true, RunProgressRole);
    const auto row = [](const QString& id, const QString& name, RunState state) {
        auto* item = new QStandardItem(name);
        item->setData(id, RunIdRole);
        item->setData(static_cast<int>(state), RunStateRole);
        item->setData(0.5, RunProgressRole);
        return QList<QStandardItem*>{item, new QStandardItem, new QStandardItem("1.0")};
    };
    const auto first = row("aaa", "matrix seed 0", RunState::Finished);
    first[0]->appendRow(row("aab", "fork, operated", RunState::Interrupted));
    model->appendRow(first);
    model->appendRow(row("bbb", "stag hunt seed 1", RunState::Running));
    return model;
}

/// Everything that takes the keyboard or the mouse, except the inner parts of composed Qt widgets.
std::vector<QWidget*> interactiveParts(QWidget& view) {
    std::vector<QWidget*> parts;
    for (QWidget* widget : view.findChildren<QWidget*>()) {
        const bool inner = widget->objectName().startsWith("qt_") ||
                           qobject_cast<QAbstractSpinBox*>(widget->parentWidget()) != nullptr ||
                           qobject_cast<QComboBox*>(widget->parentWidget()) != nullptr ||
                           qobject_cast<QLineEdit*>(widget->parentWidget()) != nullptr ||
                           qobject_cast<QLabel*>(widget) != nullptr || // its text is its name
                           widget->inherits("QHeaderView") || widget->inherits("QComboBoxPrivateContainer") ||
                           widget->inherits("QComboBoxListView") || widget->inherits("QTableCornerButton");
        const bool interactive =
            widget->focusPolicy() != Qt::NoFocus || qobject_cast<QAbstractButton*>(widget) != nullptr;
        if (interactive && !inner) {
            parts.push_back(widget);
        }
    }
    return parts;
}

} // namespace

class TestViews final : public QObject {
    Q_OBJECT

  private:
    std::vector<std::unique_ptr<QWidget>> m_views;
    std::unique_ptr<QStandardItemModel> m_runs;

  private Q_SLOTS:
    void initTestCase() {
        m_runs = runModel();
        auto curves = std::make_unique<CurvesPanel>();
        curves->setShownMetrics({"test/return", "train/loss"});
        auto heatmap = std::make_unique<NeuronHeatmap>();
        heatmap->setFrame(fake::neuronFrame());
        auto inspector = std::make_unique<UnitInspector>();
        inspector->setReport(*reportFromFrame(*fake::neuronFrame(), {"agent.fc1", 3}));
        auto surgery = std::make_unique<SurgeryPanel>();
        surgery->setFrame(fake::neuronFrame());
        surgery->setReceipts(fake::receipts());
        auto game = std::make_unique<EnvPanel>();
        game->setView(fake::threeAgentGame());
        auto board = std::make_unique<EnvPanel>();
        board->setView(fake::predatorPrey());
        auto battle = std::make_unique<EnvPanel>();
        battle->setView(fake::battle(5, 6));
        auto hunt = std::make_unique<EnvPanel>();
        hunt->setView(fake::hunt());
        auto bar = std::make_unique<MessageBar>();
        bar->post({Severity::Error, "It broke.", "Here is how.", "Mend", "mend"});
        m_views.push_back(std::move(curves));
        m_views.push_back(std::move(heatmap));
        m_views.push_back(std::move(inspector));
        m_views.push_back(std::move(surgery));
        m_views.push_back(std::move(game));
        m_views.push_back(std::move(board));
        m_views.push_back(std::move(battle));
        m_views.push_back(std::move(hunt));
        m_views.push_back(std::move(bar));
        m_views.push_back(std::make_unique<RunPanel>(m_runs.get()));
        m_views.push_back(std::make_unique<LogPanel>());
        m_views.push_back(std::make_unique<WaterfallView>());
    }

    void cleanupTestCase() { m_views.clear(); }

    void everyInteractivePartHasItsNames() {
        for (const auto& view : m_views) {
            view->show();
            const std::vector<QWidget*> parts = interactiveParts(*view);
            for (const QWidget* part : parts) {
                const QString where =
                    QString("%1 in %2").arg(part->metaObject()->className(), view->metaObject()->className());
                QVERIFY2(!part->objectName().isEmpty(), qPrintable("no objectName: " + where));
                QVERIFY2(!part->accessibleName().isEmpty(),
                         qPrintable("no accessibleName: " + where + " " + part->objectName()));
            }
        }
    }

    void everyViewPaintsInBothThemesWithoutLeavingTheOtherOneBehind() {
        for (const auto& view : m_views) {
            view->resize(700, 500);
            for (const Theme theme : {Theme::Light, Theme::Dark, Theme::Light}) {
                const QPalette palette = *themePalette(theme);
                view->setPalette(palette);
                view->show();
                QTest::qWait(60);
                // More of the picture is near the window colour of this theme than of the other one.
                const QImage image = view->grab().toImage().scaled(70, 50);
                int dark = 0;
                for (int y = 0; y < image.height(); ++y) {
                    for (int x = 0; x < image.width(); ++x) {
                        dark += image.pixelColor(x, y).lightnessF() < 0.5F ? 1 : 0;
                    }
                }
                QVERIFY2((dark > 70 * 50 / 2) == (theme == Theme::Dark), view->metaObject()->className());
            }
            view->hide();
        }
    }

    void textIsNotCutAtLargerFonts() {
        const QFont before = QApplication::font();
        QFont large = before;
        large.setPointSizeF(2.0 * before.pointSizeF());
        for (const auto& view : m_views) {
            view->setFont(large);
            view->show();
            QVERIFY(view->minimumSizeHint().height() < 1600);
            view->grab();
            view->setFont(before);
            view->hide();
        }
    }

    void payoffOutlinesEveryOptimumAndLearnedTheGreedyAction() {
        MatrixWidget view;
        const MatrixView game = std::get<MatrixView>(fake::matrixGame().scene);
        view.setGame(game);
        const auto* payoff = view.findChild<MatrixTable*>("payoffTable");
        const auto* learned = view.findChild<MatrixTable*>("learnedTable");
        QCOMPARE(outlinedCells(*payoff), (std::vector<QPoint>{{0, 0}}));
        // Greedy follows the agents' own utilities: argmax (1, 2), where Q_tot is also highest.
        QCOMPARE(outlinedCells(*learned), (std::vector<QPoint>{{1, 2}}));
        QVERIFY(payoff->slice()->index(1, 2).data(MatrixSliceModel::LastRole).toBool());
        QVERIFY(learned->slice()->index(1, 2).data(MatrixSliceModel::LastRole).toBool());
        QCOMPARE(payoff->scale(), learned->scale());
        QVERIFY(view.findChild<QLabel*>("gameSummary")->text().contains("regret 8"));

        MatrixView tied = game;
        tied.payoff[8] = 8;
        view.setGame(tied);
        QCOMPARE(outlinedCells(*payoff), (std::vector<QPoint>{{0, 0}, {2, 2}}));
    }

    void greedyFallsBackToTheJointTableAndToNothing() {
        MatrixView game = std::get<MatrixView>(fake::matrixGame().scene);
        game.learnedQ.clear();
        QCOMPARE(greedyJointAction(game), (std::vector<int>{1, 2}));
        game.learnedQTot.clear();
        QVERIFY(greedyJointAction(game).empty());
        QVERIFY(greedyJointAction(MatrixView{}).empty());
        QVERIFY(optimalJointActions(MatrixView{}).empty());
        QCOMPARE(flatIndex(game, {2, 1}), 7);
        QCOMPARE(flatIndex(game, {3, 1}), -1);
        QCOMPARE(flatIndex(game, {1}), -1);
    }

    void moreThanTwoAgentsAreShownInSlices() {
        MatrixWidget view;
        const MatrixView game = std::get<MatrixView>(fake::threeAgentGame().scene);
        view.setGame(game);
        auto* third = view.findChild<QComboBox*>("fixedAction3");
        QVERIFY(third != nullptr);
        const auto* payoff = view.findChild<MatrixTable*>("payoffTable");
        for (int action = 0; action < 2; ++action) {
            third->setCurrentIndex(action);
            for (int row = 0; row < 2; ++row) {
                for (int column = 0; column < 3; ++column) {
                    const float expected =
                        game.payoff[static_cast<std::size_t>(flatIndex(game, {row, column, action}))];
                    QCOMPARE(payoff->slice()->index(row, column).data(MatrixSliceModel::ValueRole).toDouble(),
                             static_cast<double>(expected));
                }
            }
        }
        QCOMPARE(outlinedCells(*payoff).size(), std::size_t{1}); // 11 = payoff(0, 2, 1)
        third->setCurrentIndex(0);
        QVERIFY(outlinedCells(*payoff).empty());
    }

    void matrixModelKeepsItsPromises() {
        MatrixSliceModel model;
        QAbstractItemModelTester tester(&model, QAbstractItemModelTester::FailureReportingMode::QtTest);
        model.setSlice({2, 2, {1, 2, 3, 4}, {3}, 0, {}, {}}, "optimum");
        QSignalSpy reset(&model, &QAbstractItemModel::modelReset);
        model.setSlice({2, 2, {4, 3, 2, 1}, {0}, 1, {0.5F, 0.6F}, {}}, "optimum");
        QCOMPARE(reset.size(), 0);
        model.setSlice({1, 3, {}, {}, -1, {}, {}}, "optimum");
        QCOMPARE(reset.size(), 1);
        QCOMPARE(model.index(0, 0).data().toString(), QString());
    }

    void boardFindsItsCells() {
        BoardWidget board;
        board.resize(300, 200);
        QVERIFY(!board.cellAt({10, 10}));
        board.setBoard(std::get<BoardView>(fake::predatorPrey().scene));
        for (int row = 0; row < 10; ++row) {
            for (int column = 0; column < 10; ++column) {
                QCOMPARE(board.cellAt(board.cellRect(row, column).center().toPoint()),
                         std::optional(QPoint(column, row)));
            }
        }
        QVERIFY(board.accessibleDescription().contains("7 agents"));
        board.grab();
    }

    void envPanelShowsTheRightSceneOrSaysWhyNot() {
        EnvPanel panel;
        panel.resize(400, 300);
        panel.show();
        QVERIFY(!panel.findChild<QWidget*>("boardView")->isVisible());
        panel.setView(fake::predatorPrey());
        QVERIFY(panel.findChild<QWidget*>("boardView")->isVisible());
        QVERIFY(panel.findChild<QLabel*>("envProgress")->text().contains("step 37 of 200"));
        panel.setView(fake::matrixGame());
        QVERIFY(panel.findChild<QWidget*>("matrixView")->isVisible());
        panel.setView(EnvView{});
        QVERIFY(!panel.findChild<QWidget*>("matrixView")->isVisible());
        panel.clear();
    }

    void planHoldsOnlyWillingSitesInOrder() {
        SurgeryPanel panel;
        panel.setFrame(fake::neuronFrame());
        panel.setSelection(
            {{"mixer.hyper_w1.hidden", 9}, {"agent.rnn", 1}, {"agent.fc1", 7}, {"agent.fc1", 2}, {"gone", 3}});
        const SurgeryPlan plan = panel.plan();
        QCOMPARE(plan.operations, (std::vector<SiteOperation>{{"agent.fc1", {2, 7}}, {"mixer.hyper_w1.hidden", {9}}}));
        QCOMPARE(plan.reason, std::string("by_hand"));
        QCOMPARE(plan.intervention, std::string("knife"));
        QCOMPARE(plan.operation, std::string("compose"));
        panel.findChild<QComboBox*>("surgeryMethod")->setCurrentIndex(2);
        QCOMPARE(panel.plan().operations, plan.operations);
        QCOMPARE(panel.plan().operation, std::string("consolidate"));
        QCOMPARE(panel.plan().settings, std::string("policy = \"lstsq\""));
        const auto* sites = panel.findChild<QTreeView*>("surgerySites")->model();
        QCOMPARE(sites->rowCount(), 4);
        QVERIFY(sites->index(1, 2).data().toString().contains("recurrent"));
    }

    void operateIsOfferedOnlyWhenItCanBeDoneAndSaysWhyNot() {
        SurgeryPanel panel;
        auto* operate = panel.findChild<QPushButton*>("operate");
        auto* reason = panel.findChild<QLabel*>("blockedReason");
        QVERIFY(!operate->isEnabled());
        panel.setFrame(fake::neuronFrame());
        panel.setSelection({{"agent.fc1", 7}});
        QVERIFY(!operate->isEnabled());
        for (const RunState state : {RunState::Running, RunState::Paused}) {
            panel.setRunState(state);
            QVERIFY(operate->isEnabled());
            QVERIFY(reason->text().isEmpty());
        }
        panel.setBusy(true);
        QVERIFY(!operate->isEnabled());
        panel.setBusy(false);
        panel.setSelection({{"agent.rnn", 7}});
        QVERIFY(!operate->isEnabled());
        panel.setSelection({{"agent.fc1", 7}});
        for (const RunState state : {RunState::Idle, RunState::Starting, RunState::Pausing, RunState::Stopping,
                                     RunState::Finished, RunState::Failed, RunState::Interrupted}) {
            panel.setRunState(state);
            QVERIFY(!operate->isEnabled());
            QVERIFY(!reason->text().isEmpty());
        }
        panel.setRunState(RunState::Paused);
        QSignalSpy spy(&panel, &SurgeryPanel::operateRequested);
        operate->click();
        QCOMPARE(spy.size(), 1);
        QCOMPARE(spy.at(0).at(0).value<SurgeryPlan>(), panel.plan());
    }

    void receiptsSayExactZeroAndKeepTheirRows() {
        SurgeryPanel panel;
        std::vector<SurgeryReceipt> receipts = fake::receipts();
        panel.setReceipts({receipts.begin(), receipts.begin() + 2});
        const auto* model = panel.findChild<QTreeView*>("receipts")->model();
        QSignalSpy removed(model, &QAbstractItemModel::rowsRemoved);
        panel.setReceipts(receipts);
        QCOMPARE(removed.size(), 0);
        QCOMPARE(model->rowCount(), 4);
        QCOMPARE(model->index(0, 5).data().toString(), QString("0 (exact)"));
        QCOMPARE(model->index(1, 5).data().toString(), QString("not measured"));
        QCOMPARE(model->index(2, 5).data().toString(), QString("3.2e−07"));
        QCOMPARE(model->rowCount(model->index(0, 0)), 2);
        panel.setReceipts({});
        QCOMPARE(model->rowCount(), 0);
    }

    void tablesCopyAsTabSeparatedText() {
        SurgeryPanel panel;
        panel.setReceipts({fake::receipts().front()});
        auto* view = panel.findChild<QTreeView*>("receipts");
        QCOMPARE(tableText(*view).split('\n').size(), 5); // titles, the event, its two sites, the end
        view->setCurrentIndex(view->model()->index(0, 0));
        QCOMPARE(tableText(*view), QString("Event\tEnv step\tSite\tUnits\tReason\tMax |change|\n"
                                           "0\t16k\t2 sites\t6\ttask switch\t0 (exact)\n"));
    }

    void inspectorShowsFiguresAndParts() {
        UnitInspector view;
        view.resize(300, 600);
        view.show();
        QVERIFY(!view.unit());
        const auto frame = fake::neuronFrame();
        QVERIFY(!reportFromFrame(*frame, {"agent.fc1", 64}));
        QVERIFY(!reportFromFrame(*frame, {"nowhere", 0}));
        view.setReport(*reportFromFrame(*frame, {"agent.fc1", 14}));
        QVERIFY(view.findChild<QWidget*>("unitParts")->isVisible());
        view.setReport(*reportFromFrame(*frame, {"agent.fc1", 5}));
        QVERIFY(!view.findChild<QWidget*>("unitParts")->isVisible());
        const auto* figures = view.findChild<QTreeView*>("unitFigures")->model();
        QCOMPARE(figures->index(0, 0).data().toString(), QString("RUA"));
        QCOMPARE(figures->index(0, 1).data().toString(), QString("n/a")); // unit 5 was not measured
        view.clear();
        QVERIFY(!view.unit());
    }

    void logIsBoundedAndFiltered() {
        LogModel model(nullptr, 100);
        QAbstractItemModelTester tester(&model, QAbstractItemModelTester::FailureReportingMode::QtTest);
        for (int i = 0; i < 250; ++i) {
            model.append({QDateTime::currentDateTime(), LogLevel::Info, "test", QString::number(i), {}});
        }
        QCOMPARE(model.rowCount(), 100);
        QCOMPARE(model.line(0).text, QString("150"));
        QCOMPARE(model.line(99).text, QString("249"));

        LogPanel panel;
        const QDateTime time(QDate(2026, 1, 2), QTime(3, 4, 5));
        panel.append({time, LogLevel::Debug, "a", "quiet", {}});
        panel.append({time, LogLevel::Info, "a", "said", {}});
        panel.append({time, LogLevel::Error, "b", "broken", 7});
        QCOMPARE(panel.visibleLines(), 2);
        panel.setLevel(LogLevel::Debug);
        QCOMPARE(panel.visibleLines(), 3);
        panel.setLevel(LogLevel::Error);
        QCOMPARE(panel.selectedText(), QString("2026-01-02T03:04:05\terror\tb\tbroken\n"));
        QSignalSpy activated(&panel, &LogPanel::updateActivated);
        auto* view = panel.findChild<QTreeView*>("logView");
        Q_EMIT view->activated(view->model()->index(0, 0));
        QCOMPARE(activated.at(0).at(0).toLongLong(), 7);
    }

    void messagesCountRepeatsAndTheWorstStaysInFront() {
        MessageBar bar;
        QVERIFY(bar.isHidden());
        bar.post({Severity::Error, "It broke.", {}, "Mend", "mend"});
        bar.post({Severity::Error, "It broke.", {}, "Mend", "mend"});
        QCOMPARE(bar.repeats(), 2);
        bar.post({Severity::Information, "By the way.", {}, {}, {}});
        QCOMPARE(bar.text(), QString("It broke."));
        QSignalSpy action(&bar, &MessageBar::actionTriggered);
        QSignalSpy closed(&bar, &MessageBar::closed);
        bar.findChild<QPushButton*>("messageAction")->click();
        QCOMPARE(action.at(0).at(0).toString(), QString("mend"));
        QCOMPARE(bar.text(), QString("By the way."));
        QCOMPARE(closed.size(), 0);
        bar.findChild<QAbstractButton*>("messageClose")->click();
        QCOMPARE(closed.size(), 1);
        QVERIFY(bar.isHidden());
    }

    void runPanelFiltersByWordsAndStateAndKeepsParents() {
        const auto model = runModel();
        RunPanel panel(model.get());
        panel.show();
        auto* tree = panel.findChild<QTreeView*>("runTree");
        auto* line = panel.findChild<QLineEdit*>("runFilter");
        line->setText("seed stag");
        QCOMPARE(tree->model()->rowCount(), 1);
        line->setText("interrupted");
        QCOMPARE(tree->model()->rowCount(), 1); // the parent stays, or the fork could not be seen
        QCOMPARE(tree->model()->rowCount(tree->model()->index(0, 0)), 1);
        line->setText("nothing like it");
        QCOMPARE(tree->model()->rowCount(), 0);
        line->clear();
        QCOMPARE(tree->model()->rowCount(), 2);
    }

    void runPanelSpeaksInRunIds() {
        const auto model = runModel();
        RunPanel panel(model.get());
        panel.show();
        QSignalSpy activated(&panel, &RunPanel::runActivated);
        QSignalSpy current(&panel, &RunPanel::currentRunChanged);
        panel.setCurrentRun("aab");
        QCOMPARE(panel.currentRun(), QString("aab"));
        QCOMPARE(current.size(), 1);
        QCOMPARE(activated.size(), 0);
        panel.setCurrentRun("unknown");
        QCOMPARE(panel.currentRun(), QString("aab"));
        auto* tree = panel.findChild<QTreeView*>("runTree");
        QTest::keyClick(tree, Qt::Key_Return);
        QCOMPARE(activated.size(), 1);
        QCOMPARE(activated.at(0).at(0).toString(), QString("aab"));
    }

    void runPanelWithoutRunsOffersToStartOne() {
        QStandardItemModel model(0, 2);
        RunPanel panel(&model);
        panel.show();
        auto* start = panel.findChild<QPushButton*>("firstRun");
        QVERIFY(start->isVisible());
        QSignalSpy wanted(&panel, &RunPanel::newRunRequested);
        start->click();
        QCOMPARE(wanted.size(), 1);
        model.appendRow({new QStandardItem("run"), new QStandardItem});
        QVERIFY(!start->isVisible());
    }

    void curvesAreAskedForAndOnlyShownOnesAreKept() {
        CurvesPanel panel;
        panel.resize(800, 500);
        QSignalSpy wanted(&panel, &CurvesPanel::metricsRequested);
        panel.setMetrics({"test/return", "train/loss"});
        panel.setShownMetrics({"test/return"});
        QCOMPARE(wanted.size(), 1);
        panel.setShownMetrics({"test/return"});
        QCOMPARE(wanted.size(), 1);
        panel.setSeries({"a", "test/return", "run a", 0, {0, 1, 2}, {1, 2, 3}});
        panel.setSeries({"a", "train/loss", "run a", 0, {0, 1, 2}, {1, 2, 3}});
        QCOMPARE(panel.plot("test/return")->seriesIds(), QStringList{"a"});
        QVERIFY(panel.plot("train/loss") == nullptr);
        panel.setSmoothing(2.0);
        QCOMPARE(panel.plot("test/return")->seriesIds().size(), 2); // raw and smoothed
        panel.setSmoothing(0.0);
        QCOMPARE(panel.plot("test/return")->seriesIds(), QStringList{"a"});
        panel.removeRun("a");
        QVERIFY(panel.plot("test/return")->seriesIds().isEmpty());

        QSignalSpy clock(&panel, &CurvesPanel::xClockChanged);
        panel.setSeries({"a", "test/return", "run a", 0, {0, 1, 2}, {1, 2, 3}});
        panel.setXClock(XClock::Wall);
        QCOMPARE(clock.size(), 1);
        QVERIFY(panel.plot("test/return")->seriesIds().isEmpty());
    }

    void pickerTicksInOrder() {
        MetricPicker picker;
        picker.setAvailable({"train/loss", "test/return", "epsilon"});
        picker.setChosen({"train/loss"});
        QSignalSpy changed(&picker, &MetricPicker::chosenChanged);
        auto* model = picker.findChild<QStandardItemModel*>();
        QCOMPARE(model->rowCount(), 3); // epsilon, test, train
        for (const QString& name : {QString("return"), QString("loss")}) {
            QStandardItem* item = model->findItems(name, Qt::MatchExactly | Qt::MatchRecursive).first();
            item->setCheckState(item->checkState() == Qt::Checked ? Qt::Unchecked : Qt::Checked);
        }
        QCOMPARE(changed.size(), 2);
        QCOMPARE(picker.chosen(), QStringList{"test/return"});
    }

    void figuresReadWell() {
        QCOMPARE(formatChange(0.0), QString("0 (exact)"));
        QCOMPARE(formatChange(-0.0), QString("0 (exact)"));
        QCOMPARE(formatChange(1e-9), QString("1e−09"));
        QCOMPARE(formatValue(std::numeric_limits<double>::quiet_NaN()), QString("n/a"));
        QCOMPARE(formatCount(12'500), QString("12.5k"));
        QCOMPARE(formatCount(-3.2e6), QString("−3.2M"));
        QCOMPARE(formatCount(999'999), QString("1M"));
        QCOMPARE(formatDuration(3725), QString("1 h 02 min"));
        QCOMPARE(displayName("grad_norm"), QString("Grad norm"));
    }

    void iconsFollowTheApplicationsPalette() {
        const QPalette before = QApplication::palette();
        for (const QString& name : iconNames()) {
            for (const Theme theme : {Theme::Light, Theme::Dark}) {
                QApplication::setPalette(*themePalette(theme));
                const QImage image = icon(name).pixmap(32, 32).toImage();
                int ink = 0;
                for (int y = 0; y < image.height(); ++y) {
                    for (int x = 0; x < image.width(); ++x) {
                        const QColor pixel = image.pixelColor(x, y);
                        if (pixel.alpha() > 200) {
                            ++ink;
                            QVERIFY((pixel.lightnessF() > 0.5F) == (theme == Theme::Dark));
                        }
                    }
                }
                QVERIFY2(ink > 20, qPrintable(name));
            }
        }
        QApplication::setPalette(before);
        QVERIFY(icon("no such icon").isNull());
        QVERIFY(!applicationIcon().pixmap(64, 64).isNull());
    }
};

QTEST_MAIN(TestViews)
#include "tst_views.moc"
