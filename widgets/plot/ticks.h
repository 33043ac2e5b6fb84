// SPDX-License-Identifier: GPL-3.0-or-later
// Where ticks go and what they say: 0.25, 12k, 1.5M; all labels of an axis share their suffix and number of decimals.
#pragma once

#include <span>
#include <vector>

#include <QString>

#include "widgets/plot/decimate.h"

namespace knife {

/// Multiples of 1, 2 or 5 times a power of ten within the range, about `count` of them.
[[nodiscard]] std::vector<double> niceTicks(PlotRange range, int count);

/// 1, 2 or 5 times a power of ten at or above the value, which is positive.
[[nodiscard]] double niceAbove(double value);

/// The texts of evenly spaced ticks.
[[nodiscard]] std::vector<QString> tickLabels(std::span<const double> ticks);

/// The widest text that tickLabels gives for ordinary ranges; margins are made for it, so that they never jump.
[[nodiscard]] QString widestTickLabel();

} // namespace knife
