// SPDX-License-Identifier: GPL-3.0-or-later
// RiskQ (Shen et al. 2023): the quantiles of the joint return are a weighted sum of the agents' quantiles.
//   theta_a(u, tau_k): K outputs of the agent's head per action, sorted; tau_k = (2k + 1) / (2K)
//   theta_tot(tau_k) = sum_a w(s) alpha_a(s) theta_a(u_a, tau_k) + c(s)
//   alpha = softmax_a( query(s) . key(x_a) / sqrt(E) ),   w = |head(s)|
// Actions are chosen by a risk measure psi(theta) = sum_k weight_k theta_k (risk.h). The agents' weights are positive
// and the same for all quantiles, so the psi of the joint return is largest where every agent's psi is. Targets are TD
// targets of each quantile at the joint action that is greedy by psi; the loss is the quantile Huber loss.
//
// From the authors' released code: sorting, widths, one head, Wang's measure at 0.75, K = 32, the limit of the weights.
// They train it by learning.td_lambda = 0.6 with RMSprop at 1e-3. x_a is agent a's slice of the state as there, where
// the environment names such slices (MixerShape::agentState), which none here does yet; else it is the agent's
// observation, which is ours.
// With CVaR the released head also sets the quantiles above p to zero before they are trained; this one does not.
#pragma once

#include "core/nets/mixers/feed_forward.h"
#include "core/nets/mixers/mixer.h"
#include "core/nets/mixers/risk.h"

namespace knife {

struct RiskqConfig {
    std::int64_t quantiles = 32; ///< K
    RiskConfig risk;
    std::int64_t queryHidden = 32;
    std::int64_t embed = 16; ///< E, width of query and keys
    std::int64_t headHidden = 32;
    std::int64_t constantHidden = 16;
};
void describe(FieldVisitor& visitor, RiskqConfig& config);

class RiskqMixer final : public Mixer {
  public:
    RiskqMixer(const RiskqConfig& config, const MixerShape& shape, const MixerMaterials& materials);
    [[nodiscard]] MixerNeeds needs() const override;
    /// theta_tot, lowest first: [R, K].
    [[nodiscard]] at::Tensor mix(const JointView& view, SiteTaps* taps) const override;
    [[nodiscard]] std::int64_t outputs() const override { return m_config.quantiles; }
    [[nodiscard]] MixerLoss loss(const LossInput& input, SiteTaps* taps) const override;
    [[nodiscard]] bool choosesByOutputs() const override { return false; }
    /// psi of every action.
    [[nodiscard]] at::Tensor actionValues(const at::Tensor& outputs, const at::Tensor& hidden,
                                          at::Tensor& memory) const override;
    [[nodiscard]] double flopsPerRow() const override;
    [[nodiscard]] double inputFlopsPerRow() const override;

  private:
    /// alpha: [R, N].
    [[nodiscard]] at::Tensor attention(const JointView& view, SiteTaps* taps) const;

    RiskqConfig m_config;
    MixerShape m_shape;
    FeedForward m_query;
    FeedForward m_key;
    FeedForward m_head;
    FeedForward m_constant;
    at::Tensor m_riskWeights; ///< [K]
};

} // namespace knife
