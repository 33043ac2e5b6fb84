// SPDX-License-Identifier: GPL-3.0-or-later
// y = gain (x - mean) / sqrt(variance + 1e-5) + shift over the units of one row (Ba et al. 2016).
#pragma once

#include "core/nets/agents/agent.h"

namespace knife {

class LayerNorm {
  public:
    /// Declares `<agent><part>.gain/shift`, ones and zeros [units].
    LayerNorm(const AgentMaterials& materials, const std::string& part, std::int64_t units);
    /// [..., units] -> the same shape.
    [[nodiscard]] at::Tensor forward(const at::Tensor& x) const;

  private:
    Parameter* m_gain;
    Parameter* m_shift;
};

} // namespace knife
