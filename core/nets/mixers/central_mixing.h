// SPDX-License-Identifier: GPL-3.0-or-later
// An unrestricted joint value of the state and chosen action values, as WQMIX (Rashid et al. 2020) and ResQ use it:
//   Q(s, q) = Lin relu Lin relu Lin relu Lin [s, q] + Lin relu Lin s
#pragma once

#include <string>

#include "core/nets/mixers/feed_forward.h"

namespace knife {

class CentralMixing {
  public:
    /// Sites and parameters are named `<prefix>.mixer` and `<prefix>.v`.
    CentralMixing(const MixerShape& shape, std::int64_t width, const MixerMaterials& materials,
                  const std::string& prefix);
    /// q [rows, N], state [rows, S] -> [rows, 1].
    [[nodiscard]] at::Tensor mix(const at::Tensor& q, const at::Tensor& state, SiteTaps* taps) const;
    [[nodiscard]] double flopsPerRow() const;
    [[nodiscard]] double inputFlopsPerRow() const;

  private:
    double m_stateFlops; ///< of the first layer of m_net
    FeedForward m_net;
    FeedForward m_v;
};

} // namespace knife
