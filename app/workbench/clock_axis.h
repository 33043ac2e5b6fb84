// SPDX-License-Identifier: GPL-3.0-or-later
// The four clocks of a run as x axes.
#pragma once

#include <vector>

#include <QString>

#include "core/store/records.h"
#include "widgets/curves_panel.h"

namespace knife {

/// What a clock shows at a moment.
[[nodiscard]] double clockValue(const Clocks& clocks, XClock clock);
/// The x column of a series.
[[nodiscard]] std::vector<double> clockValues(const Series& series, XClock clock);
/// Number of the last stamp at or before x (the first one if x lies before all); -1 when there is none. Clocks only go
/// up, so the stamps are in order on every axis.
[[nodiscard]] int stampAt(const std::vector<FrameStamp>& stamps, XClock clock, double x);

} // namespace knife
