// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/session/run_plan.h"

#include <utility>

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <torch/version.h>

#include "core/envs/registry.h"
#include "core/learning/batch.h"
#include "core/nets/factorized_net.h"
#include "core/nets/kernels/worker_pool.h"
#include "core/plasticity/interventions/intervention.h"
#include "core/session/net_spec.h"

namespace knife {

namespace {

// hasCUDA() also says no where LibTorch could use a GPU and finds none.
Result<void> checkDevice(const std::string& device) {
    if (device == "cuda" && !at::hasCUDA()) {
        return fail(
            ErrorCode::Unsupported,
            fmt::format("experiment.device = \"cuda\": LibTorch {} finds no GPU. Use experiment.device = \"cpu\"; "
                        "or build with a LibTorch that has CUDA and run where nvidia-smi shows a GPU",
                        TORCH_VERSION));
    }
    return {};
}

} // namespace

InputLayout inputLayout(const RunPlan& plan) {
    return {plan.spec, plan.experiment.agent, plan.experiment.agent.taskId ? taskIds(plan.tasks) : std::vector<int>()};
}

NetSpec makeNetSpec(const RunPlan& plan, std::uint64_t seed) {
    const InputLayout layout = inputLayout(plan);
    return {.agent = plan.experiment.agent,
            .input = layout.width(),
            .mixer = plan.experiment.mixer,
            .mixerShape = {.agents = plan.spec.nAgents,
                           .actions = plan.spec.nActions,
                           .state = plan.spec.stateDim,
                           .obs = plan.spec.obsDim,
                           .hidden = plan.experiment.agent.hidden},
            .seed = seed,
            .pool = std::make_shared<WorkerPool>(static_cast<int>(plan.experiment.threads)),
            .device = plan.experiment.device == "cuda" ? at::kCUDA : at::kCPU};
}

namespace {

// Tasks are switched between rollouts. A task shorter than one would push all later switches back, and tasks at the end
// out of the budget.
Result<void> checkRolloutsFit(const RunPlan& plan) {
    const std::int64_t rollout = plan.experiment.learning.parallelEnvs * plan.spec.episodeLimit;
    std::int64_t begin = 0;
    for (const TaskInstance& task : plan.tasks) {
        if (plan.tasks.size() > 1 && task.end - begin < rollout) {
            return fail(
                ErrorCode::Usage,
                fmt::format("task \"{}\" has {} env steps, fewer than one rollout of up to {} (learning.parallel_"
                            "envs = {} episodes of {}); lower parallel_envs or raise the task's steps",
                            task.name, task.end - begin, rollout, plan.experiment.learning.parallelEnvs,
                            plan.spec.episodeLimit));
        }
        begin = task.end;
    }
    return {};
}

bool waitsForCopies(const TriggerConfig& trigger) {
    return trigger.trigger == "periodic" && trigger.unit == "target_copies";
}

} // namespace

Result<RunPlan> planRun(const Experiment& experiment) {
    if (auto usable = checkDevice(experiment.device); !usable) {
        return tl::unexpected(usable.error());
    }
    auto resolvedTasks = resolveTasks(experiment);
    if (!resolvedTasks) {
        return tl::unexpected(resolvedTasks.error());
    }
    RunPlan plan{.experiment = std::move(*resolvedTasks), .tasks = {}, .spec = {}};
    auto tasks = expandTasks(plan.experiment);
    if (!tasks) {
        return tl::unexpected(tasks.error());
    }
    plan.tasks = std::move(*tasks);
    auto environment = makeEnvironment(plan.tasks.front().env);
    if (!environment) {
        return tl::unexpected(environment.error());
    }
    plan.spec = (*environment)->spec();
    if (auto fits = checkRolloutsFit(plan); !fits) {
        return tl::unexpected(fits.error());
    }
    auto mixer = resolveMixer(experiment.mixer);
    if (!mixer) {
        return tl::unexpected(mixer.error());
    }
    plan.experiment.mixer = std::move(*mixer);
    for (Section& section : plan.experiment.interventions) {
        auto resolved = resolveIntervention(section);
        if (!resolved) {
            return tl::unexpected(resolved.error());
        }
        section = std::move(*resolved);
    }
    // Building the networks once finds a wrong agent kind and interventions that name sites which do not exist.
    const auto net = FactorizedNet::build(makeNetSpec(plan, 0));
    if (!net) {
        return tl::unexpected(net.error());
    }
    for (const Section& section : plan.experiment.interventions) {
        const auto built = makeIntervention(section, **net);
        if (!built) {
            return tl::unexpected(built.error());
        }
        if (waitsForCopies((*built)->trigger()) && plan.experiment.learning.targetTau > 0.0) {
            return tl::unexpected(section.errorAt("every_unit",
                                                  "with learning.target_tau the target network follows and "
                                                  "is never copied, so this would never act"));
        }
    }
    return plan;
}

} // namespace knife
