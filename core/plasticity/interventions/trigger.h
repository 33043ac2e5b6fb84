// SPDX-License-Identifier: GPL-3.0-or-later
// When an intervention acts. Shared by all methods.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/config/section.h"

namespace knife {

struct TriggerConfig {
    /// "task_switch": before the first update on the new task. "periodic". "both". "delayed": `delay` updates into each
    /// new task. "at_updates": after the updates listed in `at`. "stagnation": when a window closes with a larger share
    /// of stagnant units, over all sites, than `above`. "manual": only by hand.
    std::string trigger = "task_switch";
    std::int64_t every = 1000;         ///< of `unit`, between periodic surgeries
    std::string unit = "updates";      ///< "updates", "episodes", "env_steps", "target_copies", "evaluations"
    std::int64_t delay = 200;          ///< updates
    std::vector<std::int64_t> at = {}; ///< updates
    double above = 0.3;                ///< share of units
    std::int64_t first = 0;            ///< not before this many updates
    bool operator==(const TriggerConfig&) const = default;
};
void describe(FieldVisitor& visitor, TriggerConfig& config);

/// What has been counted so far in a run.
struct TriggerCounts {
    std::int64_t updates = 0;
    std::int64_t episodes = 0;
    std::int64_t envSteps = 0;
    std::int64_t targetCopies = 0;
    std::int64_t evaluations = 0;
    bool operator==(const TriggerCounts&) const = default;
};

/// A moment between two updates at which interventions are asked. Each is visited once.
struct TriggerMoment {
    enum class Occasion : std::uint8_t {
        TaskSwitch, ///< the old task's last update is done, the new one's first is not
        Update,     ///< an update is done, and the next thing, evaluations aside, is another
        Rollout,    ///< episodes were collected, and with them a target copy or an evaluation may have come
    };
    Occasion occasion = Occasion::Update;
    TriggerCounts before = {}; ///< at the previous moment of this occasion
    TriggerCounts now = {};
    std::int64_t updatesOfTask = -1; ///< since the last task switch; -1: there was none
    bool windowClosed = false;       ///< a diagnostics window closed with this update
    double stagnantShare = 0.0;      ///< of all units, when it closed
};

[[nodiscard]] bool fires(const TriggerConfig& config, const TriggerMoment& moment);

} // namespace knife
