// SPDX-License-Identifier: GPL-3.0-or-later
// QMIX (Rashid et al. 2018). With w1 = |Hyp1(s)| in R^{N x E}, b1 = Lin(s), w2 = |Hyp2(s)| in R^E, v = Lin relu Lin(s):
//   Q_tot = elu(q w1 + b1) . w2 + v
// A hypernetwork is one Linear, or Linear -> ReLU -> Linear of width `hypernet_embed`. The absolute value comes after
// the hypernetwork, so composites inside it keep Q_tot monotone in every q_a.
#pragma once

#include "core/nets/mixers/feed_forward.h"
#include "core/nets/mixers/mixer.h"

namespace knife {

struct QmixConfig {
    std::int64_t embed = 32;         ///< E, units of the mixing layer
    std::int64_t hypernetLayers = 2; ///< 1 or 2
    std::int64_t hypernetEmbed = 64;
};
void describe(FieldVisitor& visitor, QmixConfig& config);

/// Q_tot from chosen action values q [rows, N] and states [rows, S]; the part that other methods build on too.
class MonotonicMixing {
  public:
    /// Sites and parameters are named `<prefix>.hyper_w1`, `.hyper_b1`, `.hyper_w2`, `.v`, `.mix`.
    MonotonicMixing(const QmixConfig& config, const MixerShape& shape, const MixerMaterials& materials,
                    const std::string& prefix);
    /// [rows, 1].
    [[nodiscard]] at::Tensor mix(const at::Tensor& q, const at::Tensor& state, SiteTaps* taps) const;
    [[nodiscard]] double flopsPerRow() const;
    [[nodiscard]] double inputFlopsPerRow() const;

    [[nodiscard]] std::int64_t agents() const { return m_agents; }
    [[nodiscard]] std::int64_t embed() const { return m_embed; }
    [[nodiscard]] std::int64_t state() const { return m_state; }
    [[nodiscard]] const FeedForward& w1() const { return m_w1; }
    [[nodiscard]] const FeedForward& b1() const { return m_b1; }
    [[nodiscard]] const FeedForward& w2() const { return m_w2; }
    [[nodiscard]] const FeedForward& v() const { return m_v; }
    [[nodiscard]] std::size_t mixSite() const { return m_mixSite; }

  private:
    std::int64_t m_agents;
    std::int64_t m_embed;
    std::int64_t m_state;
    FeedForward m_w1;
    FeedForward m_b1;
    FeedForward m_w2;
    FeedForward m_v;
    std::size_t m_mixSite = 0;
};

class QmixMixer final : public Mixer {
  public:
    QmixMixer(const QmixConfig& config, const MixerShape& shape, const MixerMaterials& materials);
    [[nodiscard]] at::Tensor mix(const JointView& view, SiteTaps* taps) const override;
    [[nodiscard]] std::unique_ptr<MixKernel> makeKernel(WorkerPool& pool) const override;
    [[nodiscard]] double flopsPerRow() const override { return m_mixing.flopsPerRow(); }
    [[nodiscard]] double inputFlopsPerRow() const override { return m_mixing.inputFlopsPerRow(); }

  private:
    MonotonicMixing m_mixing;
};

} // namespace knife
