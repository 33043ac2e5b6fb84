// SPDX-License-Identifier: GPL-3.0-or-later
// QMIX (Rashid et al. 2018). With w1 = |Hyp1(s)| in R^{N x E}, b1 = Lin(s), w2 = |Hyp2(s)| in R^E, v = Lin relu Lin(s):
//   Q_tot = elu(q w1 + b1) . w2 + v
// A hypernetwork is one Linear, or Linear -> ReLU -> Linear of width `hypernet_embed`. The absolute value comes after
// the hypernetwork, so composites inside it keep Q_tot monotone in every q_a.
#pragma once

#include <optional>

#include "core/nets/mixers/mixer.h"

namespace knife {

struct QmixConfig {
    std::int64_t embed = 32;         ///< E, units of the mixing layer
    std::int64_t hypernetLayers = 2; ///< 1 or 2
    std::int64_t hypernetEmbed = 64;
};
void describe(FieldVisitor& visitor, QmixConfig& config);

class QmixMixer final : public Mixer {
  public:
    QmixMixer(const QmixConfig& config, const MixerShape& shape, const MixerMaterials& materials);
    [[nodiscard]] at::Tensor mix(const at::Tensor& q, const at::Tensor& state, SiteTaps* taps) const override;
    [[nodiscard]] double flopsPerRow() const override;
    [[nodiscard]] double inputFlopsPerRow() const override;

  private:
    /// State to weights, one layer or two.
    struct Hypernet {
        std::optional<CompositeLinear> deep;
        Parameter* weight = nullptr; ///< of the one-layer form
        Parameter* bias = nullptr;
        std::size_t site = 0; ///< of the two-layer form
        [[nodiscard]] at::Tensor forward(const at::Tensor& state, SiteTaps* taps) const;
    };
    void buildHypernet(Hypernet& net, const std::string& name, std::int64_t hidden, std::int64_t outputs, bool deep,
                       const MixerMaterials& materials) const;

    QmixConfig m_config;
    MixerShape m_shape;
    Hypernet m_w1;
    Hypernet m_b1;
    Hypernet m_w2;
    Hypernet m_v;
    std::size_t m_mixSite = 0;
};

} // namespace knife
