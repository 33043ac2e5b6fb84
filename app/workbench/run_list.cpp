// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/run_list.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include <QDateTime>

#include "app/workbench/store_reader.h"

namespace knife {

namespace {

constexpr int kLiveIntervalMs = 2000;
constexpr int kAgeIntervalMs = 30'000;

} // namespace

RunList::RunList(StoreReader& store, QObject* parent) : QObject(parent), m_store(store) {
    connect(&store, &StoreReader::opened, this, [this] {
        m_first = true;
        m_model.setRuns({});
        read();
    });
    connect(&store, &StoreReader::changed, this, &RunList::read);
    m_liveTimer.setInterval(kLiveIntervalMs);
    connect(&m_liveTimer, &QTimer::timeout, this, &RunList::read);
    m_ageTimer.setInterval(kAgeIntervalMs);
    connect(&m_ageTimer, &QTimer::timeout, this, [this] { m_model.setNow(QDateTime::currentMSecsSinceEpoch()); });
    m_ageTimer.start();
}

const RunRecord* RunList::mostInteresting() const {
    const auto& runs = m_model.runs();
    const auto live = std::find_if(runs.begin(), runs.end(), [](const RunRecord& run) { return isLive(run.state); });
    return runs.empty() ? nullptr : live != runs.end() ? &*live : &runs.front();
}

void RunList::read() {
    m_store.ask<std::vector<RunRecord>>(
        QStringLiteral("runs"), [](RunReader& reader) { return reader.runs(); }, this,
        [this](Result<std::vector<RunRecord>> runs) {
            const bool wasFailing = std::exchange(m_failing, !runs.has_value());
            if (runs) {
                take(std::move(*runs));
            } else if (!wasFailing) {
                Q_EMIT failed(runs.error());
            }
        });
}

void RunList::take(std::vector<RunRecord> runs) {
    std::set<RunId> wereLive;
    for (const RunRecord& run : m_model.runs()) {
        if (isLive(run.state)) {
            wereLive.insert(run.id);
        }
    }
    std::vector<RunRecord> ended;
    std::copy_if(runs.begin(), runs.end(), std::back_inserter(ended),
                 [&wereLive](const RunRecord& run) { return isEnded(run.state) && wereLive.contains(run.id); });
    m_model.setRuns(std::move(runs));
    if (m_model.liveRuns() == 0) {
        m_liveTimer.stop();
    } else if (!m_liveTimer.isActive()) {
        m_liveTimer.start();
    }
    Q_EMIT updated(std::exchange(m_first, false));
    for (const RunRecord& run : ended) {
        Q_EMIT runEnded(run);
    }
}

} // namespace knife
