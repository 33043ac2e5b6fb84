// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/moment_controller.h"

#include <algorithm>
#include <cstring>

#include <QLocale>

#include "app/workbench/run_controller.h"
#include "app/workbench/store_reader.h"
#include "app/workbench/time_cursor.h"
#include "widgets/env/env_panel.h"
#include "widgets/neurons/neuron_heatmap.h"

namespace knife {

namespace {

QString updateText(const NeuronFrame& frame) {
    return QLocale().toString(frame.clocks.update.value);
}

bool sameValues(const std::vector<float>& a, const std::vector<float>& b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

/// Bit for bit: a unit that has not been measured (NaN) is no news.
bool sameFrame(const NeuronFrame& a, const NeuronFrame& b) {
    return a.clocks == b.clocks &&
           std::ranges::equal(a.sites, b.sites, [](const SiteSnapshot& x, const SiteSnapshot& y) {
               return x.name == y.name && x.composites == y.composites &&
                      std::ranges::equal(x.diagnostics, y.diagnostics,
                                         [](const UnitDiagnostic& u, const UnitDiagnostic& v) {
                                             return u.name == v.name && sameValues(u.values, v.values);
                                         });
           });
}

} // namespace

MomentController::MomentController(StoreReader& store, RunController& runs, TimeCursor& cursor, Views views,
                                   QObject* parent)
    : QObject(parent),
      m_store(store),
      m_runs(runs),
      m_cursor(cursor),
      m_views(views),
      m_recordings(store, runs, cursor, views.environment) {
    connect(&runs, &RunController::focusChanged, this, &MomentController::onFocusChanged);
    connect(&runs, &RunController::snapshotChanged, this, &MomentController::onSnapshot);
    connect(&runs, &RunController::stateChanged, this, &MomentController::onStateChanged);
    connect(&cursor, &TimeCursor::moved, this, &MomentController::show);
    onFocusChanged();
}

void MomentController::onFocusChanged() {
    m_cursor.clear();
    m_newestIsLive = false;
    setNewest(nullptr);
    setShown(nullptr, {});
    if (RunHistory* history = m_runs.history()) {
        connect(history, &RunHistory::framesAdded, this, &MomentController::onStampsAdded);
        connect(history, &RunHistory::restarted, this, [this] { m_cursor.clear(); });
    }
    m_views.heatmap.setEmptyText(
        m_runs.focus() ? tr("No neurons to show yet. They appear with the first finished window of the run.")
                       : tr("Choose a run on the left, or start one with New: its neurons appear here."));
    showEnvironment();
}

void MomentController::onSnapshot() {
    const std::shared_ptr<const Snapshot> snapshot = m_runs.snapshot();
    const NeuronFrame& neurons = snapshot->neurons;
    // Most snapshots carry the frame that the one before had too.
    if (!neurons.sites.empty() && !(m_newestIsLive && m_newest && sameFrame(*m_newest, neurons))) {
        m_newestIsLive = true;
        setNewest(std::shared_ptr<const NeuronFrame>(snapshot, &neurons));
        if (m_cursor.isFollowing()) {
            show();
        }
    }
    showEnvironment();
}

void MomentController::onStateChanged() {
    if (m_newestIsLive && !m_runs.isAttached()) {
        m_newestIsLive = false;
        show();
    }
    showEnvironment();
}

void MomentController::onStampsAdded() {
    m_cursor.setStamps(m_runs.history()->frames());
    if (m_cursor.isFollowing() && !m_newestIsLive) {
        show();
    }
}

void MomentController::show() {
    if (const auto stamp = m_cursor.stamp()) {
        readStored(stamp->id);
    } else if (m_newestIsLive) {
        setShown(m_newest, tr("live, update %1").arg(updateText(*m_newest)));
    } else if (!m_cursor.stamps().empty()) {
        readStored(m_cursor.stamps().back().id);
    } else if (m_newest) {
        setShown(m_newest, tr("last seen, update %1").arg(updateText(*m_newest)));
    }
    showEnvironment();
}

void MomentController::readStored(std::int64_t frameId) {
    m_store.ask<NeuronFrame>(
        QStringLiteral("moment"),
        [run = *m_runs.focus(), frameId](RunReader& reader) { return reader.frame(run, frameId); }, this,
        [this, run = *m_runs.focus(), following = m_cursor.isFollowing()](Result<NeuronFrame> frame) {
            // The world may have moved on: another run, another cursor, a live frame.
            const bool stillWanted = m_runs.focus() == run && m_cursor.isFollowing() == following;
            if (!frame || !stillWanted || (following && m_newestIsLive)) {
                return;
            }
            const auto stored = std::make_shared<const NeuronFrame>(std::move(*frame));
            if (following) {
                setNewest(stored);
            }
            setShown(stored, tr("stored, update %1").arg(updateText(*stored)));
        });
}

void MomentController::showEnvironment() {
    const std::shared_ptr<const Snapshot> snapshot = m_runs.snapshot();
    const bool drawable = snapshot && !std::holds_alternative<std::monostate>(snapshot->env.scene);
    if (drawable) {
        m_views.environment.setView(snapshot->env);
        return;
    }
    const auto state = m_runs.state();
    QString text;
    if (!state) {
        text = tr("The environment of the chosen run appears here while it trains.");
    } else if (isEnded(*state)) {
        text = tr("The run has ended: there is nothing live to see. \"Recorded\" shows its evaluations.");
    } else if (m_runs.isAttached() || state == RunState::Starting) {
        text = tr("Waiting for the first picture from the run.");
    } else {
        text = tr("The run process does not answer. It may belong to another user or another machine; its curves and "
                  "neurons still arrive through the store.");
    }
    m_views.environment.setEmptyText(text);
    m_views.environment.clear();
}

void MomentController::setShown(std::shared_ptr<const NeuronFrame> frame, const QString& source) {
    m_shown = std::move(frame);
    m_views.heatmap.setFrame(m_shown);
    m_views.heatmap.setSource(source);
    Q_EMIT shownFrameChanged();
}

void MomentController::setNewest(std::shared_ptr<const NeuronFrame> frame) {
    m_newest = std::move(frame);
    Q_EMIT newestFrameChanged();
}

} // namespace knife
