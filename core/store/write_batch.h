// SPDX-License-Identifier: GPL-3.0-or-later
// What is handed over to a run's writing thread and not written yet. Private to the store.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "core/types/clocks.h"
#include "core/types/episode_recording.h"
#include "core/types/run_state.h"
#include "core/types/snapshot.h"
#include "core/types/surgery_plan.h"

namespace knife {

struct PendingPoint {
    int metric;
    Clocks clocks;
    double value;
};

struct PendingEvent {
    Clocks clocks;
    std::string kind;
    std::string text;
    std::string payload;
};

/// What is stored instead of an episode that is too large.
[[nodiscard]] PendingEvent leftOut(const EpisodeRecording& recording);

struct PendingProgress {
    Clocks clocks;
    RunState state;
    std::string task;
    double envStepsPerS;
};
/// What was handed over and is not written yet.
struct WriteBatch {
    std::vector<PendingPoint> points;
    std::vector<PendingEvent> events;
    std::vector<NeuronFrame> frames;
    std::vector<SurgeryReceipt> surgeries;
    std::vector<EpisodeRecording> episodes;
    std::optional<PendingProgress> progress;

    [[nodiscard]] bool empty() const {
        return points.empty() && events.empty() && frames.empty() && surgeries.empty() && episodes.empty() && !progress;
    }
    /// Puts a later batch behind this one.
    void append(WriteBatch later);
};

/// Memory that they take while they wait.
[[nodiscard]] std::size_t bytesOf(const NeuronFrame& frame);
[[nodiscard]] std::size_t bytesOf(const EpisodeRecording& recording);

} // namespace knife
