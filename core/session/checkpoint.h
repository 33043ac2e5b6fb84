// SPDX-License-Identifier: GPL-3.0-or-later
// A trainer's state as bytes and back (checkpoint.proto).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/learning/learner.h"
#include "core/learning/replay.h"
#include "core/plasticity/diagnostics.h"
#include "core/plasticity/interventions/intervention.h"
#include "core/plasticity/network/network_diagnostics.h"
#include "core/session/metric_log.h"
#include "core/session/training_state.h"

namespace knife {

using Interventions = std::vector<std::unique_ptr<Intervention>>;

/// References to the parts of one trainer, to read from.
struct TrainerState {
    const TrainingCounters& counters;
    const Learner& learner;
    const Diagnostics& diagnostics;
    const Interventions& interventions;
    const Replay& replay;
    const MetricLog& metrics;
    const NetworkDiagnostics& networks;
};

/// The same, to be filled.
struct TrainerParts {
    TrainingCounters& counters;
    Learner& learner;
    Diagnostics& diagnostics;
    Interventions& interventions;
    Replay& replay;
    MetricLog& metrics;
    NetworkDiagnostics& networks;
};

/// An environment of the given task, in which a recorded episode can be played again.
using EnvironmentForTask = std::function<Result<Environment*>(int task)>;

[[nodiscard]] std::string writeCheckpoint(const TrainerState& state);
/// Fills freshly built parts. ErrorCode::Corrupt when the bytes are not a checkpoint or are one of another experiment.
[[nodiscard]] Result<void> readCheckpoint(std::string_view bytes, const TrainerParts& parts,
                                          const EnvironmentForTask& environments);

} // namespace knife
