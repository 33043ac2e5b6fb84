// SPDX-License-Identifier: GPL-3.0-or-later
// Where the time of a training thread goes.
#pragma once

#include <chrono>
#include <cstdint>

namespace knife {

/// Wall seconds since the trainer was built, and the arithmetic that was done in them. Surgeries and task switches are
/// in none of the sections.
struct TrainingTimes {
    double rolloutS = 0.0;
    double updateS = 0.0; ///< batches and gradient steps, diagnostics apart
    double diagnosticsS = 0.0;
    double storeS = 0.0; ///< handing figures and frames to the store
    double evaluationS = 0.0;
    double updateFlop = 0.0; ///< of the gradient steps; multiply-add = 2
};

/// Adds the time of its own life to a sum.
class TimedSection {
  public:
    explicit TimedSection(double& seconds) : m_seconds(seconds), m_began(Clock::now()) {}
    ~TimedSection() { m_seconds += std::chrono::duration<double>(Clock::now() - m_began).count(); }
    TimedSection(const TimedSection&) = delete;
    TimedSection& operator=(const TimedSection&) = delete;

  private:
    using Clock = std::chrono::steady_clock;
    double& m_seconds;
    Clock::time_point m_began;
};

} // namespace knife
