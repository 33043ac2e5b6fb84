// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/interventions/trigger.h"

#include <algorithm>

namespace knife {

namespace {

using Occasion = TriggerMoment::Occasion;

bool periodicFires(const TriggerConfig& config, const TriggerMoment& moment) {
    const auto passed = [&](std::int64_t before, std::int64_t now) {
        return now / config.every > before / config.every;
    };
    if (config.unit == "updates") {
        return moment.occasion == Occasion::Update && passed(moment.before.updates, moment.now.updates);
    }
    if (moment.occasion != Occasion::Rollout) {
        return false;
    }
    if (config.unit == "episodes") {
        return passed(moment.before.episodes, moment.now.episodes);
    }
    if (config.unit == "env_steps") {
        return passed(moment.before.envSteps, moment.now.envSteps);
    }
    if (config.unit == "target_copies") {
        return passed(moment.before.targetCopies, moment.now.targetCopies);
    }
    return passed(moment.before.evaluations, moment.now.evaluations);
}

} // namespace

void describe(FieldVisitor& visitor, TriggerConfig& config) {
    visitor.choice("trigger", config.trigger, {"when the intervention acts"},
                   {"task_switch", "periodic", "both", "delayed", "at_updates", "stagnation", "manual"});
    visitor.field("every", config.every, {"between periodic surgeries, in every_unit"}, {1, 1e12});
    visitor.choice("every_unit", config.unit, {"what every counts"},
                   {"updates", "episodes", "env_steps", "target_copies", "evaluations"});
    visitor.field("delay", config.delay, {"into each new task, for trigger \"delayed\"", "updates"}, {1, 1e12});
    visitor.field("at", config.at, {"after which updates, for trigger \"at_updates\"", "updates"}, {1, 1e12});
    visitor.field("above", config.above, {"share of stagnant units, for trigger \"stagnation\""}, {0, 1});
    visitor.field("first", config.first, {"no surgery before this many updates", "updates"}, {0, 1e12});
}

bool fires(const TriggerConfig& config, const TriggerMoment& moment) {
    if (moment.now.updates < config.first) {
        return false;
    }
    const bool isSwitch = moment.occasion == Occasion::TaskSwitch;
    const bool isUpdate = moment.occasion == Occasion::Update;
    if (config.trigger == "task_switch") {
        return isSwitch;
    }
    if (config.trigger == "periodic") {
        return periodicFires(config, moment);
    }
    if (config.trigger == "both") {
        return isSwitch || periodicFires(config, moment);
    }
    if (config.trigger == "delayed") {
        return isUpdate && moment.updatesOfTask == config.delay;
    }
    if (config.trigger == "at_updates") {
        return isUpdate && std::ranges::find(config.at, moment.now.updates) != config.at.end();
    }
    if (config.trigger == "stagnation") {
        return isUpdate && moment.windowClosed && moment.stagnantShare > config.above;
    }
    return false;
}

} // namespace knife
