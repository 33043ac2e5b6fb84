// SPDX-License-Identifier: GPL-3.0-or-later
// The off-policy learner: one gradient step per update() on a batch of whole episodes, as in PyMARL, with masks that
// are right for episodes of unequal limits. Not thread-safe; lives on the training thread.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/config/experiment.h"
#include "core/learning/batch.h"
#include "core/learning/optimiser.h"
#include "core/learning/reward_scale.h"
#include "core/nets/factorized_net.h"
#include "core/plasticity/update_listener.h"
#include "core/types/error.h"
#include "core/types/surgery_plan.h"

namespace knife {

/// Figures of one update, all over valid steps.
struct UpdateReport {
    double loss = 0.0;
    double tdErrorAbs = 0.0; ///< mean |Q_tot - y|
    double qTotMean = 0.0;   ///< at the actions taken
    double targetMean = 0.0;
    double gradNorm = 0.0; ///< before clipping
    double gradNormClipped = 0.0;
    bool clipped = false;
};

/// Everything a surgery may not change, on one held batch.
struct Probe {
    /// Online outputs of the agents, [T + 1, B * N, ...]; where the head is the mixer's (MixerNeeds::valuesPerAction
    /// is 0) the memory that it reads.
    at::Tensor q;
    at::Tensor acted;      ///< what actions are chosen by at the first step [B * N, ...], which is computed on its own
    at::Tensor qTot;       ///< online, at the actions taken, [T * B, C], 0 on padded steps
    at::Tensor targetQTot; ///< what the target network bootstraps from there, 0 on padded steps
    double loss = 0.0;
    int episodes = 0;
};

class Learner {
  public:
    /// The networks of `spec`, online and target equal.
    [[nodiscard]] static Result<std::unique_ptr<Learner>> build(const NetSpec& spec, const LearningConfig& config);

    /// One gradient step: forward, backward, clipping, optimiser; then, with learning.target_tau, the target follows.
    /// Listeners are called in between (UpdateListener says when). ErrorCode::Diverged when loss or gradient is not
    /// finite; weights are then unchanged.
    [[nodiscard]] Result<UpdateReport> update(const Batch& batch, const UpdateListeners& listeners = {});
    void copyToTarget();
    /// Arithmetic of an update on such a batch: forward of both networks, backward of the online one to its weights and
    /// activations but not to raw inputs; multiply-add = 2, padded steps counted.
    [[nodiscard]] double updateFlop(const Batch& batch) const;
    /// Whether update() lets the target follow, so that nobody has to copy.
    [[nodiscard]] bool targetFollows() const { return m_config.targetTau > 0.0; }

    [[nodiscard]] Probe probe(const Batch& batch) const;

    struct Targets {
        at::Tensor bootstrap; ///< [(T + 1) * B, C], at the greedy actions of the network that chooses
        at::Tensor values;    ///< [T * B, C]
    };
    /// What an update on that batch would train towards; `online` is the online network's pass over it. The batch is
    /// where the networks are.
    [[nodiscard]] Targets targets(const Batch& batch, const NetPass& online) const;
    [[nodiscard]] static OutputChange difference(const Probe& before, const Probe& after);

    [[nodiscard]] FactorizedNet& online() { return *m_online; }
    [[nodiscard]] const FactorizedNet& online() const { return *m_online; }
    [[nodiscard]] FactorizedNet& target() { return *m_target; }
    [[nodiscard]] const FactorizedNet& target() const { return *m_target; }
    [[nodiscard]] Optimiser& optimiser() { return m_optimiser; }
    [[nodiscard]] const Optimiser& optimiser() const { return m_optimiser; }

    /// By what rewards are standardised, where they are.
    [[nodiscard]] const RewardScale& rewardScale() const { return m_rewardScale; }
    [[nodiscard]] RewardScale& rewardScale() { return m_rewardScale; }

    /// SHA-256 over all online parameters, names and shapes included, as lower-case hex.
    [[nodiscard]] std::string weightsSha256() const;

  private:
    /// The loss of one batch and where its gradient comes from: a graph, or a gradient of the agents' outputs.
    struct Evaluated {
        UpdateReport report; ///< its loss and means
        at::Tensor joint;    ///< [T * B, C]
        at::Tensor graph;    ///< scalar; undefined on the fast path
        at::Tensor dOutputs; ///< fast path with Keep::Gradient: [T + 1, B * N, A]
    };
    Learner(std::unique_ptr<FactorizedNet> online, std::unique_ptr<FactorizedNet> target, const LearningConfig& config,
            std::uint64_t seed);
    [[nodiscard]] JointView view(const Batch& batch, const NetPass& pass, std::int64_t steps,
                                 const at::Tensor& actions) const;
    [[nodiscard]] at::Tensor bootstrapAt(const Batch& batch, const NetPass& target, std::int64_t steps,
                                         const at::Tensor& actions) const;
    [[nodiscard]] Targets makeTargets(const Batch& batch, const NetPass& online, const RewardScale& scale) const;
    [[nodiscard]] Evaluated evaluate(const Batch& batch, const NetPass& online, const Targets& targets, Keep keep,
                                     SiteTaps* taps) const;
    [[nodiscard]] Evaluated evaluateFast(const Batch& batch, const NetPass& online, const Targets& targets, Keep keep,
                                         SiteTaps* taps) const;
    [[nodiscard]] Evaluated evaluateByGraph(const Batch& batch, const NetPass& online, const Targets& targets,
                                            Keep keep, SiteTaps* taps) const;
    [[nodiscard]] const std::vector<at::Tensor>* rememberValues();
    /// Clips, takes the step and tells the listeners.
    [[nodiscard]] Result<void> descend(UpdateMoment moment, const UpdateListener::Wishes& wishes,
                                       const UpdateListeners& listeners, UpdateReport& report);

    LearningConfig m_config;
    std::unique_ptr<FactorizedNet> m_online;
    std::unique_ptr<FactorizedNet> m_target;
    Optimiser m_optimiser;
    RewardScale m_rewardScale;
    std::uint64_t m_seed;
    std::vector<at::Tensor> m_before; ///< values before a step, for listeners; reused
};

} // namespace knife
