// SPDX-License-Identifier: GPL-3.0-or-later
// DMIX, the distributional QMIX of DFAC (Sun, Lee & Lee 2021; see iqn_mixer.h): QMIX mixes the means, the deviations
// from them add up.
//   mean_a = mean over tau of Z_a(tau)
//   Z_tot(tau) = QMIX(mean_1, …, mean_N; s) + sum_a ( Z_a(tau) - mean_a )
// Its mean over tau is QMIX of the means, so agents that choose by their means choose the best joint action.
#pragma once

#include "core/nets/mixers/iqn_mixer.h"
#include "core/nets/mixers/qmix.h"

namespace knife {

struct DmixConfig {
    IqnConfig iqn; ///< N = N' = 8, as in the released file of this method
    QmixConfig mixing;
};
void describe(FieldVisitor& visitor, DmixConfig& config);

class DmixMixer final : public IqnMixer {
  public:
    DmixMixer(const DmixConfig& config, const MixerShape& shape, const MixerMaterials& materials);
    [[nodiscard]] double flopsPerRow() const override { return IqnMixer::flopsPerRow() + m_mixing.flopsPerRow(); }
    [[nodiscard]] double inputFlopsPerRow() const override {
        return IqnMixer::inputFlopsPerRow() + m_mixing.inputFlopsPerRow();
    }

  private:
    [[nodiscard]] at::Tensor combine(const at::Tensor& z, const at::Tensor& state, SiteTaps* taps) const override;

    MonotonicMixing m_mixing;
};

} // namespace knife
