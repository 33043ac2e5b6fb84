// SPDX-License-Identifier: GPL-3.0-or-later
// Independent Q-learning (Tan 1993): no mixing; every agent learns its own value from the shared reward.
#pragma once

#include "core/nets/mixers/mixer.h"

namespace knife {

struct IqlConfig {};
inline void describe(FieldVisitor&, IqlConfig&) {}

class IqlMixer final : public Mixer {
  public:
    IqlMixer(const IqlConfig&, const MixerShape& shape, const MixerMaterials&) : m_agents(shape.agents) {}
    [[nodiscard]] at::Tensor mix(const JointView& view, SiteTaps* taps) const override;
    [[nodiscard]] std::unique_ptr<MixKernel> makeKernel(WorkerPool& pool) const override;
    [[nodiscard]] std::int64_t outputs() const override { return m_agents; }

  private:
    std::int64_t m_agents;
};

} // namespace knife
