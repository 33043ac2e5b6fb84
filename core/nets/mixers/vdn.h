// SPDX-License-Identifier: GPL-3.0-or-later
// Value decomposition networks (Sunehag et al. 2018): Q_tot = sum_a q_a.
#pragma once

#include "core/nets/mixers/mixer.h"

namespace knife {

struct VdnConfig {};
inline void describe(FieldVisitor&, VdnConfig&) {}

class VdnMixer final : public Mixer {
  public:
    VdnMixer(const VdnConfig&, const MixerShape& shape, const MixerMaterials&) : m_agents(shape.agents) {}
    [[nodiscard]] at::Tensor mix(const JointView& view, SiteTaps* taps) const override;
    [[nodiscard]] std::unique_ptr<MixKernel> makeKernel(WorkerPool& pool) const override;

  private:
    std::int64_t m_agents;
};

} // namespace knife
