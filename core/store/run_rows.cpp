// SPDX-License-Identifier: GPL-3.0-or-later
// Events, neuron frames, surgeries, recorded episodes and progress of a run: one row each.
#include <limits>
#include <span>
#include <string>

#include "core/protocol/wire.h"
#include "core/store/compression.h"
#include "core/store/run_store.h"

namespace knife {

void RunStore::writeEvents(const std::vector<PendingEvent>& events) {
    if (events.empty()) {
        return;
    }
    SQLite::Statement insert(m_database.connection(),
                             "INSERT INTO event (run, segment, kind, text, payload, update_step, env_step, episode, "
                             "wall_s) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
    for (const PendingEvent& event : events) {
        insert.reset();
        insert.bind(1, m_key);
        bindSegment(insert, 2);
        insert.bind(3, event.kind);
        insert.bind(4, event.text);
        insert.bind(5, event.payload);
        bindClocks(insert, 6, event.clocks);
        insert.exec();
    }
}

void RunStore::writeFrames(const std::vector<NeuronFrame>& frames) {
    if (frames.empty()) {
        return;
    }
    SQLite::Statement insert(m_database.connection(), "INSERT INTO frame (run, bytes, data, update_step, env_step, "
                                                      "episode, wall_s) VALUES (?, ?, ?, ?, ?, ?, ?)");
    for (const NeuronFrame& frame : frames) {
        const std::string content = serialise(frame);
        const std::string data = compress(std::as_bytes(std::span(content)));
        insert.reset();
        insert.bind(1, m_key);
        insert.bind(2, static_cast<std::int64_t>(content.size()));
        insert.bindNoCopy(3, data.data(), static_cast<int>(data.size()));
        bindClocks(insert, 4, frame.clocks);
        insert.exec();
    }
}

void RunStore::writeSurgeries(const std::vector<SurgeryReceipt>& surgeries) {
    for (const SurgeryReceipt& receipt : surgeries) {
        SQLite::Statement insert(
            m_database.connection(),
            "INSERT INTO surgery (run, data, update_step, env_step, episode, wall_s) VALUES (?, ?, ?, ?, ?, ?)");
        const std::string data = serialise(receipt);
        insert.bind(1, m_key);
        insert.bindNoCopy(2, data.data(), static_cast<int>(data.size()));
        bindClocks(insert, 3, receipt.clocks);
        insert.exec();
    }
}

void RunStore::writeEpisodes(const std::vector<EpisodeRecording>& episodes) {
    if (episodes.empty()) {
        return;
    }
    SQLite::Statement insert(m_database.connection(),
                             "INSERT INTO recording (run, task, steps, episode_return, bytes, data, update_step, "
                             "env_step, episode, wall_s) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    for (const EpisodeRecording& recording : episodes) {
        const Result<std::string> content = serialise(recording);
        if (!content) {
            writeEvents({leftOut(recording)});
            continue;
        }
        const std::string data = compress(std::as_bytes(std::span(*content)));
        const EnvView& last = recording.moments.back();
        insert.reset();
        insert.bind(1, m_key);
        insert.bind(2, last.task);
        insert.bind(3, static_cast<std::int64_t>(recording.moments.size()) - 1);
        insert.bind(4, static_cast<double>(last.episodeReturn));
        insert.bind(5, static_cast<std::int64_t>(content->size()));
        insert.bindNoCopy(6, data.data(), static_cast<int>(data.size()));
        bindClocks(insert, 7, recording.clocks);
        insert.exec();
    }
}

void RunStore::writeProgress(const std::optional<PendingProgress>& progress) {
    double testReturn = std::numeric_limits<double>::quiet_NaN();
    for (const MetricColumn& metric : m_metrics) {
        testReturn = metric.name() == kTestReturn ? metric.last() : testReturn;
    }
    SQLite::Statement touch(m_database.connection(),
                            "UPDATE run SET updated_ms = ?, last_test_return = coalesce(?, last_test_return) "
                            "WHERE key = ?");
    touch.bind(1, nowMs());
    touch.bind(2, testReturn);
    touch.bind(3, m_key);
    touch.exec();
    if (!progress) {
        return;
    }
    SQLite::Statement update(m_database.connection(),
                             "UPDATE run SET state = ?, task = ?, env_steps_per_s = ?, update_step = ?, env_step = ?, "
                             "episode = ?, wall_s = ? WHERE key = ?");
    update.bind(1, std::string(toString(progress->state)));
    update.bind(2, progress->task);
    update.bind(3, progress->envStepsPerS);
    bindClocks(update, 4, progress->clocks);
    update.bind(8, m_key);
    update.exec();
}

void RunStore::endSegment(const Clocks& clocks) {
    SQLite::Statement update(m_database.connection(),
                             "UPDATE segment SET end_update_step = ?2, end_env_step = ?3, end_episode = ?4, "
                             "end_wall_s = ?5 WHERE run = ?1 AND end_env_step IS NULL");
    update.bind(1, m_key);
    bindClocks(update, 2, clocks);
    update.exec();
}

void RunStore::bindSegment(SQLite::Statement& statement, int index) const {
    if (m_segment) {
        statement.bind(index, m_segment->value);
    } else {
        statement.bind(index);
    }
}

} // namespace knife
