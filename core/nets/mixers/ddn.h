// SPDX-License-Identifier: GPL-3.0-or-later
// DDN, the distributional VDN of DFAC (Sun, Lee & Lee 2021; see iqn_mixer.h):
//   Z_tot(tau) = sum_a Z_a(tau)
#pragma once

#include "core/nets/mixers/iqn_mixer.h"

namespace knife {

struct DdnConfig {
    IqnConfig iqn{.quantiles = 1, .targetQuantiles = 1}; // as in the released files of this method
};
inline void describe(FieldVisitor& visitor, DdnConfig& config) {
    describe(visitor, config.iqn);
}

class DdnMixer final : public IqnMixer {
  public:
    DdnMixer(const DdnConfig& config, const MixerShape& shape, const MixerMaterials& materials)
        : IqnMixer(config.iqn, Fractions::Shared, shape, materials) {}

  private:
    [[nodiscard]] at::Tensor combine(const at::Tensor& z, const at::Tensor& state, SiteTaps* taps) const override;
};

} // namespace knife
