// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/surgery_controller.h"

#include <utility>

#include "app/workbench/action_registry.h"
#include "app/workbench/moment_controller.h"
#include "app/workbench/run_controller.h"
#include "app/workbench/time_cursor.h"
#include "widgets/neurons/neuron_heatmap.h"
#include "widgets/surgery_panel.h"

namespace knife {

SurgeryController::SurgeryController(RunController& runs, MomentController& moment, TimeCursor& cursor, Views views,
                                     QObject* parent)
    : QObject(parent), m_runs(runs), m_moment(moment), m_views(views) {
    connect(&runs, &RunController::focusChanged, this, &SurgeryController::onFocusChanged);
    connect(&runs, &RunController::commandDone, this, &SurgeryController::onCommandDone);
    connect(&runs, &RunController::stateChanged, this, [this] {
        const auto state = m_runs.state();
        const bool unheard = state && isLive(*state) && !m_runs.isAttached();
        m_views.panel.setRunState(unheard ? std::nullopt : state);
        Q_EMIT changed();
    });
    connect(&runs, &RunController::snapshotChanged, this, [this] {
        if (std::exchange(m_wasUndoable, isUndoable()) != isUndoable()) {
            Q_EMIT changed();
        }
    });
    connect(&moment, &MomentController::newestFrameChanged, this, [this] {
        // Plans speak of the network as it is now, whatever moment is looked at.
        m_views.panel.setFrame(m_moment.newestFrame());
        Q_EMIT changed();
    });
    connect(&views.heatmap, &NeuronHeatmap::selectionChanged, this, [this](const std::vector<NeuronRef>& units) {
        m_views.panel.setSelection(units);
        Q_EMIT changed();
    });
    connect(&views.panel, &SurgeryPanel::selectBelowRequested, &views.heatmap, &NeuronHeatmap::selectBelow);
    connect(&views.panel, &SurgeryPanel::clearSelectionRequested, this, &SurgeryController::clearSelection);
    connect(&views.panel, &SurgeryPanel::operateRequested, this, &SurgeryController::send);
    connect(&views.panel, &SurgeryPanel::receiptActivated, &cursor,
            [&cursor](const SurgeryReceipt& receipt) { cursor.moveToUpdate(receipt.clocks.update); });
    onFocusChanged();
}

void SurgeryController::describe(CommandContext& context) const {
    context.operable = !m_views.panel.plan().empty();
    context.operating = m_operating.has_value();
    context.undoable = isUndoable();
}

void SurgeryController::operate() {
    send(m_views.panel.plan());
}

void SurgeryController::undo() {
    m_runs.send(UndoCommand{}, tr("undo surgery"));
}

void SurgeryController::selectStagnant() {
    m_views.heatmap.selectBelow(m_views.panel.threshold());
}

void SurgeryController::clearSelection() {
    m_views.heatmap.setSelection({});
    m_views.panel.setSelection({});
    Q_EMIT changed();
}

void SurgeryController::send(const SurgeryPlan& plan) {
    if (m_operating || plan.empty()) {
        return;
    }
    m_operating = m_runs.send(OperateCommand{plan}, tr("operate"));
    m_views.panel.setBusy(true);
    Q_EMIT changed();
}

void SurgeryController::onFocusChanged() {
    m_operating.reset();
    m_fresh.reset();
    m_views.panel.setBusy(false);
    m_views.panel.setRunState(std::nullopt);
    clearSelection();
    refreshReceipts();
    if (RunHistory* history = m_runs.history()) {
        connect(history, &RunHistory::surgeriesChanged, this, &SurgeryController::refreshReceipts);
        connect(history, &RunHistory::restarted, this, [this] { m_fresh.reset(); });
    }
}

void SurgeryController::onCommandDone(const CommandResult& result) {
    if (m_operating == result.id) {
        m_operating.reset();
        m_views.panel.setBusy(false);
    }
    if (result.receipt) { // of a surgery or of an undo
        m_fresh = result.receipt;
        refreshReceipts();
    }
    Q_EMIT changed();
}

const SurgeryReceipt* SurgeryController::newestReceipt() const {
    const RunHistory* history = m_runs.history();
    const SurgeryReceipt* stored =
        history != nullptr && !history->surgeries().empty() ? &history->surgeries().back() : nullptr;
    return m_fresh && (stored == nullptr || stored->event < m_fresh->event) ? &*m_fresh : stored;
}

void SurgeryController::refreshReceipts() {
    const RunHistory* history = m_runs.history();
    std::vector<SurgeryReceipt> receipts = history != nullptr ? history->surgeries() : std::vector<SurgeryReceipt>();
    if (m_fresh && newestReceipt() == &*m_fresh) {
        receipts.push_back(*m_fresh);
    }
    m_views.panel.setReceipts(receipts);
    Q_EMIT changed();
}

bool SurgeryController::isUndoable() const {
    const SurgeryReceipt* newest = newestReceipt();
    const auto& snapshot = m_runs.snapshot();
    return snapshot && newest != nullptr && newest->plan.intervention != "undo" &&
           newest->clocks.update == snapshot->clocks.update;
}

} // namespace knife
