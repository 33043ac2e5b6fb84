// SPDX-License-Identifier: GPL-3.0-or-later
// QTRAN-base (Son et al. 2019). A joint value of unrestricted form is learned by TD; the agents' utilities are then
// tied to it, so that each agent's best action is part of the best joint action:
//   Q_jt(s, u) = MLP([s, sum_a f_a])      V(s) = MLP(s)      ubar_a = argmax q_a
//   L_td   = (Q_jt(s, u) - y)^2
//   L_opt  = (sum_a q_a(ubar_a) - Q_jt(s, ubar) + V(s))^2
//   L_nopt = min(0, sum_a q_a(u_a) - Q_jt(s, u) + V(s))^2
// Q_jt is a constant in the last two. The loss is their weighted sum, by default 1, 1, 0.1.
#pragma once

#include "core/nets/mixers/qtran_features.h"

namespace knife {

class QtranBaseMixer final : public Mixer {
  public:
    QtranBaseMixer(const QtranConfig& config, const MixerShape& shape, const MixerMaterials& materials);
    [[nodiscard]] MixerNeeds needs() const override;
    /// Q_jt.
    [[nodiscard]] at::Tensor mix(const JointView& view, SiteTaps* taps) const override;
    [[nodiscard]] MixerLoss loss(const LossInput& input, SiteTaps* taps) const override;
    [[nodiscard]] double flopsPerRow() const override;
    [[nodiscard]] double inputFlopsPerRow() const override;

  private:
    QtranConfig m_config;
    QtranFeatures m_features;
    FeedForward m_q;
    FeedForward m_v;
};

} // namespace knife
