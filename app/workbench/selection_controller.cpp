// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/selection_controller.h"

#include <utility>

#include "app/workbench/curve_controller.h"
#include "app/workbench/run_controller.h"
#include "app/workbench/store_reader.h"
#include "app/workbench/text.h"
#include "widgets/run_panel.h"

namespace knife {

namespace {

constexpr int kFocusDelayMs = 120;

} // namespace

SelectionController::SelectionController(Parts parts, const QString& first, QObject* parent)
    : QObject(parent), m_parts(parts), m_first(first) {
    RunController& runs = parts.runs;
    RunPanel& panel = parts.panel;
    m_delay.setSingleShot(true);
    m_delay.setInterval(kFocusDelayMs);
    connect(&m_delay, &QTimer::timeout, this, [&runs, &panel] {
        if (const QString run = panel.currentRun(); !run.isEmpty()) {
            runs.setFocus(toRunId(run));
        }
    });
    connect(&panel, &RunPanel::currentRunChanged, this, [this] { m_delay.start(); });
    connect(&panel, &RunPanel::runActivated, this, [&runs](const QString& run) { runs.setFocus(toRunId(run)); });
    connect(&panel, &RunPanel::resumeRequested, this, [&runs](const QString& run) { runs.resume(toRunId(run)); });
    connect(&panel, &RunPanel::selectedRunsChanged, this, &SelectionController::showCurves);
    connect(&runs, &RunController::focusChanged, this, [this] {
        m_delay.stop();
        showInList();
        showCurves();
    });
    connect(&parts.list, &RunList::updated, this, &SelectionController::onListUpdated);
}

void SelectionController::onListUpdated(bool first) {
    if (first) {
        if (const int live = m_parts.list.model().liveRuns(); live > 0) {
            Q_EMIT foundLive(live);
        }
        chooseFirst();
    }
    showInList(); // a run that was just started appears only now
}

void SelectionController::chooseFirst() {
    if (const QString wanted = std::exchange(m_first, {}); !wanted.isEmpty()) {
        m_parts.store.ask<RunId>(
            QStringLiteral("select"), [text = wanted.toStdString()](RunReader& reader) { return reader.resolve(text); },
            this,
            [this](const Result<RunId>& run) {
                if (run) {
                    m_parts.runs.setFocus(*run);
                } else {
                    Q_EMIT troubled(run.error());
                }
            });
        return;
    }
    const RunRecord* run = m_parts.list.mostInteresting();
    if (run != nullptr && !m_parts.runs.focus()) {
        m_parts.runs.setFocus(RunId(run->id));
    }
}

void SelectionController::showInList() {
    if (const auto& focus = m_parts.runs.focus(); focus && m_parts.list.find(*focus) != nullptr) {
        m_parts.panel.setCurrentRun(toQString(*focus));
        m_delay.stop();
    }
}

void SelectionController::showCurves() {
    QStringList shown = m_parts.panel.selectedRuns();
    if (const auto& focus = m_parts.runs.focus()) {
        shown.removeAll(toQString(*focus));
        shown.prepend(toQString(*focus));
    }
    m_parts.curves.setRuns(shown);
}

} // namespace knife
