// SPDX-License-Identifier: GPL-3.0-or-later
// ResQ (Shen et al. 2022): QMIX plus a residual that only takes away, and never from the greedy joint action, so the
// best joint action is still made of each agent's best. Three sets of agents: QMIX's own, "central" and "residual".
//   Q_tot = QMIX(q_1 .. q_N, s),   Q_r = -|FF(s, r_1 .. r_N)| <= 0,   Q* = FF(s, q*_1 .. q*_N)
//   w_r = 0 where u is the greedy joint action of the QMIX agents, else 1;   Q_jt = Q_tot + w_r Q_r
//   y = TD target of Q*^- at that greedy joint action
//   loss = mean (Q_jt - y)^2 + c mean (Q* - y)^2 [+ mean max(Q_r, 0)^2 if Q_r = FF instead of -|FF|]
// From the released code: networks 128 wide, c = 1. Its learner computes -|FF| but trains Q_tot + w_r FF, and the
// penalty, which sees -|FF|, is always zero: nothing keeps the residual negative. `as_released` does that too.
#pragma once

#include "core/nets/mixers/central_mixing.h"
#include "core/nets/mixers/qmix.h"

namespace knife {

struct ResqConfig {
    QmixConfig qmix;
    std::int64_t centralEmbed = 128; ///< width of the central and the residual mixer
    double centralLoss = 1.0;        ///< c
    bool residualNegativeAbs = true; ///< Q_r = -|FF|; false: a penalty on positive values instead
    bool asReleased = false;         ///< the raw residual in the TD error, as the released learner has it
};
void describe(FieldVisitor& visitor, ResqConfig& config);

class ResqMixer final : public Mixer {
  public:
    ResqMixer(const ResqConfig& config, const MixerShape& shape, const MixerMaterials& materials);
    [[nodiscard]] MixerNeeds needs() const override;
    /// Q_jt.
    [[nodiscard]] at::Tensor mix(const JointView& view, SiteTaps* taps) const override;
    /// Q*.
    [[nodiscard]] at::Tensor bootstrap(const JointView& view) const override;
    [[nodiscard]] MixerLoss loss(const LossInput& input, SiteTaps* taps) const override;
    [[nodiscard]] double flopsPerRow() const override;
    [[nodiscard]] double inputFlopsPerRow() const override;

  private:
    [[nodiscard]] at::Tensor central(const JointView& view, SiteTaps* taps) const;
    [[nodiscard]] at::Tensor residual(const JointView& view, SiteTaps* taps) const;
    /// Q_tot + w_r residual.
    [[nodiscard]] at::Tensor joint(const JointView& view, const at::Tensor& residual, SiteTaps* taps) const;

    ResqConfig m_config;
    MonotonicMixing m_mixing;
    CentralMixing m_central;
    CentralMixing m_residual;
};

} // namespace knife
