// SPDX-License-Identifier: GPL-3.0-or-later
// Everything that trains, without threads, processes or commands: environments, replay, learner, diagnostics,
// interventions, and the order in which they act. Each call runs to completion on the calling thread.
//
// Between two advance() calls no environment is in the middle of an episode, and all randomness is counter-based, so
// the state of a run is: parameters and moments, counters, diagnostics, and which episodes the replay buffer holds.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/session/run_plan.h"
#include "core/session/training_times.h"
#include "core/store/run_writer.h"
#include "core/types/env_view.h"
#include "core/types/snapshot.h"
#include "core/types/surgery_plan.h"

namespace knife {

/// What `train --json` reports about the end of a run.
struct TrainingFigures {
    std::string weightsSha256;
    std::optional<double> testReturn;
    std::optional<double> testWinRate;
    /// Matrix games: the learned value of every joint action at the first step, row-major over the agents.
    std::vector<float> qTot;
};

class Trainer {
  public:
    /// Called after every environment step of a training rollout, on the training thread; must not block.
    using StepHook = std::function<void()>;

    /// `store` must outlive the trainer.
    [[nodiscard]] static Result<std::unique_ptr<Trainer>> build(const RunPlan& plan, std::uint64_t seed,
                                                                RunWriter& store, StepHook afterEnvStep);
    virtual ~Trainer() = default;

    /// Whether the budget is used up.
    [[nodiscard]] virtual bool isDone() const = 0;
    /// Switches the task if one is due, collects one batch of episodes and makes the updates that follow from it,
    /// with everything that is triggered by them. Evaluations and surgeries that fall due with the last of the updates
    /// come first in the next call. ErrorCode::Diverged leaves the last good weights in place.
    [[nodiscard]] virtual Result<void> advance() = 0;
    /// Greedy episodes now; points are stored under "test/", those of earlier tasks, where evaluation.earlier_tasks
    /// asks for them, as metricOfTask() names them.
    [[nodiscard]] virtual Result<void> evaluate() = 0;
    /// Applies a plan and stores its receipt. Surgeries that are due with the last update are made afterwards, on the
    /// window that had closed before this one. Errors as Surgeon::check().
    [[nodiscard]] virtual Result<SurgeryReceipt> operate(const SurgeryPlan& plan) = 0;
    /// Takes the newest surgery back, bit for bit, and stores a receipt of that; ErrorCode::IllegalTransition when an
    /// update has followed it.
    [[nodiscard]] virtual Result<SurgeryReceipt> undo() = 0;

    [[nodiscard]] virtual const Clocks& clocks() const = 0;
    /// Seconds of training so far; the session owns the watch.
    virtual void setWall(double seconds) = 0;
    [[nodiscard]] virtual const std::string& task() const = 0;
    [[nodiscard]] virtual NeuronFrame neurons() const = 0;
    [[nodiscard]] virtual EnvView envView() const = 0;
    [[nodiscard]] virtual TrainingFigures figures() const = 0;
    [[nodiscard]] virtual const TrainingTimes& times() const = 0;
    /// Mean over the episodes of the replay buffer; 0 while it is empty.
    [[nodiscard]] virtual double replayBytesPerEpisode() const = 0;

    /// The whole state as bytes; empty when it is larger than the 2 GiB that the format can hold.
    [[nodiscard]] virtual std::string save() const = 0;
    /// Takes back what save() gave for the same plan and seed; ErrorCode::Corrupt otherwise.
    [[nodiscard]] virtual Result<void> restore(std::string_view saved) = 0;
};

} // namespace knife
