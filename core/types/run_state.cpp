// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/types/run_state.h"

#include <array>
#include <utility>

namespace knife {

namespace {

using Entry = std::pair<RunState, std::string_view>;
constexpr std::array<Entry, 9> kNames{{
    {RunState::Idle, "idle"},
    {RunState::Starting, "starting"},
    {RunState::Running, "running"},
    {RunState::Pausing, "pausing"},
    {RunState::Paused, "paused"},
    {RunState::Stopping, "stopping"},
    {RunState::Finished, "finished"},
    {RunState::Failed, "failed"},
    {RunState::Interrupted, "interrupted"},
}};

using Arrow = std::pair<RunState, RunState>;
constexpr std::array kArrows{
    Arrow{RunState::Idle, RunState::Starting},        Arrow{RunState::Starting, RunState::Running},
    Arrow{RunState::Starting, RunState::Paused},      Arrow{RunState::Starting, RunState::Failed},
    Arrow{RunState::Starting, RunState::Interrupted}, Arrow{RunState::Running, RunState::Pausing},
    Arrow{RunState::Running, RunState::Stopping},     Arrow{RunState::Running, RunState::Failed},
    Arrow{RunState::Running, RunState::Interrupted},  Arrow{RunState::Pausing, RunState::Paused},
    Arrow{RunState::Pausing, RunState::Stopping},     Arrow{RunState::Pausing, RunState::Failed},
    Arrow{RunState::Pausing, RunState::Interrupted},  Arrow{RunState::Paused, RunState::Running},
    Arrow{RunState::Paused, RunState::Stopping},      Arrow{RunState::Paused, RunState::Failed},
    Arrow{RunState::Paused, RunState::Interrupted},   Arrow{RunState::Stopping, RunState::Finished},
    Arrow{RunState::Stopping, RunState::Failed},      Arrow{RunState::Stopping, RunState::Interrupted},
    Arrow{RunState::Failed, RunState::Starting},      Arrow{RunState::Interrupted, RunState::Starting},
    Arrow{RunState::Finished, RunState::Starting},
};

} // namespace

std::string_view toString(RunState state) {
    for (const auto& [value, name] : kNames) {
        if (value == state) {
            return name;
        }
    }
    return "idle";
}

std::optional<RunState> runStateFromString(std::string_view text) {
    for (const auto& [value, name] : kNames) {
        if (name == text) {
            return value;
        }
    }
    return std::nullopt;
}

bool isLegalTransition(RunState from, RunState to) {
    for (const auto& [source, target] : kArrows) {
        if (source == from && target == to) {
            return true;
        }
    }
    return false;
}

bool isLive(RunState state) {
    return state == RunState::Starting || state == RunState::Running || state == RunState::Pausing ||
           state == RunState::Paused || state == RunState::Stopping;
}

bool isEnded(RunState state) {
    return state == RunState::Finished || state == RunState::Failed || state == RunState::Interrupted;
}

} // namespace knife
