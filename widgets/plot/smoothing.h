// SPDX-License-Identifier: GPL-3.0-or-later
// Smoothing of a curve for the eye. Works on all points, before any decimation, so zooming never changes it.
#pragma once

#include <span>
#include <vector>

namespace knife {

/// Exponentially weighted mean over the past, with weights exp(-(x_i - x_j) / span): the width is in units of x, not in
/// points, and the weights are normalised at every point, so there is no pull towards zero at the start.
/// A y that is not finite stays where it is and enters no mean. span <= 0 returns y unchanged.
[[nodiscard]] std::vector<double> smoothed(std::span<const double> x, std::span<const double> y, double span);

} // namespace knife
