// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/stats/fresh_arm.h"

#include <map>
#include <string>

namespace knife {

std::optional<ArmCurves> freshFromSingleTasks(const ArmCurves& sequence, std::span<const RunCurves> runs) {
    if (sequence.runs.empty()) {
        return std::nullopt;
    }
    std::map<std::uint64_t, std::map<std::string, const TaskCurve*>> bySeed;
    for (const RunCurves& run : runs) {
        if (!run.tasks.empty()) {
            bySeed[run.seed].try_emplace(run.tasks.front().identity, &run.tasks.front());
        }
    }
    ArmCurves fresh;
    for (const auto& [seed, curves] : bySeed) {
        RunCurves row{"seed " + std::to_string(seed), seed, {}};
        for (const TaskCurve& task : sequence.runs.front().tasks) {
            if (const auto found = curves.find(task.identity); found != curves.end()) {
                row.tasks.push_back(*found->second);
            }
        }
        if (row.tasks.size() == sequence.runs.front().tasks.size()) {
            fresh.runs.push_back(std::move(row));
        }
    }
    return fresh.runs.empty() ? std::nullopt : std::optional(std::move(fresh));
}

} // namespace knife
