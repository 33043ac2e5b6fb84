// SPDX-License-Identifier: GPL-3.0-or-later
// What is handed over to a run's writing thread and not written yet. Private to the store.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "core/types/clocks.h"
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
    std::optional<PendingProgress> progress;

    [[nodiscard]] bool empty() const {
        return points.empty() && events.empty() && frames.empty() && surgeries.empty() && !progress;
    }
    /// Puts a later batch behind this one.
    void append(WriteBatch later);
};

/// Memory that a frame takes while it waits.
[[nodiscard]] std::size_t bytesOf(const NeuronFrame& frame);

} // namespace knife
