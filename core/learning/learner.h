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
#include "core/nets/factorized_net.h"
#include "core/plasticity/diagnostics.h"
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
    bool clipped = false;
};

/// Everything a surgery may not change, on one held batch.
struct Probe {
    at::Tensor q;          ///< online action values, [T + 1, B, N, actions]
    at::Tensor qTot;       ///< online, at the actions taken, [T * B, outputs], 0 on padded steps
    at::Tensor targetQTot; ///< target network's, the same shape
    double loss = 0.0;
    int episodes = 0;
};

class Learner {
  public:
    /// The networks of `spec`, online and target equal.
    [[nodiscard]] static Result<std::unique_ptr<Learner>> build(const NetSpec& spec, const LearningConfig& config);

    /// One gradient step: forward, backward, diagnostics (if given; with activations if `wantActivations`), clipping,
    /// optimiser. ErrorCode::Diverged when loss or gradient is not finite; weights are then unchanged.
    [[nodiscard]] Result<UpdateReport> update(const Batch& batch, Diagnostics* diagnostics, bool wantActivations);
    void copyToTarget();

    [[nodiscard]] Probe probe(const Batch& batch) const;
    [[nodiscard]] static OutputChange difference(const Probe& before, const Probe& after);

    [[nodiscard]] FactorizedNet& online() { return *m_online; }
    [[nodiscard]] const FactorizedNet& online() const { return *m_online; }
    [[nodiscard]] FactorizedNet& target() { return *m_target; }
    [[nodiscard]] const FactorizedNet& target() const { return *m_target; }
    [[nodiscard]] Optimiser& optimiser() { return m_optimiser; }
    [[nodiscard]] const Optimiser& optimiser() const { return m_optimiser; }

    /// SHA-256 over all online parameters, names and shapes included, as lower-case hex.
    [[nodiscard]] std::string weightsSha256() const;

  private:
    struct Forward {
        at::Tensor q;       ///< [T + 1, B, N, actions]
        at::Tensor qTot;    ///< [T * B, outputs]
        at::Tensor targets; ///< [T * B, outputs]
        at::Tensor weights; ///< [T * B, 1]: valid steps, summing to one over steps and outputs
        at::Tensor loss;    ///< scalar
    };
    Learner(std::unique_ptr<FactorizedNet> online, std::unique_ptr<FactorizedNet> target, const LearningConfig& config);
    [[nodiscard]] Forward forward(const Batch& batch, SiteTaps* taps) const;
    [[nodiscard]] at::Tensor makeTargets(const Batch& batch, const at::Tensor& onlineQ) const;

    LearningConfig m_config;
    std::unique_ptr<FactorizedNet> m_online;
    std::unique_ptr<FactorizedNet> m_target;
    Optimiser m_optimiser;
};

} // namespace knife
