// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/unit_controller.h"

#include <QComboBox>
#include <QSignalBlocker>

#include "app/workbench/clock_axis.h"
#include "app/workbench/moment_controller.h"
#include "app/workbench/run_controller.h"
#include "app/workbench/text.h"
#include "app/workbench/time_cursor.h"
#include "widgets/neurons/neuron_heatmap.h"
#include "widgets/neurons/waterfall_view.h"

namespace knife {

UnitController::UnitController(StoreReader& store, RunController& runs, MomentController& moment, TimeCursor& cursor,
                               Views views, QObject* parent)
    : QObject(parent), m_store(store), m_runs(runs), m_moment(moment), m_cursor(cursor), m_views(views) {
    connect(&runs, &RunController::focusChanged, this, &UnitController::onFocusChanged);
    connect(&moment, &MomentController::shownFrameChanged, this, &UnitController::onFrameChanged);
    connect(&views.heatmap, &NeuronHeatmap::unitActivated, this, &UnitController::inspect);
    connect(&views.heatmap, &NeuronHeatmap::diagnosticChanged, this, [this](const QString& diagnostic) {
        if (m_history) {
            m_history->setDiagnostic(diagnostic);
        }
    });
    connect(&views.waterfall, &WaterfallView::unitActivated, this, &UnitController::inspect);
    connect(&views.waterfall, &WaterfallView::cursorMoved, &cursor, &TimeCursor::moveToX);
    connect(&views.site, &QComboBox::currentTextChanged, this, &UnitController::restartWaterfall);
    connect(&views.inspector, &UnitInspector::cursorMoved, &cursor, &TimeCursor::moveToX);
    connect(&cursor, &TimeCursor::moved, this, [this, clock = cursor.clock()]() mutable {
        if (std::exchange(clock, m_cursor.clock()) != m_cursor.clock()) {
            restartWaterfall();
            refreshInspector();
        }
        m_views.waterfall.setCursor(m_cursor.x());
        m_views.inspector.setCursor(m_cursor.x());
    });
    onFocusChanged();
}

void UnitController::inspect(const NeuronRef& unit) {
    m_unit = unit;
    m_views.site.setCurrentText(toQString(unit.site));
    refreshInspector();
}

void UnitController::onFocusChanged() {
    m_history.reset();
    m_unit.reset();
    m_views.inspector.clear();
    m_views.site.clear();
    if (RunHistory* run = m_runs.history()) {
        m_history = std::make_unique<NeuronHistory>(m_store, run->id(), m_views.heatmap.diagnostic());
        connect(m_history.get(), &NeuronHistory::restarted, this, &UnitController::restartWaterfall);
        connect(m_history.get(), &NeuronHistory::grew, this, &UnitController::growWaterfall);
        connect(m_history.get(), &NeuronHistory::failed, this,
                [this](const Error& error) { Q_EMIT troubled(toQString(error.describe())); });
        connect(run, &RunHistory::framesAdded, this, [this, run] { m_history->setStamps(run->frames()); });
        connect(run, &RunHistory::surgeriesChanged, this, &UnitController::refreshInspector);
    }
    restartWaterfall();
}

void UnitController::onFrameChanged() {
    const auto& frame = m_moment.shownFrame();
    if (!frame) {
        return;
    }
    QStringList sites;
    for (const SiteSnapshot& site : frame->sites) {
        sites << toQString(site.name);
    }
    QStringList known;
    for (int i = 0; i < m_views.site.count(); ++i) {
        known << m_views.site.itemText(i);
    }
    if (sites != known) {
        const QSignalBlocker quiet(m_views.site);
        const QString before = m_views.site.currentText();
        m_views.site.clear();
        m_views.site.addItems(sites);
        m_views.site.setCurrentText(before);
        restartWaterfall();
    }
    refreshInspector();
}

void UnitController::restartWaterfall() {
    const std::string site = m_views.site.currentText().toStdString();
    int units = 0;
    if (const auto& frame = m_moment.shownFrame()) {
        for (const SiteSnapshot& one : frame->sites) {
            units = one.name == site ? one.units : units;
        }
    }
    m_views.waterfall.setEmptyText(m_runs.focus()
                                       ? tr("The history of the units appears here with the first stored frames.")
                                       : tr("Choose a run to see how its units develop over time."));
    m_views.waterfall.start(toQString(site), m_views.heatmap.diagnostic(), units, axisTitle(m_cursor.clock()));
    growWaterfall(0);
}

void UnitController::growWaterfall(std::size_t first) {
    if (!m_history) {
        return;
    }
    const std::string site = m_views.site.currentText().toStdString();
    const auto& frames = m_history->frames();
    for (std::size_t i = first; i < frames.size(); ++i) {
        if (const FrameDigest::Site* found = frames[i].find(site)) {
            m_views.waterfall.append(clockValue(frames[i].stamp.clocks, m_cursor.clock()),
                                     m_history->shownValues(*found));
        }
    }
    if (first < frames.size() && m_moment.shownFrame()) {
        m_views.waterfall.setScale(historyScale(*m_history, site, *m_moment.shownFrame()));
        refreshInspector();
    }
}

void UnitController::refreshInspector() {
    const auto& frame = m_moment.shownFrame();
    if (!m_unit || !frame || !m_history || !m_runs.history()) {
        return;
    }
    if (const auto report =
            unitReport(*frame, *m_unit, m_history->frames(), m_runs.history()->surgeries(), m_cursor.clock())) {
        m_views.inspector.setReport(*report);
        m_views.inspector.setCursor(m_cursor.x());
    }
}

} // namespace knife
