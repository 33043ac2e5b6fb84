// SPDX-License-Identifier: GPL-3.0-or-later
// Qatten (Yang et al. 2020): attention of the state over the agents weighs their values. For each head h:
//   alpha_h = softmax_a( query_h(s) . key_h(x_a) / sqrt(E) ),   Q_h = sum_a alpha_{h,a} q_a
//   Q_tot = sum_h |head(s)|_h Q_h + c(s)
// Every weight is positive, so Q_tot rises with every q_a. x_a is agent a's own slice of the state, as in the released
// code, where the environment names such slices (MixerShape::agentState). Where it does not, x_a is the agent's
// observation; that fallback is ours, and so far what every environment here gets: none names slices yet.
#pragma once

#include <optional>
#include <vector>

#include "core/nets/mixers/feed_forward.h"
#include "core/nets/mixers/mixer.h"

namespace knife {

struct QattenConfig {
    std::int64_t heads = 4;
    std::int64_t queryHidden = 64;
    std::int64_t embed = 32; ///< E, width of queries and keys
    std::int64_t headHidden = 64;
    std::int64_t constantHidden = 32;
    bool weighted = true; ///< false: Q_tot = sum_h Q_h + c
};
void describe(FieldVisitor& visitor, QattenConfig& config);

class QattenMixer final : public Mixer {
  public:
    QattenMixer(const QattenConfig& config, const MixerShape& shape, const MixerMaterials& materials);
    [[nodiscard]] MixerNeeds needs() const override;
    [[nodiscard]] at::Tensor mix(const JointView& view, SiteTaps* taps) const override;
    [[nodiscard]] double flopsPerRow() const override;
    [[nodiscard]] double inputFlopsPerRow() const override;

  private:
    struct Head {
        FeedForward query;
        FeedForward key;
    };

    QattenConfig m_config;
    MixerShape m_shape;
    FeedForward m_constant;
    std::optional<FeedForward> m_headWeights; ///< if weighted
    std::vector<Head> m_heads;
};

} // namespace knife
