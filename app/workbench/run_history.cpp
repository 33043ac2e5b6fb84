// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/run_history.h"

#include <algorithm>
#include <utility>

#include "app/workbench/store_reader.h"
#include "app/workbench/text.h"

namespace knife {

namespace {

/// Receipts never change once they are stored, so it is enough to look at which there are.
bool sameSurgeries(const std::vector<SurgeryReceipt>& a, const std::vector<SurgeryReceipt>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const SurgeryReceipt& x, const SurgeryReceipt& y) {
        return x.event == y.event && x.clocks == y.clocks;
    });
}

} // namespace

RunHistory::RunHistory(StoreReader& store, RunId run, ReadDepth depth, QObject* parent)
    : QObject(parent), m_store(store), m_id(std::move(run)), m_depth(depth) {
    connect(&store, &StoreReader::changed, this, &RunHistory::read);
    read();
}

void RunHistory::setWantedMetrics(const QStringList& metrics) {
    std::vector<std::string> wanted;
    for (const QString& metric : metrics) {
        wanted.push_back(metric.toStdString());
    }
    if (wanted != m_wanted) {
        m_wanted = std::move(wanted);
        read();
    }
}

const Series* RunHistory::series(const QString& metric) const {
    const auto found = m_series.find(metric.toStdString());
    return found == m_series.end() ? nullptr : &found->second;
}

std::int64_t RunHistory::approximateTimeMs(const EventRecord& event) const {
    for (const SegmentRecord& segment : m_segments) {
        if (segment.id == event.segment) {
            return segment.startedMs + static_cast<std::int64_t>(1000.0 * (event.clocks.wallS - segment.begin.wallS));
        }
    }
    return m_run ? m_run->createdMs : 0;
}

void RunHistory::read() {
    if (m_reading) {
        m_stale = true;
        return;
    }
    m_reading = true;
    m_stale = false;
    const QString kind = QStringLiteral("history/%1/%2").arg(toQString(m_id)).arg(static_cast<int>(m_depth));
    m_store.ask<RunUpdate>(
        kind,
        [id = m_id, position = m_position, wanted = m_wanted, depth = m_depth](RunReader& reader) {
            return readUpdate(reader, id, position, wanted, depth);
        },
        this,
        [this](Result<RunUpdate> update) {
            m_reading = false;
            const bool wasFailing = std::exchange(m_failing, !update.has_value());
            if (update) {
                take(std::move(*update));
            } else if (!wasFailing) {
                Q_EMIT failed(update.error());
            }
            if (m_stale) {
                read();
            }
        });
}

void RunHistory::take(RunUpdate update) {
    m_position = advanced(std::move(m_position), update);
    if (update.restarted) {
        m_series.clear();
        m_events.clear();
        m_frames.clear();
        m_episodes.clear();
        m_metricNames.clear();
        Q_EMIT restarted();
    }
    m_run = std::move(update.run);
    m_segments = std::move(update.segments);
    Q_EMIT runChanged();

    QStringList names;
    for (const MetricRecord& metric : update.metrics) {
        names << toQString(metric.name);
    }
    if (names != m_metricNames) {
        m_metricNames = std::move(names);
        Q_EMIT metricNamesChanged();
    }
    takePoints(std::move(update.newPoints));
    if (!update.newEvents.empty()) {
        const std::size_t first = m_events.size();
        m_events.insert(m_events.end(), update.newEvents.begin(), update.newEvents.end());
        Q_EMIT eventsAdded(first);
    }
    if (!update.newFrames.empty()) {
        const std::size_t first = m_frames.size();
        m_frames.insert(m_frames.end(), update.newFrames.begin(), update.newFrames.end());
        Q_EMIT framesAdded(first);
    }
    if (!update.newEpisodes.empty()) {
        const std::size_t first = m_episodes.size();
        m_episodes.insert(m_episodes.end(), update.newEpisodes.begin(), update.newEpisodes.end());
        Q_EMIT episodesAdded(first);
    }
    if (!sameSurgeries(update.surgeries, m_surgeries)) {
        m_surgeries = std::move(update.surgeries);
        Q_EMIT surgeriesChanged();
    }
    if (update.lastCheckpoint && (!m_lastCheckpoint || m_lastCheckpoint->id != update.lastCheckpoint->id)) {
        m_lastCheckpoint = std::move(update.lastCheckpoint);
        Q_EMIT checkpointChanged();
    }
}

void RunHistory::takePoints(std::map<std::string, Series> points) {
    QStringList grown;
    for (auto& [metric, more] : points) {
        Series& known = m_series[metric];
        if (known.size() == 0) {
            known = std::move(more); // a long past comes in one piece
        } else {
            append(known, more);
        }
        grown << toQString(metric);
    }
    if (!grown.isEmpty()) {
        Q_EMIT seriesGrew(grown);
    }
}

} // namespace knife
