// SPDX-License-Identifier: GPL-3.0-or-later
// The counters of a trainer: together with parameters, diagnostics and replay they are its whole state.
#pragma once

#include <cstdint>
#include <optional>

#include "core/plasticity/interventions/trigger.h"
#include "core/types/clocks.h"

namespace knife {

struct TrainingCounters {
    Clocks clocks;
    std::int32_t task = 0;               ///< index of the current task instance
    EnvStep explorationSince;            ///< where the epsilon schedule began
    std::int64_t targetCopiedAt = 0;     ///< episode of the last target copy
    std::int64_t evaluatedAt = -1;       ///< env step of the last evaluation; -1: never
    std::int64_t evaluationEpisodes = 0; ///< greedy episodes played so far
    std::int64_t receipts = 0;           ///< surgeries and undos so far; numbers their receipts
    std::int64_t surgeries = 0;          ///< surgeries in effect; numbers parameters and draws
    std::int64_t switchedAt = -1;        ///< update of the last task switch; -1: none yet
    std::int64_t switchedAtEpisode = 0;  ///< episodes before the last task switch
    std::int64_t targetCopies = 0;       ///< hard copies so far
    std::int64_t evaluations = 0;        ///< so far
    TriggerCounts askedAt;               ///< when interventions were last asked after a rollout
    bool updateIsUnasked = false;        ///< interventions have not been asked since the last update
    std::optional<double> closedShare;   ///< of stagnant units, if a window closed with an update that is unasked
    std::optional<double> testReturn;    ///< of the last evaluation
    std::optional<double> testWinRate;
};

} // namespace knife
