// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/nets/mixers/dmix.h"

#include <ATen/ATen.h>

namespace knife {

void describe(FieldVisitor& visitor, DmixConfig& config) {
    describe(visitor, config.iqn);
    describe(visitor, config.mixing);
}

DmixMixer::DmixMixer(const DmixConfig& config, const MixerShape& shape, const MixerMaterials& materials)
    : IqnMixer(config.iqn, Fractions::Shared, shape, materials), m_mixing(config.mixing, shape, materials, "mixer") {}

at::Tensor DmixMixer::combine(const at::Tensor& z, const at::Tensor& state, SiteTaps* taps) const {
    const at::Tensor mean = z.mean(2); // [R, N]
    const at::Tensor deviation = z - mean.unsqueeze(2);
    return m_mixing.mix(mean, state, taps).unsqueeze(2) + deviation.sum(1, /*keepdim=*/true);
}

} // namespace knife
