// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <deque>

#include "core/types/clocks.h"

namespace knife {

/// Speed over the last few seconds of training. Not thread-safe.
class SpeedMeter {
  public:
    void add(const Clocks& clocks) {
        m_samples.push_back(clocks);
        while (m_samples.size() > 2 && clocks.wallS - m_samples.front().wallS > kWindowS) {
            m_samples.pop_front();
        }
    }
    [[nodiscard]] double envStepsPerS() const {
        return rate([](const Clocks& c) { return c.envStep.value; });
    }
    [[nodiscard]] double updatesPerS() const {
        return rate([](const Clocks& c) { return c.update.value; });
    }

  private:
    static constexpr double kWindowS = 5.0;
    template <typename Count>
    [[nodiscard]] double rate(Count count) const {
        if (m_samples.size() < 2) {
            return 0.0;
        }
        const double seconds = m_samples.back().wallS - m_samples.front().wallS;
        return seconds > 0.0 ? static_cast<double>(count(m_samples.back()) - count(m_samples.front())) / seconds : 0.0;
    }
    std::deque<Clocks> m_samples;
};

} // namespace knife
