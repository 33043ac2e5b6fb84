// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/main_window.h"

#include <QApplication>
#include <QCloseEvent>
#include <QDockWidget>
#include <QFileInfo>
#include <QHeaderView>
#include <QMenu>
#include <QSettings>
#include <QSplitter>
#include <QStatusBar>
#include <QStyle>
#include <QToolBar>
#include <QVBoxLayout>
#include <QWhatsThis>

#include "app/workbench/curve_controller.h"
#include "app/workbench/dialogs.h"
#include "app/workbench/experiment_menu.h"
#include "app/workbench/log_controller.h"
#include "app/workbench/menus.h"
#include "app/workbench/moment_controller.h"
#include "app/workbench/neurons_page.h"
#include "app/workbench/run_columns.h"
#include "app/workbench/selection_controller.h"
#include "app/workbench/status_view.h"
#include "app/workbench/surgery_controller.h"
#include "app/workbench/text.h"
#include "app/workbench/unit_controller.h"
#include "app/workbench/window_layout.h"
#include "app/workbench/workbench.h"
#include "core/store/workspace.h"
#include "widgets/env/env_panel.h"
#include "widgets/icons.h"
#include "widgets/log_panel.h"
#include "widgets/neurons/neuron_heatmap.h"
#include "widgets/neurons/waterfall_view.h"
#include "widgets/run_panel.h"
#include "widgets/surgery_panel.h"

