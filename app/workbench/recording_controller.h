// SPDX-License-Identifier: GPL-3.0-or-later
// Which recorded evaluation of the run in focus the environment panel shows: the newest one up to the moment of the
// time cursor. Chooses between live and recorded until the user does.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include <QObject>

#include "core/store/records.h"
#include "core/types/episode_recording.h"
#include "widgets/env/env_panel.h"

namespace knife {

class RunController;
class StoreReader;
class TimeCursor;

class RecordingController final : public QObject {
    Q_OBJECT

  public:
    /// All outlive the controller.
    RecordingController(StoreReader& store, RunController& runs, TimeCursor& cursor, EnvPanel& panel,
                        QObject* parent = nullptr);

  private:
    /// Neighbours in the list of a run's episodes.
    struct Evaluation {
        const EpisodeStamp* first = nullptr; ///< nullptr: there is none
        int episodes = 0;
    };

    void onFocusChanged();
    void show();
    [[nodiscard]] Evaluation evaluationAtCursor() const;
    void showNothing();
    void read(std::int64_t episodeId, int number, int count);

    StoreReader& m_store;
    RunController& m_runs;
    TimeCursor& m_cursor;
    EnvPanel& m_panel;
    /// By the user; void when the cursor leaves the newest moment or comes back to it, and when the run ends.
    std::optional<EpisodeBar::Source> m_chosen;
    bool m_wasFollowing = true;
    bool m_wasAttached = false;
    int m_number = 0;          ///< which episode of an evaluation
    std::int64_t m_wanted = 0; ///< id of the episode that is shown or being read; 0: none
    int m_wantedCount = 0;
    std::shared_ptr<const EpisodeRecording> m_shown;
};

} // namespace knife
