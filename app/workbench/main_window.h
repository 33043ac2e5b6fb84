// SPDX-License-Identifier: GPL-3.0-or-later
// The window: puts views, controllers, menus and preferences together, and does nothing itself.
#pragma once

#include <memory>

#include <QMainWindow>
#include <QPalette>

#include "app/workbench/command_line.h"
#include "app/workbench/preferences.h"

class QHeaderView;
class QMenu;
class QSettings;
class QToolBar;

namespace knife {

class CurveController;
class CurvesPanel;
class EnvPanel;
class LogController;
class LogPanel;
class MessageBar;
class MomentController;
class NeuronsPage;
class RunPanel;
class SelectionController;
class StatusView;
class SurgeryController;
class SurgeryPanel;
class UnitController;
class UnitInspector;
class WindowLayout;
struct Workbench;

class MainWindow final : public QMainWindow {
    Q_OBJECT

  public:
    /// Workbench and settings outlive the window. Nothing is read from a workspace before open().
    MainWindow(Workbench& workbench, QSettings& settings, LaunchOptions options);
    ~MainWindow() override;

    /// Opens the workspace that the options or the preferences name, and does what the options ask for.
    void open();

  Q_SIGNALS:
    /// The window has been drawn for the first time.
    void firstPainted();

  protected:
    void paintEvent(QPaintEvent* event) override;
    void showEvent(QShowEvent* event) override;
    void hideEvent(QHideEvent* event) override;
    void changeEvent(QEvent* event) override;
    void closeEvent(QCloseEvent* event) override;

  private:
    void buildCentre();
    void buildDocks();
    void buildBars();
    void buildControllers();
    void connectFileCommands();
    void connectRunCommands();
    void connectViewCommands();
    void connectRuns();
    void connectStore();

    void openWorkspace(const QString& folder);
    void onOpened(const QString& folder);
    void chooseRunToStep();
    void exportPlot(const QString& metric);
    void refreshCommands();
    void fillRecent();
    void applyTheme(Theme theme);
    void save();
    void refreshWatched();

    Workbench& m_workbench;
    QSettings& m_settings;
    LaunchOptions m_options;
    Preferences m_preferences;
    QPalette m_systemPalette;
    bool m_painted = false;

    MessageBar* m_messages = nullptr;
    RunPanel* m_runPanel = nullptr;
    QHeaderView* m_runColumns = nullptr;
    CurvesPanel* m_curves = nullptr;
    EnvPanel* m_environment = nullptr;
    NeuronsPage* m_neurons = nullptr;
    UnitInspector* m_inspector = nullptr;
    SurgeryPanel* m_surgeryPanel = nullptr;
    LogPanel* m_logPanel = nullptr;
    QMenu* m_newRun = nullptr;
    QMenu* m_recent = nullptr;
    StatusView* m_status = nullptr;
    WindowLayout* m_layout = nullptr;

    std::unique_ptr<LogController> m_log;
    std::unique_ptr<MomentController> m_moment;
    std::unique_ptr<UnitController> m_units;
    std::unique_ptr<SurgeryController> m_surgery;
    std::unique_ptr<CurveController> m_curveFeed;
    std::unique_ptr<SelectionController> m_selection;
    std::unique_ptr<QObject> m_wires; ///< context of all connections of the window itself: goes first, they with it
};

} // namespace knife