namespace knife {

namespace {

using Severity = MessageBar::Message::Severity;

constexpr QSize kFirstSize{1640, 1000};

} // namespace

MainWindow::MainWindow(Workbench& workbench, QSettings& settings, LaunchOptions options)
    : m_workbench(workbench),
      m_settings(settings),
      m_options(std::move(options)),
      m_preferences(loadPreferences(settings)),
      m_systemPalette(QApplication::palette()),
      m_wires(std::make_unique<QObject>()) {
    applyTheme(m_options.theme.value_or(m_preferences.theme));
    setWindowIcon(applicationIcon());
    setWindowTitle(tr("KNIFE Workbench"));
    setDockOptions(AnimatedDocks | AllowNestedDocks | AllowTabbedDocks);
    resize(kFirstSize);
    buildCentre();
    buildDocks();
    buildBars();
    buildControllers();
    connectFileCommands();
    connectRunCommands();
    connectViewCommands();
    connectRuns();
    connectStore();
    m_layout->restore(m_preferences);
    refreshCommands();
}

MainWindow::~MainWindow() {
    m_wires.reset();
}

void MainWindow::open() {
    const QString last = m_preferences.recentWorkspaces.value(0);
    openWorkspace(!m_options.workspace.isEmpty() ? m_options.workspace
                  : !last.isEmpty()              ? last
                                                 : QString::fromStdString(defaultWorkspacePath().string()));
}

void MainWindow::buildCentre() {
    auto* centre = new QWidget(this);
    auto* column = new QVBoxLayout(centre);
    const int gap = style()->pixelMetric(QStyle::PM_LayoutVerticalSpacing);
    column->setContentsMargins(gap, gap, gap, gap);
    m_messages = new MessageBar(centre);
    m_messages->setObjectName(QStringLiteral("messages"));
    column->addWidget(m_messages);

    m_curves = new CurvesPanel;
    m_curves->setObjectName(QStringLiteral("curves"));
    m_curves->setXClock(m_preferences.xClock);
    m_curves->setSmoothing(m_preferences.smoothing);
    m_curves->setShownMetrics(m_preferences.shownMetrics);
    m_environment = new EnvPanel;
    m_environment->setObjectName(QStringLiteral("environment"));
    m_environment->setMinimumWidth(18 * fontMetrics().height()); // boards and tables shrink further than they ask for
    m_neurons = new NeuronsPage(m_workbench.cursor);
    m_neurons->setObjectName(QStringLiteral("neurons"));
    m_neurons->heatmap().setDiagnostic(m_preferences.diagnostic);

    auto* columns = new QSplitter(Qt::Horizontal);
    columns->setObjectName(QStringLiteral("columnsSplit"));
    columns->addWidget(m_curves);
    columns->addWidget(m_environment);
    auto* rows = new QSplitter(Qt::Vertical, centre);
    rows->setObjectName(QStringLiteral("rowsSplit"));
    rows->addWidget(columns);
    rows->addWidget(m_neurons);
    for (QSplitter* splitter : {columns, rows}) {
        splitter->setChildrenCollapsible(false);
    }
    column->addWidget(rows, 1);
    setCentralWidget(centre);
}

void MainWindow::buildDocks() {
    const auto add = [this](const char* name, const QString& title, QWidget* view, Qt::DockWidgetArea area) {
        auto* dock = new QDockWidget(title, this);
        dock->setObjectName(QLatin1String(name));
        dock->setWidget(view);
        addDockWidget(area, dock);
        return dock;
    };
    m_runPanel = new RunPanel(&m_workbench.list.model());
    m_runColumns = arrangeRunColumns(*m_runPanel, m_preferences.runColumns);
    m_inspector = new UnitInspector;
    m_surgeryPanel = new SurgeryPanel;
    m_logPanel = new LogPanel;
    setCorner(Qt::BottomRightCorner, Qt::RightDockWidgetArea);
    add("dock.runs", tr("Runs"), m_runPanel, Qt::LeftDockWidgetArea);
    auto* inspector = add("dock.inspector", tr("Inspector"), m_inspector, Qt::RightDockWidgetArea);
    auto* surgery = add("dock.surgery", tr("Surgery"), m_surgeryPanel, Qt::RightDockWidgetArea);
    splitDockWidget(inspector, surgery, Qt::Vertical);
    add("dock.log", tr("Events and log"), m_logPanel, Qt::BottomDockWidgetArea);
}

void MainWindow::buildBars() {
    ActionRegistry& actions = m_workbench.actions;
    auto* newRun = new ExperimentMenu(tr("&New Run"), actions.action(command::kNewFromFile), this);
    connect(newRun, &ExperimentMenu::experimentChosen, m_wires.get(),
            [this](const QString& file) { m_workbench.runs.startExperiment(file); });
    m_newRun = newRun;
    m_recent = new QMenu(tr("Recent &Workspaces"), this);
    connect(m_recent, &QMenu::aboutToShow, m_wires.get(), [this] { fillRecent(); });
    MenuParts parts{m_newRun, m_recent, {}};
    for (const QDockWidget* dock : findChildren<QDockWidget*>()) {
        parts.panels << dock->toggleViewAction();
    }
    buildMenus(*this, actions, parts);
    QToolBar* toolbar = buildToolBar(*this, actions, m_newRun);
    m_status = new StatusView(m_workbench.runs, m_workbench.list, *toolbar, *statusBar());
    auto* columns = findChild<QSplitter*>(QStringLiteral("columnsSplit"));
    auto* rows = findChild<QSplitter*>(QStringLiteral("rowsSplit"));
    m_layout = new WindowLayout(*this, {*columns, *rows, m_neurons->splitter()});
    connect(m_layout, &WindowLayout::settled, m_wires.get(), [this] { save(); });
}

void MainWindow::buildControllers() {
    auto& [actions, store, list, runs, cursor] = m_workbench;
    NeuronHeatmap& heatmap = m_neurons->heatmap();
    m_log = std::make_unique<LogController>(runs, cursor, LogController::Views{*m_logPanel, *m_messages});
    m_moment =
        std::make_unique<MomentController>(store, runs, cursor, MomentController::Views{heatmap, *m_environment});
    m_units = std::make_unique<UnitController>(
        store, runs, *m_moment, cursor,
        UnitController::Views{heatmap, m_neurons->waterfall(), m_neurons->site(), *m_inspector});
    m_surgery = std::make_unique<SurgeryController>(runs, *m_moment, cursor,
                                                    SurgeryController::Views{heatmap, *m_surgeryPanel});
    m_curveFeed = std::make_unique<CurveController>(store, list.model(), cursor, *m_curves);
    m_selection = std::make_unique<SelectionController>(
        SelectionController::Parts{store, list, runs, *m_curveFeed, *m_runPanel}, m_options.select);
}

void MainWindow::connectFileCommands() {
    const auto on = [this](const char* id, auto call) {
        connect(m_workbench.actions.action(QLatin1String(id)), &QAction::triggered, m_wires.get(), call);
    };
    on(command::kNewFromFile, [this] {
        askExperimentFile(this, m_preferences.experimentFolder, [this](const QString& file) {
            m_preferences.experimentFolder = QFileInfo(file).absolutePath();
            m_workbench.runs.startExperiment(file);
        });
    });
    on(command::kOpenWorkspace, [this] {
        askWorkspace(this, m_preferences.recentWorkspaces.value(0),
                     [this](const QString& folder) { openWorkspace(folder); });
    });
    on(command::kQuit, [this] { close(); });
    on(command::kWhatsThis, [] { QWhatsThis::enterWhatsThisMode(); });
    on(command::kAbout, [this] { showAbout(this); });
}

void MainWindow::connectRunCommands() {
    RunController& runs = m_workbench.runs;
    const auto on = [this](const char* id, auto call) {
        connect(m_workbench.actions.action(QLatin1String(id)), &QAction::triggered, m_wires.get(), call);
    };
    on(command::kStart, [&runs] { runs.proceed(); });
    on(command::kPause, [&runs] { runs.send(PauseCommand{}, tr("pause")); });
    on(command::kStep, [&runs] { runs.send(StepCommand{}, tr("single step")); });
    on(command::kRunTo, [this] { chooseRunToStep(); });
    on(command::kStop, [&runs] { runs.send(StopCommand{}, tr("stop")); });
    on(command::kEvaluate, [&runs] { runs.send(EvaluateCommand{}, tr("evaluate")); });
    on(command::kCheckpoint, [&runs] { runs.send(CheckpointCommand{}, tr("checkpoint")); });
    on(command::kOperate, [this] { m_surgery->operate(); });
    on(command::kUndo, [this] { m_surgery->undo(); });
    on(command::kSelectStagnant, [this] { m_surgery->selectStagnant(); });
    on(command::kClearSelection, [this] { m_surgery->clearSelection(); });
    connect(&runs, &RunController::stateChanged, m_wires.get(), [this] { refreshCommands(); });
    connect(m_surgery.get(), &SurgeryController::changed, m_wires.get(), [this] { refreshCommands(); });
}

void MainWindow::connectViewCommands() {
    ActionRegistry& actions = m_workbench.actions;
    const auto on = [this, &actions](const char* id, auto call) {
        connect(actions.action(QLatin1String(id)), &QAction::triggered, m_wires.get(), call);
    };
    const std::initializer_list<std::pair<const char*, Theme>> themes = {{command::kThemeSystem, Theme::System},
                                                                         {command::kThemeLight, Theme::Light},
                                                                         {command::kThemeDark, Theme::Dark}};
    for (const auto& [id, theme] : themes) {
        actions.action(QLatin1String(id))->setChecked(theme == m_options.theme.value_or(m_preferences.theme));
        on(id, [this, theme = theme] {
            m_preferences.theme = theme;
            applyTheme(theme);
            save();
        });
    }
    on(command::kNewest, [this] { m_workbench.cursor.followNewest(); });
    on(command::kFindRun, [this] {
        findChild<QDockWidget*>(QStringLiteral("dock.runs"))->show();
        m_runPanel->focusFilter();
    });
    on(command::kRestoreLayout, [this] { m_layout->restoreDefault(); });
    on(command::kFullScreen, [this](bool full) { full ? showFullScreen() : showNormal(); });
    connect(m_curves, &CurvesPanel::metricsRequested, m_wires.get(), [this] { save(); });
    connect(m_curves, &CurvesPanel::xClockChanged, m_wires.get(), [this] { save(); });
    connect(m_curves, &CurvesPanel::smoothingChanged, m_wires.get(), [this] { save(); });
    connect(m_curves, &CurvesPanel::exportRequested, m_wires.get(),
            [this](const QString& metric) { exportPlot(metric); });
    connect(&m_neurons->heatmap(), &NeuronHeatmap::diagnosticChanged, m_wires.get(), [this] { save(); });
}

void MainWindow::connectRuns() {
    RunController& runs = m_workbench.runs;
    connect(m_runPanel, &RunPanel::newRunRequested, m_wires.get(), [this] { m_newRun->popup(QCursor::pos()); });
    connect(m_messages, &MessageBar::actionTriggered, m_wires.get(), [&runs](const QString& action) {
        if (action.startsWith(QLatin1String("resume/"))) {
            runs.resume(toRunId(action.section('/', 1)));
        }
    });
    connect(m_selection.get(), &SelectionController::troubled, m_wires.get(),
            [this](const Error& error) { m_log->postError(error); });
    connect(m_selection.get(), &SelectionController::foundLive, m_wires.get(), [this](int live) {
        m_log->say(LogLevel::Info, tr("store"),
                   live == 1 ? tr("1 run goes on in the background") : tr("%1 runs go on in the background").arg(live));
    });
    connect(m_units.get(), &UnitController::troubled, m_wires.get(), [this](const QString& text) {
        m_log->post({Severity::Error, text, {}, {}, {}});
    });
    connect(m_moment.get(), &MomentController::shownFrameChanged, m_wires.get(), [this] {
        if (m_options.inspect && m_moment->shownFrame()) {
            m_units->inspect(*std::exchange(m_options.inspect, std::nullopt));
        }
    });
}

void MainWindow::connectStore() {
    StoreReader& store = m_workbench.store;
    connect(&store, &StoreReader::opened, m_wires.get(), [this](const QString& folder) { onOpened(folder); });
    connect(&store, &StoreReader::pollFailed, m_wires.get(), [this](const Error& error) { m_log->postError(error); });
    connect(&store, &StoreReader::openFailed, m_wires.get(),
            [this](const QString&, const Error& error) { m_log->postError(error); });
    connect(&m_workbench.list, &RunList::failed, m_wires.get(),
            [this](const Error& error) { m_log->postError(error); });
}

void MainWindow::openWorkspace(const QString& folder) {
    m_workbench.store.open(folder.toStdString());
}

void MainWindow::onOpened(const QString& folder) {
    m_preferences.rememberWorkspace(QFileInfo(folder).absoluteFilePath());
    m_status->setWorkspace(folder);
    setWindowFilePath(folder);
    setWindowTitle(tr("%1 – KNIFE Workbench").arg(QFileInfo(folder).fileName()));
    m_log->say(LogLevel::Info, tr("store"), tr("opened %1").arg(folder));
    save();
    if (const QString file = std::exchange(m_options.startFile, {}); !file.isEmpty()) {
        m_workbench.runs.startExperiment(file);
    }
}

void MainWindow::chooseRunToStep() {
    if (const auto& snapshot = m_workbench.runs.snapshot()) {
        askEnvStep(this, snapshot->clocks.envStep.value, snapshot->totalEnvSteps, [this](std::int64_t step) {
            m_workbench.runs.send(RunToCommand{EnvStep{step}}, tr("run to step %1").arg(step));
        });
    }
}

void MainWindow::exportPlot(const QString& metric) {
    askExportFile(this, QString(metric).replace('/', '_'), [this, metric](const QString& file) {
        PlotView* plot = m_curves->plot(metric);
        const Result<void> written = plot != nullptr ? plot->exportTo(file, plot->size()) : Result<void>();
        if (written) {
            m_log->post({Severity::Success, tr("Wrote %1").arg(file), {}, {}, {}});
        } else {
            m_log->postError(written.error());
        }
    });
}

void MainWindow::refreshCommands() {
    CommandContext context;
    context.state = m_workbench.runs.state();
    context.attached = m_workbench.runs.isAttached();
    m_surgery->describe(context);
    m_workbench.actions.refresh(context);
}

void MainWindow::fillRecent() {
    m_recent->clear();
    for (const QString& folder : m_preferences.recentWorkspaces) {
        connect(m_recent->addAction(folder), &QAction::triggered, m_wires.get(),
                [this, folder] { openWorkspace(folder); });
    }
    m_recent->setEnabled(!m_preferences.recentWorkspaces.isEmpty());
}

void MainWindow::applyTheme(Theme theme) {
    QApplication::setPalette(themePalette(theme).value_or(m_systemPalette));
}

void MainWindow::save() {
    m_preferences.shownMetrics = m_curveFeed->choosesMetrics() ? QStringList() : m_curves->shownMetrics();
    m_preferences.xClock = m_curves->xClock();
    m_preferences.smoothing = m_curves->smoothing();
    m_preferences.diagnostic = m_neurons->heatmap().diagnostic();
    m_preferences.runColumns = m_runColumns->saveState();
    m_layout->save(m_preferences);
    savePreferences(m_preferences, m_settings);
}

void MainWindow::refreshWatched() {
    m_workbench.runs.setWatched(isVisible() && !isMinimized());
}

void MainWindow::paintEvent(QPaintEvent* event) {
    QMainWindow::paintEvent(event);
    if (!std::exchange(m_painted, true)) {
        // Queued: the rest of the window is painted before control comes back to the event loop.
        QMetaObject::invokeMethod(this, &MainWindow::firstPainted, Qt::QueuedConnection);
    }
}

void MainWindow::showEvent(QShowEvent* event) {
    QMainWindow::showEvent(event);
    refreshWatched();
}

void MainWindow::hideEvent(QHideEvent* event) {
    QMainWindow::hideEvent(event);
    refreshWatched();
}

void MainWindow::changeEvent(QEvent* event) {
    QMainWindow::changeEvent(event);
    if (event->type() == QEvent::WindowStateChange) {
        refreshWatched();
    }
}

void MainWindow::closeEvent(QCloseEvent* event) {
    save();
    QMainWindow::closeEvent(event);
}

} // namespace knife
