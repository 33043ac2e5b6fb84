// SPDX-License-Identifier: GPL-3.0-or-later
// Shows one moment of the run in focus: the newest one, live or stored, or the one under the time cursor. Heatmap and
// environment follow; recorded episodes are the RecordingController's.
#pragma once

#include <memory>

#include <QObject>

#include "app/workbench/recording_controller.h"
#include "core/types/snapshot.h"

namespace knife {

class EnvPanel;
class NeuronHeatmap;
class RunController;
class StoreReader;
class TimeCursor;

class MomentController final : public QObject {
    Q_OBJECT

  public:
    struct Views {
        NeuronHeatmap& heatmap;
        EnvPanel& environment;
    };

    /// All outlive the controller.
    MomentController(StoreReader& store, RunController& runs, TimeCursor& cursor, Views views,
                     QObject* parent = nullptr);

    /// What the heatmap shows; nullptr: nothing.
    [[nodiscard]] const std::shared_ptr<const NeuronFrame>& shownFrame() const { return m_shown; }
    /// The newest frame that is known, whatever is shown; nullptr: none yet.
    [[nodiscard]] const std::shared_ptr<const NeuronFrame>& newestFrame() const { return m_newest; }

  Q_SIGNALS:
    void shownFrameChanged();
    void newestFrameChanged();

  private:
    void onFocusChanged();
    void onSnapshot();
    void onStateChanged();
    void onStampsAdded();
    void show();
    void showEnvironment();
    void readStored(std::int64_t frameId);
    void setShown(std::shared_ptr<const NeuronFrame> frame, const QString& source);
    void setNewest(std::shared_ptr<const NeuronFrame> frame);

    StoreReader& m_store;
    RunController& m_runs;
    TimeCursor& m_cursor;
    Views m_views;
    std::shared_ptr<const NeuronFrame> m_shown;
    std::shared_ptr<const NeuronFrame> m_newest;
    bool m_newestIsLive = false;
    RecordingController m_recordings;
};

} // namespace knife
