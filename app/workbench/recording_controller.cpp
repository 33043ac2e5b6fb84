// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/recording_controller.h"

#include <algorithm>
#include <utility>

#include "app/workbench/run_controller.h"
#include "app/workbench/store_reader.h"
#include "app/workbench/text.h"
#include "app/workbench/time_cursor.h"

namespace knife {

RecordingController::RecordingController(StoreReader& store, RunController& runs, TimeCursor& cursor, EnvPanel& panel,
                                         QObject* parent)
    : QObject(parent), m_store(store), m_runs(runs), m_cursor(cursor), m_panel(panel) {
    connect(&runs, &RunController::focusChanged, this, &RecordingController::onFocusChanged);
    connect(&runs, &RunController::stateChanged, this, &RecordingController::show);
    connect(&cursor, &TimeCursor::moved, this, &RecordingController::show);
    connect(&panel, &EnvPanel::sourceChosen, this, [this](EpisodeBar::Source source) {
        m_chosen = source;
        show();
    });
    connect(&panel, &EnvPanel::episodeChosen, this, [this](int number) {
        m_number = number;
        show();
    });
    onFocusChanged();
}

void RecordingController::onFocusChanged() {
    m_chosen.reset();
    m_number = 0;
    showNothing(); // the next workspace may use the same ids
    if (RunHistory* history = m_runs.history()) {
        connect(history, &RunHistory::episodesAdded, this, &RecordingController::show);
        connect(history, &RunHistory::restarted, this, &RecordingController::show);
    }
    show();
}

void RecordingController::show() {
    const bool following = m_cursor.isFollowing();
    const bool attached = m_runs.isAttached();
    const bool moved = following != std::exchange(m_wasFollowing, following);
    const bool ended = std::exchange(m_wasAttached, attached) && !attached;
    if (moved || ended) {
        m_chosen.reset();
    }
    const Evaluation evaluation = evaluationAtCursor();
    const bool nothingLive = !following || (evaluation.first != nullptr && !attached);
    m_panel.setSource(m_chosen.value_or(nothingLive ? EpisodeBar::Source::Recorded : EpisodeBar::Source::Live));
    // What nobody looks at is not read.
    if (evaluation.first == nullptr) {
        showNothing();
    } else if (m_panel.source() == EpisodeBar::Source::Recorded) {
        const int number = std::clamp(m_number, 0, evaluation.episodes - 1);
        read(evaluation.first[number].id, number, evaluation.episodes);
    }
}

RecordingController::Evaluation RecordingController::evaluationAtCursor() const {
    const RunHistory* history = m_runs.history();
    if (history == nullptr) {
        return {};
    }
    const std::vector<EpisodeStamp>& all = history->episodes();
    const std::optional<FrameStamp> moment = m_cursor.stamp();
    const auto isLater = [&moment](const EpisodeStamp& episode) {
        return moment &&
               (episode.clocks.update > moment->clocks.update || episode.clocks.envStep > moment->clocks.envStep);
    };
    const auto end = std::find_if(all.begin(), all.end(), isLater);
    auto first = end;
    while (first != all.begin() && std::prev(first)->clocks == std::prev(end)->clocks) {
        --first;
    }
    return first == end ? Evaluation() : Evaluation{&*first, static_cast<int>(end - first)};
}

void RecordingController::showNothing() {
    m_wanted = 0;
    m_shown = nullptr;
    m_panel.setRecording(nullptr);
    QString text;
    if (!m_runs.focus()) {
        text = tr("Choose a run on the left: its recorded evaluations appear here.");
    } else if (m_runs.history() != nullptr && !m_runs.history()->episodes().empty()) {
        text = tr("No evaluation was recorded up to this moment. Move the time cursor to a later one.");
    } else {
        text = tr("No evaluation of this run has been recorded. Each one records as many episodes as the experiment's "
                  "evaluation.recorded_episodes says; Evaluate makes one now while the run trains.");
    }
    m_panel.setRecordingText(text);
}

void RecordingController::read(std::int64_t episodeId, int number, int count) {
    if (m_wanted == episodeId && m_wantedCount == count) {
        return;
    }
    if (m_wanted == episodeId && m_shown) {
        m_wantedCount = count;
        m_panel.setRecording(m_shown, number, count);
        return;
    }
    m_wanted = episodeId;
    m_wantedCount = count;
    m_shown = nullptr;
    m_store.ask<EpisodeRecording>(
        QStringLiteral("recording"),
        [run = *m_runs.focus(), episodeId](RunReader& reader) { return reader.episode(run, episodeId); }, this,
        [this, run = *m_runs.focus(), episodeId, number, count](Result<EpisodeRecording> recording) {
            if (m_wanted != episodeId || m_runs.focus() != run) {
                return; // the world has moved on
            }
            if (!recording) {
                m_shown = nullptr;
                m_panel.setRecording(nullptr);
                m_panel.setRecordingText(toQString(recording.error().describe()));
                return;
            }
            m_shown = std::make_shared<const EpisodeRecording>(std::move(*recording));
            m_panel.setRecording(m_shown, number, count);
        });
}

} // namespace knife
