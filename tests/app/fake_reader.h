// SPDX-License-Identifier: GPL-3.0-or-later
// A store in memory, for tests of everything that reads one.
#pragma once

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <mutex>

#include "core/store/run_reader.h"

namespace knife::test {

/// What the fake store holds. Tests change it from their thread, the reader sees it from another.
struct FakeStore {
    struct Run {
        RunRecord record;
        std::vector<SegmentRecord> segments;
        std::map<std::string, Series> metrics;
        std::vector<EventRecord> events;
        std::vector<std::pair<FrameStamp, NeuronFrame>> frames;
        std::vector<std::pair<EpisodeStamp, EpisodeRecording>> episodes;
        std::vector<SurgeryReceipt> surgeries;
        std::vector<CheckpointRecord> checkpoints;
    };
    std::vector<Run> runs; ///< newest first
    std::int64_t version = 1;
    bool broken = false;
    int queries = 0;
    std::mutex mutex;

    template <typename Change>
    void change(Change change) {
        const std::lock_guard lock(mutex);
        change(runs);
        ++version;
    }
};

inline RunRecord makeRecord(const std::string& id, const std::string& experiment = "demo", std::uint64_t seed = 1,
                            RunState state = RunState::Running) {
    RunRecord record;
    record.id = RunId{id};
    record.experiment = experiment;
    record.seed = seed;
    record.state = state;
    record.totalEnvSteps = 1000;
    return record;
}

inline void addPoint(Series& series, std::int64_t update, double value) {
    series.update.push_back(update);
    series.envStep.push_back(update * 10);
    series.episode.push_back(update / 2);
    series.wallS.push_back(static_cast<double>(update) * 0.1);
    series.value.push_back(value);
}

inline Clocks clocksAt(std::int64_t update) {
    return {UpdateStep{update}, EnvStep{update * 10}, Episode{update / 2}, static_cast<double>(update) * 0.1};
}

class FakeReader final : public RunReader {
  public:
    explicit FakeReader(std::shared_ptr<FakeStore> store) : m_store(std::move(store)) {}

    Result<std::int64_t> dataVersion() override {
        const std::lock_guard lock(m_store->mutex);
        if (m_store->broken) {
            return fail(ErrorCode::Io, "the disk is gone");
        }
        return m_store->version;
    }
    Result<std::vector<RunRecord>> runs() override {
        const std::lock_guard lock(m_store->mutex);
        ++m_store->queries;
        std::vector<RunRecord> result;
        for (const FakeStore::Run& run : m_store->runs) {
            result.push_back(run.record);
        }
        return result;
    }
    Result<RunRecord> run(const RunId& id) override {
        return with(id, [](const FakeStore::Run& run) { return run.record; });
    }
    Result<RunId> resolve(std::string_view text) override {
        const std::lock_guard lock(m_store->mutex);
        for (const FakeStore::Run& run : m_store->runs) {
            if (text == "last" || run.record.id.value.starts_with(text)) {
                return run.record.id;
            }
        }
        return fail(ErrorCode::NotFound, "no such run");
    }
    Result<std::string> configToml(const RunId& id) override {
        return with(id, [](const FakeStore::Run&) { return std::string(); });
    }
    Result<std::vector<SegmentRecord>> segments(const RunId& id) override {
        return with(id, [](const FakeStore::Run& run) { return run.segments; });
    }
    Result<std::vector<MetricRecord>> metrics(const RunId& id) override {
        return with(id, [](const FakeStore::Run& run) {
            std::vector<MetricRecord> result;
            for (const auto& [name, series] : run.metrics) {
                result.push_back({name, static_cast<std::int64_t>(series.size()), 0.0, 0.0, 0.0});
            }
            return result;
        });
    }
    Result<Series> series(const RunId& id, std::string_view metric, std::int64_t skip) override {
        return with(id, [&](const FakeStore::Run& run) {
            Series tail = run.metrics.at(std::string(metric));
            const auto drop = [skip](auto& values) {
                values.erase(values.begin(), values.begin() + skip);
            };
            drop(tail.update);
            drop(tail.envStep);
            drop(tail.episode);
            drop(tail.wallS);
            drop(tail.value);
            return tail;
        });
    }
    Result<std::vector<EventRecord>> events(const RunId& id, std::int64_t after) override {
        return with(id, [after](const FakeStore::Run& run) {
            std::vector<EventRecord> result;
            std::copy_if(run.events.begin(), run.events.end(), std::back_inserter(result),
                         [after](const EventRecord& event) { return event.id > after; });
            return result;
        });
    }
    Result<std::vector<SurgeryReceipt>> surgeries(const RunId& id) override {
        return with(id, [](const FakeStore::Run& run) { return run.surgeries; });
    }
    Result<std::vector<FrameStamp>> frames(const RunId& id, std::int64_t afterId) override {
        return with(id, [afterId](const FakeStore::Run& run) {
            std::vector<FrameStamp> result;
            for (const auto& [stamp, frame] : run.frames) {
                if (stamp.id > afterId) {
                    result.push_back(stamp);
                }
            }
            return result;
        });
    }
    Result<NeuronFrame> frame(const RunId& id, std::int64_t frameId) override {
        return with(id, [frameId](const FakeStore::Run& run) {
            const auto found = std::find_if(run.frames.begin(), run.frames.end(),
                                            [frameId](const auto& entry) { return entry.first.id == frameId; });
            return found == run.frames.end() ? NeuronFrame{} : found->second;
        });
    }
    Result<NeuronFrame> frameAt(const RunId& /*id*/, UpdateStep /*update*/) override {
        return fail(ErrorCode::NotFound, "no frame");
    }
    Result<std::vector<EpisodeStamp>> episodes(const RunId& id, std::int64_t afterId) override {
        return with(id, [afterId](const FakeStore::Run& run) {
            std::vector<EpisodeStamp> result;
            for (const auto& [stamp, recording] : run.episodes) {
                if (stamp.id > afterId) {
                    result.push_back(stamp);
                }
            }
            return result;
        });
    }
    Result<EpisodeRecording> episode(const RunId& id, std::int64_t episodeId) override {
        return with(id, [episodeId](const FakeStore::Run& run) {
            const auto found = std::find_if(run.episodes.begin(), run.episodes.end(),
                                            [episodeId](const auto& entry) { return entry.first.id == episodeId; });
            return found == run.episodes.end() ? EpisodeRecording{} : found->second;
        });
    }
    Result<std::vector<CheckpointRecord>> checkpoints(const RunId& id) override {
        return with(id, [](const FakeStore::Run& run) { return run.checkpoints; });
    }
    Result<std::vector<std::byte>> checkpointContent(const CheckpointRecord& /*record*/) override {
        return std::vector<std::byte>{};
    }

  private:
    template <typename Read>
    auto with(const RunId& id, Read read) -> Result<decltype(read(std::declval<const FakeStore::Run&>()))> {
        const std::lock_guard lock(m_store->mutex);
        ++m_store->queries;
        for (const FakeStore::Run& run : m_store->runs) {
            if (run.record.id == id) {
                return read(run);
            }
        }
        return fail(ErrorCode::NotFound, "no such run: " + id.value);
    }

    std::shared_ptr<FakeStore> m_store;
};

} // namespace knife::test
