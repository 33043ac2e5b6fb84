// SPDX-License-Identifier: GPL-3.0-or-later
// What QTRAN's two forms share: their options, and what their central networks see of a joint action. Every agent
// contributes one row f_a; a joint action is the sum of the rows, "the others' actions" is the sum without one.
//   qtran_paper:  f_a = enc([h_a, onehot u_a]), enc = Lin(H+A -> H+A) relu Lin
//   coma_critic:  f_a = onehot u_a at agent a's place among N * A entries, so that the sum is the flat joint action
#pragma once

#include <memory>
#include <string>

#include "core/nets/mixers/feed_forward.h"
#include "core/nets/mixers/mixer.h"

namespace knife {

struct QtranConfig {
    std::string arch = "qtran_paper"; ///< or "coma_critic"
    std::int64_t embed = 64;          ///< width of the hidden layers of Q_jt and V
    std::int64_t depth = 2;           ///< how many there are; 3 is PyMARL's "big"
    double tdWeight = 1.0;
    double optWeight = 1.0;
    double noptWeight = 0.1;

    [[nodiscard]] std::vector<std::int64_t> hiddenLayers() const;
    [[nodiscard]] bool seesHidden() const { return arch == "qtran_paper"; }
};
void describe(FieldVisitor& visitor, QtranConfig& config);

class QtranFeatures {
  public:
    /// Declares `mixer.encoder` where there is one.
    QtranFeatures(const QtranConfig& config, const MixerShape& shape, const MixerMaterials& materials);
    /// f_a of every agent: [R, N, width()].
    [[nodiscard]] at::Tensor ofEachAgent(const JointView& view, SiteTaps* taps) const;
    [[nodiscard]] std::int64_t width() const { return m_width; }
    /// Of one joint action.
    [[nodiscard]] double flops() const;

  private:
    MixerShape m_shape;
    std::int64_t m_width;
    std::unique_ptr<FeedForward> m_encoder; ///< qtran_paper only
};

/// sum_a q_a(u_a) of the joint action that the view asks about: [R, 1].
[[nodiscard]] at::Tensor sumOfUtilities(const JointView& view);
/// The view at ubar, each agent's best available action.
[[nodiscard]] JointView atBestUtilities(const JointView& view);

} // namespace knife
