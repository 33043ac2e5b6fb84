// SPDX-License-Identifier: GPL-3.0-or-later
// Everything that has been read of one stored run, growing while the run does. GUI thread only.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include <QObject>
#include <QStringList>

#include "app/workbench/run_update.h"

namespace knife {

class StoreReader;

class RunHistory final : public QObject {
    Q_OBJECT

  public:
    /// The reader outlives the history. Reading begins at once and goes on with every change of the workspace.
    RunHistory(StoreReader& store, RunId run, ReadDepth depth, QObject* parent = nullptr);

    /// Points are read of these metrics only.
    void setWantedMetrics(const QStringList& metrics);

    [[nodiscard]] const RunId& id() const { return m_id; }
    [[nodiscard]] bool isLoaded() const { return m_run.has_value(); } ///< the first reading has come
    [[nodiscard]] const std::optional<RunRecord>& run() const { return m_run; }
    [[nodiscard]] const std::vector<SegmentRecord>& segments() const { return m_segments; }
    [[nodiscard]] const QStringList& metricNames() const { return m_metricNames; }
    [[nodiscard]] const Series* series(const QString& metric) const; ///< nullptr: none read
    [[nodiscard]] const std::vector<EventRecord>& events() const { return m_events; }
    [[nodiscard]] const std::vector<FrameStamp>& frames() const { return m_frames; }
    [[nodiscard]] const std::vector<EpisodeStamp>& episodes() const { return m_episodes; }
    [[nodiscard]] const std::vector<SurgeryReceipt>& surgeries() const { return m_surgeries; }
    [[nodiscard]] const std::optional<CheckpointRecord>& lastCheckpoint() const { return m_lastCheckpoint; }

    /// Unix milliseconds at which the run's clocks stood there. Pauses do not count in the run's wall clock, so after a
    /// pause this is early by as much as the pause was long.
    [[nodiscard]] std::int64_t approximateTimeMs(const EventRecord& event) const;

  Q_SIGNALS:
    /// The run was cut back to a checkpoint: forget what you made of it. The other signals follow.
    void restarted();
    void runChanged();
    void metricNamesChanged();
    void seriesGrew(const QStringList& metrics);
    void eventsAdded(std::size_t firstNew);
    void framesAdded(std::size_t firstNew);
    void episodesAdded(std::size_t firstNew);
    void surgeriesChanged();
    void checkpointChanged();
    void failed(const knife::Error& error);

  private:
    void read();
    void take(RunUpdate update);
    void takePoints(std::map<std::string, Series> points);

    StoreReader& m_store;
    RunId m_id;
    ReadDepth m_depth;
    ReadPosition m_position;
    bool m_reading = false;
    bool m_stale = false; ///< something changed while a reading was under way
    bool m_failing = false;

    std::vector<std::string> m_wanted;
    std::optional<RunRecord> m_run;
    std::vector<SegmentRecord> m_segments;
    QStringList m_metricNames;
    std::map<std::string, Series> m_series;
    std::vector<EventRecord> m_events;
    std::vector<FrameStamp> m_frames;
    std::vector<EpisodeStamp> m_episodes;
    std::vector<SurgeryReceipt> m_surgeries;
    std::optional<CheckpointRecord> m_lastCheckpoint;
};

} // namespace knife
