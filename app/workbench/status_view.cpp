// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/status_view.h"

#include <QDateTime>
#include <QDir>
#include <QHBoxLayout>
#include <QLabel>
#include <QLocale>
#include <QProgressBar>
#include <QStatusBar>
#include <QToolBar>

#include "app/workbench/run_controller.h"
#include "app/workbench/text.h"
#include "widgets/format.h"
#include "widgets/state_glyph.h"

namespace knife {

namespace {

constexpr int kRefreshMs = 1000;
constexpr int kProgressSteps = 1000;

QLabel* addLabel(QStatusBar& status, const QString& name, const QString& about) {
    auto* label = new QLabel(&status);
    label->setObjectName(name);
    label->setToolTip(about);
    label->setAccessibleName(about);
    label->setContentsMargins(status.fontMetrics().averageCharWidth(), 0, status.fontMetrics().averageCharWidth(), 0);
    status.addPermanentWidget(label);
    return label;
}

QString memoryText(std::uint64_t bytes) {
    return QLocale().formattedDataSize(static_cast<qint64>(bytes), 0, QLocale::DataSizeTraditionalFormat);
}

/// Home folders are written short, as in a shell.
QString shortPath(const QString& folder) {
    const QString home = QDir::homePath();
    return folder.startsWith(home + QLatin1Char('/')) ? QLatin1Char('~') + folder.mid(home.size()) : folder;
}

} // namespace

std::optional<double> secondsLeft(std::int64_t envStep, std::int64_t total, double envStepsPerS) {
    if (total <= 0 || envStepsPerS <= 0.0) {
        return std::nullopt;
    }
    return static_cast<double>(std::max<std::int64_t>(0, total - envStep)) / envStepsPerS;
}

StatusView::StatusView(RunController& runs, RunList& list, QToolBar& toolbar, QStatusBar& status)
    : QObject(&status), m_runs(runs), m_list(list) {
    auto* box = new QWidget(&toolbar);
    auto* row = new QHBoxLayout(box);
    row->setContentsMargins(toolbar.fontMetrics().averageCharWidth(), 0, toolbar.fontMetrics().averageCharWidth(), 0);
    m_speed = new QLabel(box);
    m_speed->setObjectName(QStringLiteral("speedLabel"));
    m_speed->setAlignment(Qt::AlignRight | Qt::AlignVCenter);
    m_speed->setToolTip(tr("Speed of the run in focus over the last few seconds, and the time its budget will last"));
    m_progress = new QProgressBar(box);
    m_progress->setObjectName(QStringLiteral("runProgress"));
    m_progress->setAccessibleName(tr("Progress of the run in focus"));
    m_progress->setRange(0, kProgressSteps);
    m_progress->setFixedWidth(14 * toolbar.fontMetrics().averageCharWidth());
    row->addWidget(m_speed, 1);
    row->addWidget(m_progress);
    toolbar.addWidget(box);

    m_state = addLabel(status, QStringLiteral("stateLabel"), tr("State of the run in focus"));
    m_memory = addLabel(status, QStringLiteral("memoryLabel"), tr("Memory of the run process"));
    m_saved = addLabel(status, QStringLiteral("savedLabel"), tr("Age of the last checkpoint"));
    m_store = addLabel(status, QStringLiteral("storeLabel"), tr("Workspace, and runs that are training in it"));

    connect(&runs, &RunController::focusChanged, this, &StatusView::refresh);
    connect(&runs, &RunController::stateChanged, this, &StatusView::refresh);
    connect(&m_timer, &QTimer::timeout, this, &StatusView::refresh);
    m_timer.start(kRefreshMs);
    refresh();
}

void StatusView::setWorkspace(const QString& folder) {
    m_workspace = folder;
    refresh();
}

void StatusView::refresh() {
    refreshProgress();
    refreshStatus();
}

void StatusView::refreshProgress() {
    const auto& snapshot = m_runs.snapshot();
    const RunRecord* stored = m_runs.focus() ? m_list.find(*m_runs.focus()) : nullptr;
    const bool known = snapshot || stored != nullptr;
    m_progress->setVisible(known);
    m_speed->setVisible(known);
    if (!known) {
        return;
    }
    const std::int64_t step = snapshot ? snapshot->clocks.envStep.value : stored->clocks.envStep.value;
    const std::int64_t total = snapshot ? snapshot->totalEnvSteps : stored->totalEnvSteps;
    const bool training = m_runs.state() == RunState::Running;
    const double speed = !training ? 0.0 : snapshot ? snapshot->envStepsPerS : stored->envStepsPerS;
    m_progress->setValue(
        total > 0 ? static_cast<int>(std::min<std::int64_t>(kProgressSteps, kProgressSteps * step / total)) : 0);
    QString text =
        tr("%1 of %2 steps").arg(formatCount(static_cast<double>(step)), formatCount(static_cast<double>(total)));
    if (speed > 0.0) {
        text = tr("%1 · %2 steps/s").arg(text, formatCount(speed));
        if (const auto left = secondsLeft(step, total, speed)) {
            text = tr("%1 · %2 left").arg(text, formatDuration(*left));
        }
    }
    m_speed->setText(text);
}

void StatusView::refreshStatus() {
    const auto state = m_runs.state();
    const auto& snapshot = m_runs.snapshot();
    QString text = state ? tr("%1: %2").arg(m_runs.title(), stateName(*state)) : tr("No run chosen");
    if (snapshot && !snapshot->task.empty()) {
        text = tr("%1 · %2").arg(text, toQString(snapshot->task));
    }
    m_state->setText(text);
    m_memory->setVisible(snapshot != nullptr);
    m_memory->setText(snapshot ? tr("Trainer %1").arg(memoryText(snapshot->memoryBytes)) : QString());

    const RunHistory* history = m_runs.history();
    const bool saved = history != nullptr && history->lastCheckpoint();
    m_saved->setVisible(saved);
    if (saved) {
        const std::int64_t age = QDateTime::currentMSecsSinceEpoch() - history->lastCheckpoint()->createdMs;
        m_saved->setText(
            tr("Saved %1 ago").arg(formatDuration(static_cast<double>(std::max<std::int64_t>(0, age / 1000)))));
    }
    const int live = m_list.model().liveRuns();
    const QString folder = m_workspace.isEmpty() ? tr("Opening…") : shortPath(m_workspace);
    m_store->setText(live == 0 ? folder : tr("%1 · %n live", nullptr, live).arg(folder));
}

} // namespace knife
