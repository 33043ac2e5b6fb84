// SPDX-License-Identifier: GPL-3.0-or-later
// QTRAN-alt, from the paper (Son et al. 2019, section 3.3); there is no released code, and what the paper leaves open
// is decided here. The inequality of QTRAN-base only has to hold at the actions taken. The alternative asks for more:
// whatever the others do, some action of agent i meets it exactly. For that the joint value is asked once per agent,
// each time for all actions of that agent:
//   Q_i(s, ., u_-i) = MLP([s, sum_{b != i} f_b, h_i, onehot i]) in R^A      Q_jt(s, u) = mean_i Q_i(s, u)
//   D_i(u_i) = q_i(u_i) + sum_{b != i} q_b(u_b) - Q_i(s, u_i, u_-i) + V(s)
//   L_td   = mean_i (Q_i(s, u) - y)^2
//   L_opt  = (sum_a q_a(ubar_a) - Q_jt(s, ubar) + V(s))^2
//   L_nopt = mean_i (min over available u_i of D_i(u_i))^2
// The Q_i are constants in the last two. The form "coma_critic" leaves h_i out.
#pragma once

#include "core/nets/mixers/qtran_features.h"

namespace knife {

class QtranAltMixer final : public Mixer {
  public:
    QtranAltMixer(const QtranConfig& config, const MixerShape& shape, const MixerMaterials& materials);
    [[nodiscard]] MixerNeeds needs() const override;
    /// Q_jt.
    [[nodiscard]] at::Tensor mix(const JointView& view, SiteTaps* taps) const override;
    [[nodiscard]] MixerLoss loss(const LossInput& input, SiteTaps* taps) const override;
    [[nodiscard]] double flopsPerRow() const override;
    [[nodiscard]] double inputFlopsPerRow() const override;

    /// Q_i of every agent i and each of its actions: [R, N, A].
    [[nodiscard]] at::Tensor counterfactuals(const JointView& view, SiteTaps* taps) const;

  private:
    QtranConfig m_config;
    MixerShape m_shape;
    QtranFeatures m_features;
    FeedForward m_q;
    FeedForward m_v;
};

} // namespace knife
