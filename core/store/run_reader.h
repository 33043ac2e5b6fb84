// SPDX-License-Identifier: GPL-3.0-or-later
// Reads a workspace through a connection of its own, with short transactions that never hold a writer up. Use one
// reader per thread. Nothing here modifies a file.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/store/records.h"
#include "core/types/episode_recording.h"
#include "core/types/error.h"
#include "core/types/snapshot.h"
#include "core/types/surgery_plan.h"

namespace knife {

class RunReader {
  public:
    /// ErrorCode::NotFound, Foreign, NewerVersion, Corrupt or Io; each names the folder.
    [[nodiscard]] static Result<std::unique_ptr<RunReader>> open(const std::filesystem::path& workspace);
    virtual ~RunReader() = default;

    /// Changes when anything in the workspace has changed; cheap, for polling.
    [[nodiscard]] virtual Result<std::int64_t> dataVersion() = 0;

    /// All runs, newest first.
    [[nodiscard]] virtual Result<std::vector<RunRecord>> runs() = 0;
    [[nodiscard]] virtual Result<RunRecord> run(const RunId& id) = 0;
    /// A run by full id, by unique beginning of it, or "last". ErrorCode::NotFound or Usage (ambiguous, with
    /// candidates).
    [[nodiscard]] virtual Result<RunId> resolve(std::string_view text) = 0;
    [[nodiscard]] virtual Result<std::string> configToml(const RunId& id) = 0;
    [[nodiscard]] virtual Result<std::vector<SegmentRecord>> segments(const RunId& id) = 0;

    [[nodiscard]] virtual Result<std::vector<MetricRecord>> metrics(const RunId& id) = 0;
    /// Points from number `skip` on: a caller that has n points asks for those after n.
    [[nodiscard]] virtual Result<Series> series(const RunId& id, std::string_view metric, std::int64_t skip = 0) = 0;
    /// Events with an id above `after`.
    [[nodiscard]] virtual Result<std::vector<EventRecord>> events(const RunId& id, std::int64_t after = 0) = 0;
    [[nodiscard]] virtual Result<std::vector<SurgeryReceipt>> surgeries(const RunId& id) = 0;

    [[nodiscard]] virtual Result<std::vector<FrameStamp>> frames(const RunId& id, std::int64_t afterId = 0) = 0;
    [[nodiscard]] virtual Result<NeuronFrame> frame(const RunId& id, std::int64_t frameId) = 0;
    /// The newest frame not after that update; ErrorCode::NotFound when there is none.
    [[nodiscard]] virtual Result<NeuronFrame> frameAt(const RunId& id, UpdateStep update) = 0;

    /// Recorded episodes with an id above `afterId`, in the order they were played.
    [[nodiscard]] virtual Result<std::vector<EpisodeStamp>> episodes(const RunId& id, std::int64_t afterId = 0) = 0;
    [[nodiscard]] virtual Result<EpisodeRecording> episode(const RunId& id, std::int64_t episodeId) = 0;

    [[nodiscard]] virtual Result<std::vector<CheckpointRecord>> checkpoints(const RunId& id) = 0;
    /// Content, verified against its hash (ErrorCode::Corrupt names the file).
    [[nodiscard]] virtual Result<std::vector<std::byte>> checkpointContent(const CheckpointRecord& record) = 0;
};

} // namespace knife
