// SPDX-License-Identifier: GPL-3.0-or-later
// The fast paths of VDN and IQL.
#pragma once

#include "core/nets/mixers/mix_kernel.h"

namespace knife {

/// Q_tot = sum_a q_a.
class SumKernel final : public MixKernel {
  public:
    explicit SumKernel(std::int64_t agents) : m_agents(agents) {}
    void forward(const MixInputs& inputs, float* joint, Keep keep, SiteTaps* taps) override;
    void backward(const float* dJoint, float* dQ) override;

  private:
    std::int64_t m_agents;
    std::int64_t m_rows = 0;
};

/// Every agent's value by itself.
class IdentityKernel final : public MixKernel {
  public:
    explicit IdentityKernel(std::int64_t agents) : m_agents(agents) {}
    void forward(const MixInputs& inputs, float* joint, Keep keep, SiteTaps* taps) override;
    void backward(const float* dJoint, float* dQ) override;

  private:
    std::int64_t m_agents;
    std::int64_t m_rows = 0;
};

} // namespace knife
