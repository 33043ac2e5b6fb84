// SPDX-License-Identifier: GPL-3.0-or-later
// Weighted QMIX (Rashid et al. 2020): QMIX projected onto the joint actions that matter, beside an unrestricted Q* that
// targets are made of. Q* has agents of its own, "central":
//   Q_tot = QMIX(q_1 .. q_N, s),   Q* = FF(s, q*_1 .. q*_N)
//   y = TD target of Q*^- at u', the greedy joint action of the online QMIX agents, or of the target's without double Q
//   loss = mean w (Q_tot - y)^2 + c mean (Q* - y)^2
// CW-QMIX (centrally weighted): w = 1 where u is greedy or y > Q*^-(s, u'), else alpha. Greedy is what the online
// agents, which are trained, would do now, whoever chooses u'; y is compared where it is made. The released code knows
// double Q only, where the two actions are one.
// OW-QMIX (optimistically weighted): w = 1 where Q_tot < y, else alpha.
// From the released code: alpha 0.1, and c = 1/2 in PyMARL2; w carries no gradient. mix() is Q_tot.
#pragma once

#include "core/nets/mixers/central_mixing.h"
#include "core/nets/mixers/qmix.h"

namespace knife {

struct WeightedQmixConfig {
    QmixConfig qmix;
    double weight = 0.1;             ///< alpha
    std::int64_t centralEmbed = 256; ///< width of the central mixer
    double centralLoss = 0.5;        ///< c
};
void describe(FieldVisitor& visitor, WeightedQmixConfig& config);

class WeightedQmixMixer : public Mixer {
  public:
    WeightedQmixMixer(const WeightedQmixConfig& config, const MixerShape& shape, const MixerMaterials& materials);
    [[nodiscard]] MixerNeeds needs() const override;
    [[nodiscard]] at::Tensor mix(const JointView& view, SiteTaps* taps) const override;
    [[nodiscard]] at::Tensor bootstrap(const JointView& view) const override;
    [[nodiscard]] MixerLoss loss(const LossInput& input, SiteTaps* taps) const override;
    [[nodiscard]] double flopsPerRow() const override;
    [[nodiscard]] double inputFlopsPerRow() const override;

  protected:
    /// Where w = 1: [R, 1], bool. `joint` is Q_tot without gradient.
    [[nodiscard]] virtual at::Tensor matters(const LossInput& input, const at::Tensor& joint) const = 0;

  private:
    [[nodiscard]] at::Tensor central(const JointView& view, SiteTaps* taps) const;

    WeightedQmixConfig m_config;
    MonotonicMixing m_mixing;
    CentralMixing m_central;
};

class CwQmixMixer final : public WeightedQmixMixer {
  public:
    using WeightedQmixMixer::WeightedQmixMixer;

  private:
    [[nodiscard]] at::Tensor matters(const LossInput& input, const at::Tensor& joint) const override;
};

class OwQmixMixer final : public WeightedQmixMixer {
  public:
    using WeightedQmixMixer::WeightedQmixMixer;

  private:
    [[nodiscard]] at::Tensor matters(const LossInput& input, const at::Tensor& joint) const override;
};

} // namespace knife
