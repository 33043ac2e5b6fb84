// SPDX-License-Identifier: GPL-3.0-or-later
// Progress on stderr: a bar that redraws itself on a terminal, a line every tenth of the budget elsewhere.
#pragma once

#include <chrono>
#include <cstdint>

#include "core/types/clocks.h"

namespace knife {

class ProgressLine {
  public:
    enum class Mode : std::uint8_t { Stderr, Silent };
    ProgressLine(Mode mode, std::int64_t totalEnvSteps);

    /// Cheap to call often: draws at most ten times a second.
    void show(const Clocks& clocks, double envStepsPerS);
    /// Leaves the cursor on a fresh line.
    void finish();

  private:
    void draw(const Clocks& clocks, double envStepsPerS);

    Mode m_mode;
    std::int64_t m_total;
    bool m_terminal;
    bool m_drawn = false;
    std::int64_t m_nextTenth = 1;
    std::chrono::steady_clock::time_point m_lastDrawn;
};

} // namespace knife
