// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/ctl/run_json.h"

#include <algorithm>
#include <cmath>

namespace knife {

Json numberOrNull(double value) {
    return std::isfinite(value) ? Json(value) : Json(nullptr);
}

Json parsedOrNull(const std::string& text) {
    Json value = Json::parse(text, nullptr, false);
    return value.is_discarded() ? Json(nullptr) : value;
}

double progressOf(const RunRecord& record) {
    if (record.totalEnvSteps <= 0) {
        return 0.0;
    }
    const double done = static_cast<double>(record.clocks.envStep.value);
    return std::min(done / static_cast<double>(record.totalEnvSteps), 1.0);
}

Json toJson(const Clocks& clocks) {
    return {{"update", clocks.update.value},
            {"env_step", clocks.envStep.value},
            {"episode", clocks.episode.value},
            {"wall_s", numberOrNull(clocks.wallS)}};
}

Json toJson(const RunRecord& record) {
    return {{"run", record.id.value},
            {"experiment", record.experiment},
            {"seed", record.seed},
            {"status", toString(record.state)},
            {"failure", record.failure},
            {"env_steps", record.clocks.envStep.value},
            {"updates", record.clocks.update.value},
            {"episodes", record.clocks.episode.value},
            {"wall_s", numberOrNull(record.clocks.wallS)},
            {"total_env_steps", record.totalEnvSteps},
            {"progress", progressOf(record)},
            {"env_steps_per_s", numberOrNull(record.envStepsPerS)},
            {"test_return", numberOrNull(record.lastTestReturn)},
            {"task", record.task},
            {"created_ms", record.createdMs},
            {"updated_ms", record.updatedMs},
            {"pid", record.pid},
            {"host", record.host},
            {"build", record.build},
            {"parent", record.parent ? Json(record.parent->value) : Json(nullptr)},
            {"fork_step", record.forkStep.value},
            {"final", parsedOrNull(record.finalJson)}};
}

} // namespace knife
