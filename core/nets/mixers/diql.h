// SPDX-License-Identifier: GPL-3.0-or-later
// DIQL, independent distributional Q-learning, the baseline of DFAC (Sun, Lee & Lee 2021; see iqn_mixer.h): every agent
// learns its own Z_a(tau) from the shared reward, with fractions of its own.
#pragma once

#include "core/nets/mixers/iqn_mixer.h"

namespace knife {

struct DiqlConfig {
    IqnConfig iqn{.quantiles = 1, .targetQuantiles = 1}; // as in the released files of this method
};
inline void describe(FieldVisitor& visitor, DiqlConfig& config) {
    describe(visitor, config.iqn);
}

class DiqlMixer final : public IqnMixer {
  public:
    DiqlMixer(const DiqlConfig& config, const MixerShape& shape, const MixerMaterials& materials)
        : IqnMixer(config.iqn, Fractions::PerAgent, shape, materials) {}

  private:
    [[nodiscard]] at::Tensor combine(const at::Tensor& z, const at::Tensor&, SiteTaps*) const override { return z; }
};

} // namespace knife
