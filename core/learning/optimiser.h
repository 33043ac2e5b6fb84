// SPDX-License-Identifier: GPL-3.0-or-later
// RMSprop and Adam over flat parameter blocks. Frozen entries have zero gradient and stay bit for bit.
#pragma once

#include <cstdint>

#include "core/config/experiment.h"
#include "core/nets/parameters.h"

namespace knife {

/// Discards the gradient of frozen entries.
void maskGradients(ParameterSet& parameters);

/// Global L2 norm of all gradients.
[[nodiscard]] double gradientNorm(const ParameterSet& parameters);

/// By what to scale a gradient of that norm so that it is not above `limit`; 1 where it is not, and for a limit of 0.
[[nodiscard]] double clipFactor(double norm, double limit);
/// Scales all gradients; nothing to do for 1.
void scaleGradients(ParameterSet& parameters, double factor);

/// RMSprop as in PyMARL (no momentum, not centred): v = a v + (1 - a) g^2, theta -= lr g / (sqrt(v) + eps).
/// Adam: Kingma & Ba 2015, bias-corrected, eps outside the root. Moments live in the parameter blocks.
class Optimiser {
  public:
    explicit Optimiser(const LearningConfig& config) : m_config(config) {}
    void step(ParameterSet& parameters);
    /// Clears all moments.
    void reset(ParameterSet& parameters);
    [[nodiscard]] std::int64_t steps() const { return m_steps; }
    void setSteps(std::int64_t steps) { m_steps = steps; }

  private:
    LearningConfig m_config;
    std::int64_t m_steps = 0;
};

} // namespace knife
