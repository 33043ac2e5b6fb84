// SPDX-License-Identifier: GPL-3.0-or-later
// What DDN, DMIX and DIQL share (Sun, Lee & Lee 2021, "DFAC"; released code j3soon/dfac): agents with an IQN head,
// quantile fractions tau ~ U(0, 1) drawn anew for every step of every episode, N for the values that are trained and
// N' for their targets, and the loss
//   sum over N of mean over N' of |tau - 1{u <= 0}| huber_1(u),   u = target - value
// The released code trains with Adam at 5e-4, one-step targets and learning.double_q = false.
//
// Ours: actions are chosen by the mean over the fixed fractions (2k + 1) / (2 K) instead of K = 32 random ones. Acting
// is then a function of the network alone; the released code draws fractions for acting too. Where it takes a target's
// greedy action by the mean over the N' drawn fractions, this takes the same fixed ones.
#pragma once

#include "core/nets/mixers/iqn_head.h"
#include "core/nets/mixers/mixer.h"

namespace knife {

struct IqnConfig {
    std::int64_t quantiles = 8;        ///< N
    std::int64_t targetQuantiles = 8;  ///< N'
    std::int64_t actingQuantiles = 32; ///< K
    std::int64_t cosines = 64;         ///< C
};
void describe(FieldVisitor& visitor, IqnConfig& config);

/// Who draws fractions.
enum class Fractions : std::uint8_t {
    Shared,  ///< one set per step of an episode, for all agents: sums of quantiles are quantiles of a joint return
    PerAgent ///< one set for each agent, which then learns on its own
};

class IqnMixer : public Mixer {
  public:
    [[nodiscard]] MixerNeeds needs() const override;
    /// [R, G * N], quantile fastest; G: 1 joint return, or the agents' own. Its fractions are those of `view.noise`.
    [[nodiscard]] at::Tensor mix(const JointView& view, SiteTaps* taps) const final;
    [[nodiscard]] std::int64_t outputs() const final { return m_groups * m_config.quantiles; }
    /// [R, G * N'], at other fractions than mix().
    [[nodiscard]] at::Tensor bootstrap(const JointView& view) const final;
    [[nodiscard]] MixerLoss loss(const LossInput& input, SiteTaps* taps) const final;
    /// The mean at the fractions that actions are chosen by.
    [[nodiscard]] at::Tensor expected(const JointView& view) const final;
    [[nodiscard]] bool choosesByOutputs() const final { return false; }
    [[nodiscard]] at::Tensor actionValues(const at::Tensor& outputs, const at::Tensor& hidden,
                                          at::Tensor& memory) const final;
    [[nodiscard]] double flopsPerRow() const override;
    [[nodiscard]] double inputFlopsPerRow() const override;

  protected:
    IqnMixer(const IqnConfig& config, Fractions fractions, const MixerShape& shape, const MixerMaterials& materials);

  private:
    /// The method: Z_a(tau) of the actions asked about [R, N, K] -> [R, G, K].
    [[nodiscard]] virtual at::Tensor combine(const at::Tensor& z, const at::Tensor& state, SiteTaps* taps) const = 0;
    /// Fractions [R, G, count] of one use of a view's draws, named `use`.
    [[nodiscard]] at::Tensor draw(const JointView& view, const char* use, std::int64_t count) const;
    [[nodiscard]] at::Tensor jointQuantiles(const JointView& view, const at::Tensor& fractions, SiteTaps* taps) const;

    IqnConfig m_config;
    std::int64_t m_groups;
    IqnHead m_head;
};

} // namespace knife
