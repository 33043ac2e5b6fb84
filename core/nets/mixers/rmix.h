// SPDX-License-Identifier: GPL-3.0-or-later
// RMIX (Qiu et al. 2021): QMIX of what each agent's action returns at its present level of risk.
//   theta_a(u): K atoms of the agent's head per action, sorted
//   alpha_a in {1/L, …, 1}: the level of the largest score( current_a, history_a ) / sqrt(H)
//   C_a(u) = CVaR_alpha of theta_a(u), the mean of its ceil(alpha K) lowest atoms; actions are chosen by it
//   Q_tot = QMIX(C_1(u_1), …, C_N(u_N); s)
//   Z_tot(tau_k) = sum_a w_a(s) theta_a(u_a)_k,   w = |Hyp(s)| normalised, a mixture of the agents' distributions
//   loss = (Q_tot - y)^2, and on some updates + coefficient * quantile Huber loss of Z_tot against its TD targets
// `history` projects a GRU over what the agent remembers to N values per level, `current` the agent's atoms to N
// values; the score is their product.
//
// Known from the code released with ReBorn: K = 100, L = 10, embed 64, double Q, one-step targets, Adam. The level is
// an argmax and its inputs are detached, so no gradient reaches the GRU and the two projections: they keep their
// initial values there, and here. Whether the paper trains them otherwise is not known.
//
// Departures:
// - The released learner trains distributions by an optimiser of its own (Adam, 5e-5 beside 5e-4), in updates of their
//   own, every 1,000 env steps after the first 100,000. Here there is one optimiser, and that loss is a term of every
//   `distribution_interval`-th update from `distribution_start` on. The coefficient 0.1 is the ratio of the rates; the
//   counts suppose episodes of 100 steps and an update after each. Whether this trains alike is not known.
// - There the loss regresses the atoms of single agents, with the agent's own C_a in place of the reward and the
//   fraction of the target's atom in place of the trained one's; the mixture is computed and not used. Here it
//   regresses the mixture on the team's reward.
// - There C_a divides the sum of n atoms by n - 1. Here it is the mean.
// - There the GRU reads the agent's input by a layer of its own, and its memory goes through the agent's head before
//   it is projected. Here it reads the agent's memory and is projected directly.
#pragma once

#include "core/nets/mixers/feed_forward.h"
#include "core/nets/mixers/mixer.h"
#include "core/nets/mixers/qmix.h"

namespace knife {

struct RmixConfig {
    std::int64_t atoms = 100; ///< K
    std::int64_t levels = 10; ///< L
    double riskLevel = 0.0;   ///< a fixed alpha for all; 0: by the score
    double distributionCoefficient = 0.1;
    std::int64_t distributionStart = 1000;
    std::int64_t distributionInterval = 10;
    QmixConfig mixing{.embed = 64};
};
void describe(FieldVisitor& visitor, RmixConfig& config);

class RmixMixer final : public Mixer {
  public:
    RmixMixer(const RmixConfig& config, const MixerShape& shape, const MixerMaterials& materials);
    [[nodiscard]] MixerNeeds needs() const override;
    /// Q_tot: [R, 1].
    [[nodiscard]] at::Tensor mix(const JointView& view, SiteTaps* taps) const override;
    /// Q_tot, then Z_tot at every fraction: [R, 1 + K].
    [[nodiscard]] at::Tensor bootstrap(const JointView& view) const override;
    [[nodiscard]] MixerLoss loss(const LossInput& input, SiteTaps* taps) const override;
    [[nodiscard]] bool choosesByOutputs() const override { return false; }
    /// C of every action.
    [[nodiscard]] at::Tensor actionValues(const at::Tensor& outputs, const at::Tensor& hidden,
                                          at::Tensor& memory) const override;
    [[nodiscard]] double flopsPerRow() const override;
    [[nodiscard]] double inputFlopsPerRow() const override;

  private:
    /// The predictor of risk levels. No gradient passes it.
    struct RiskLevels {
        Parameter* gruInput;
        Parameter* gruRecurrent;
        Parameter* gruInputBias;
        Parameter* gruRecurrentBias;
        Parameter* history; ///< [N * L, H]
        Parameter* current; ///< [N, A * K]
    };
    /// n = ceil(alpha K), the atoms that an agent's CVaR is the mean of: outputs [T, rows, A * K], hidden
    /// [T, rows, H] -> [T, rows], int64. `memory` as in actionValues().
    [[nodiscard]] at::Tensor tailCounts(const at::Tensor& outputs, const at::Tensor& hidden, at::Tensor& memory) const;
    /// Index of alpha among the levels: [T, rows].
    [[nodiscard]] at::Tensor riskLevels(const at::Tensor& outputs, const at::Tensor& hidden, at::Tensor& memory) const;
    /// theta_a(u_a), sorted: [R, N, K].
    [[nodiscard]] at::Tensor chosenAtoms(const JointView& view) const;
    [[nodiscard]] at::Tensor mixTails(const JointView& view, const at::Tensor& atoms, SiteTaps* taps) const;
    /// Z_tot [R, K].
    [[nodiscard]] at::Tensor mixture(const JointView& view, const at::Tensor& atoms, SiteTaps* taps) const;

    RmixConfig m_config;
    MixerShape m_shape;
    MonotonicMixing m_mixing;
    FeedForward m_mixture; ///< Hyp
    RiskLevels m_risk;
};

} // namespace knife
